//! The house rules that a compiler does not know: who may import whom, what may be named where, and
//! what stands at the top.

mod rooms;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The floors of the house: arrows only point down. Modules stand on floor 3, side by side.
const FLOORS: [(&str, u8); 13] = [
    ("features", 0),
    ("kernel", 0),
    ("interface", 1),
    ("store", 1),
    ("contracts", 2),
    ("events", 2),
    ("ledger", 2),
    ("runtime", 2),
    ("catalog", 4),
    ("local", 4),
    ("talaria", 5),
    ("tests", 5),
    ("any module", 3),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// Every package of the workspace: where it is, and what of ours it depends on outside its tests.
fn packages() -> BTreeMap<String, (PathBuf, BTreeSet<String>)> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo metadata runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    let list = metadata["packages"].as_array().expect("packages");
    list.iter()
        .map(|package| {
            let folder = Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap();
            let ours =
                package["dependencies"].as_array().unwrap().iter().filter(|dependency| {
                    dependency["path"].is_string() && dependency["kind"] != "dev"
                });
            let names = ours.map(|dependency| dependency["name"].as_str().unwrap().to_owned());
            let name = package["name"].as_str().unwrap().to_owned();
            (name, (folder.to_owned(), names.collect()))
        })
        .collect()
}

fn floor(name: &str, folder: &Path) -> u8 {
    let named = FLOORS.iter().find(|(known, _)| *known == name).map(|(_, floor)| *floor);
    named.unwrap_or_else(|| {
        assert!(folder.starts_with(root().join("functions")), "{name} stands on no floor");
        3
    })
}

/// The Rust sources below a folder, without unit tests.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("folder is readable").flatten() {
        let path = entry.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        if name == "tests" || name.ends_with("_tests") {
            continue;
        }
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path).expect("source is readable");
            let code =
                text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
            found.push((path, code));
        }
    }
    found
}

fn modules() -> Vec<PathBuf> {
    let folders = std::fs::read_dir(root().join("functions")).unwrap().flatten();
    folders.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

/// Lines of code, without comments, that hold one of the words.
fn lines_naming(sources: &[(PathBuf, String)], words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in sources {
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if words.iter().any(|word| code.contains(word)) {
                found.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    found
}

#[test]
fn arrows_only_point_down() {
    let packages = packages();
    for (name, (folder, dependencies)) in &packages {
        let from = floor(name, folder);
        for dependency in dependencies {
            let to = floor(dependency, &packages[dependency].0);
            let declares = name == "events" || name == "contracts";
            let may = to < from && !(declares && dependency == "store");
            assert!(may, "{name} must not import {dependency}");
        }
    }
}

#[test]
fn no_module_imports_another() {
    let names: BTreeSet<String> =
        modules().iter().map(|path| path.file_name().unwrap().to_string_lossy().into()).collect();
    for (name, (_, dependencies)) in packages() {
        let both: Vec<_> = dependencies.intersection(&names).collect();
        assert!(both.is_empty() || name == "catalog", "{name} imports the modules {both:?}");
    }
}

#[test]
fn the_catalog_knows_every_module() {
    let listed: BTreeSet<String> =
        catalog::modules().iter().map(|module| module.name.to_owned()).collect();
    let folders: BTreeSet<String> =
        modules().iter().map(|path| path.file_name().unwrap().to_string_lossy().into()).collect();
    assert_eq!(listed, folders);
}

#[test]
fn decisions_know_neither_time_nor_world() {
    let banned = [
        "async ",
        ".await",
        "aws_sdk",
        "aws_smithy",
        "runtime::",
        "store::",
        "tokio",
        "std::env",
        "std::fs",
        "println",
    ];
    for module in modules() {
        let domain = module.join("src/domain");
        if domain.is_dir() {
            let found = lines_naming(&sources(&domain), &banned);
            assert!(found.is_empty(), "a decision reaches out:\n{}", found.join("\n"));
        }
    }
}

#[test]
fn one_adapter_alone_reaches_object_storage() {
    let mut product = sources(&root().join("functions"));
    product.extend(sources(&root().join("shared")));
    let adapter = root().join("functions/platform/src/archive.rs");
    let (own, elsewhere): (Vec<_>, Vec<_>) =
        product.into_iter().partition(|(path, _)| *path == adapter);
    assert!(!lines_naming(&own, &["aws_sdk_s3"]).is_empty(), "the adapter is somewhere else");
    let found = lines_naming(&elsewhere, &["aws_sdk_s3"]);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn only_contracts_and_runtime_name_http_statuses() {
    let mut elsewhere = sources(&root().join("functions"));
    for shared in ["kernel", "store", "events"] {
        elsewhere.extend(sources(&root().join("shared").join(shared).join("src")));
    }
    let found = lines_naming(&elsewhere, &["StatusCode", "status_code", "http::Status"]);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn what_a_module_refuses_with_stands_beside_its_contracts() {
    let product = sources(&root().join("functions"));
    let found = lines_naming(&product, &["Problem::new", "problems!"]);
    assert!(found.is_empty(), "declare it in shared/contracts:\n{}", found.join("\n"));
}

#[test]
fn nothing_reads_a_whole_table() {
    let mut product = sources(&root().join("functions"));
    product.extend(sources(&root().join("shared/store/src")));
    product.extend(sources(&root().join("shared/runtime/src")));
    let found = lines_naming(&product, &[".scan(", "Scan::"]);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_handler_has_one_public_function_and_fits_its_screen() {
    for module in modules() {
        for folder in ["http", "on", "schedule", "stream", "job", "operator", "call", "ws"] {
            let folder = module.join("src").join(folder);
            if !folder.is_dir() {
                continue;
            }
            for (path, text) in sources(&folder) {
                let public = text.lines().filter(|line| line.starts_with("pub ")).count();
                let handles = text.contains("pub async fn handle(");
                assert!(handles && public == 1, "{}: one public function, handle", path.display());
            }
        }
    }
}

#[test]
fn every_entry_has_the_file_its_id_names() {
    for module in catalog::modules() {
        for row in &module.rows {
            let verb = row.id.split_once('.').map_or("", |(_, verb)| verb);
            let folder = root().join("functions").join(module.name).join("src");
            let listened = format!("on/{}.rs", verb.strip_prefix("on_").unwrap_or(verb));
            let places = ["http", "call", "schedule", "stream", "job", "operator", "ws"];
            let mut files = places.iter().map(|place| format!("{place}/{verb}.rs"));
            let authorizer = "authorizer.rs".to_owned();
            let exists = |file: &String| folder.join(file).is_file();
            let found = files.any(|file| exists(&file)) || exists(&listened) || exists(&authorizer);
            assert!(found, "{} has no file of its name", row.id);
        }
    }
}

#[test]
fn nothing_else_stands_at_the_top() {
    const ALLOWED: [&str; 22] = [
        ".cargo",
        ".ci",
        ".editorconfig",
        ".git",
        ".gitattributes",
        ".github",
        ".gitignore",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE",
        "README.md",
        "clippy.toml",
        "deny.toml",
        "docs",
        "events",
        "functions",
        "samconfig.toml",
        "shared",
        "tests",
    ];
    const MORE: [&str; 5] =
        ["rust-toolchain.toml", "rustfmt.toml", "target", "template.yaml", ".talaria"];
    for entry in std::fs::read_dir(root()).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(
            ALLOWED.contains(&name.as_str()) || MORE.contains(&name.as_str()),
            "{name} does not belong at the top"
        );
    }
}
