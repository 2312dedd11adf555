//! The rooms of a crate are the folders and files at its top. Each imports from the rooms below it,
//! and none from those above or beside it: so there is no circle, and a room is read without the rest.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{root, sources};

/// A crate with its rooms, lowest first. Those of one row stand side by side and know nothing of each
/// other.
struct House {
    name: &'static str,
    /// The file that declares the rooms.
    index: &'static str,
    floors: &'static [&'static [&'static str]],
}

const HOUSES: [House; 3] = [
    House {
        name: "runtime",
        index: "lib.rs",
        floors: &[
            &["ports"],
            &["call"],
            &["commit"],
            &["module"],
            &["wiring"],
            &["http", "events"],
            &["entry"],
        ],
    },
    House {
        name: "local",
        index: "lib.rs",
        floors: &[
            &["clock", "fault", "state"],
            &["aws"],
            &["connector"],
            &["cloud"],
            &["mail", "mapping"],
            &["lambda"],
            &["gateway", "schedule", "seed"],
            &["boot"],
            &["platform"],
            &["harness"],
        ],
    },
    House {
        name: "talaria",
        index: "main.rs",
        floors: &[
            &["console", "envelope", "member", "platform", "schema"],
            &["compatibility", "operators", "refusal", "template", "workspace", "yaml"],
            &["artefact", "event_story", "openapi"],
            &["asyncapi", "sample"],
            &["page"],
            &["generated", "wall"],
            &["command"],
        ],
    },
];

impl House {
    /// Where its sources are, and the text of the file that declares its rooms.
    fn read(&self) -> (PathBuf, String) {
        let source = root().join("shared").join(self.name).join("src");
        let index = std::fs::read_to_string(source.join(self.index)).expect("it has an index");
        (source, index)
    }

    fn floor(&self, room: &str) -> Option<usize> {
        self.floors.iter().position(|rooms| rooms.contains(&room))
    }

    /// Every arrow of a source that may not be, as a line to read. `file` is its path below `src`.
    fn faults(&self, index: &str, file: &str, text: &str) -> Vec<String> {
        let module = module_of(file);
        let room = module.first().copied().unwrap_or_default();
        let mut faults = Vec::new();
        for (line, name) in outside_names(&module, text) {
            let to = reexported_from(index, &name).unwrap_or(name);
            let fault = match (self.floor(room), self.floor(&to)) {
                _ if to == room => continue,
                (Some(from), Some(to)) if to < from => continue,
                (_, None) => format!("{to} is no room of {}", self.name),
                _ => format!("{room} must not import {to}: it does not stand below"),
            };
            faults.push(format!("shared/{}/src/{file}:{line}: {fault}", self.name));
        }
        faults
    }
}

/// The path of a source's module below the crate.
fn module_of(file: &str) -> Vec<&str> {
    let path = file.trim_end_matches(".rs");
    path.split('/').filter(|part| *part != "mod").collect()
}

/// What a module names through the top of its crate, by `crate::` or by `super::` often enough: the
/// line, and the first part of the path.
fn outside_names(module: &[&str], text: &str) -> Vec<(usize, String)> {
    let code = text.lines().map(code_of).collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|one| one.is_alphanumeric() || "_:$".contains(one)) {
                continue;
            }
            let mut path = &code[at..];
            let mut inside = if start == "crate::" { 0 } else { module.len() };
            path = path.strip_prefix("crate::").unwrap_or(path);
            while let Some(rest) = path.strip_prefix("super::") {
                (path, inside) = (rest, inside.saturating_sub(1));
            }
            if inside == 0 {
                let line = code[..at].matches('\n').count() + 1;
                found.extend(first_parts(path).into_iter().map(|name| (line, name)));
            }
        }
    }
    found
}

/// A line without texts in quotes and without its comment.
fn code_of(line: &str) -> String {
    let (mut is_text, mut before) = (false, ' ');
    let is_code = |one: &char| {
        if *one == '"' && before != '\\' {
            is_text = !is_text;
        }
        before = *one;
        !is_text
    };
    let code: String = line.chars().filter(is_code).collect();
    code.split("//").next().unwrap_or_default().to_owned()
}

/// The first part of a path, or of each path of a group in braces.
fn first_parts(path: &str) -> Vec<String> {
    let word = |text: &str| {
        let letters = text.trim_start().chars();
        letters.take_while(|one| one.is_alphanumeric() || *one == '_').collect::<String>()
    };
    let Some(group) = path.strip_prefix('{') else { return vec![word(path)] };
    let (mut depth, mut parts) = (0_u32, vec![String::new()]);
    for one in group.chars() {
        match one {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => parts.push(String::new()),
            _ => {}
        }
        parts.last_mut().expect("there is always a last part").push(one);
    }
    let words = parts.iter().map(|part| word(part.trim_start_matches(',')));
    words.filter(|word| !word.is_empty()).collect()
}

/// The room that `lib.rs` takes a name from that it passes on.
fn reexported_from(index: &str, name: &str) -> Option<String> {
    let statements = index.split(';').filter_map(|text| text.trim().strip_prefix("pub use "));
    let mut found = statements.filter_map(|path| path.split_once("::")).filter(|(_, names)| {
        names.split(|one: char| !one.is_alphanumeric() && one != '_').any(|one| one == name)
    });
    found.next().map(|(room, _)| room.to_owned())
}

/// The modules a crate declares at its top: its rooms, and those that only its own tests see.
fn declared(index: &str) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let (mut rooms, mut of_tests) = (BTreeSet::new(), BTreeSet::new());
    let mut before = "";
    for line in index.lines() {
        let declaration = line.trim_start_matches("pub ").strip_prefix("mod ");
        if let Some(name) = declaration.and_then(|text| text.strip_suffix(';')) {
            let kind = if before == "#[cfg(test)]" { &mut of_tests } else { &mut rooms };
            kind.insert(name);
        }
        before = line;
    }
    (rooms, of_tests)
}

#[test]
fn rooms_import_from_rooms_below_them_only() {
    for house in &HOUSES {
        let (source, index) = house.read();
        let (_, of_tests) = declared(&index);
        let mut faults = Vec::new();
        for (path, text) in sources(&source) {
            let file = path.strip_prefix(&source).expect("a source is in its crate");
            let file = file.to_string_lossy().replace('\\', "/");
            let room = module_of(&file).first().map(ToString::to_string).unwrap_or_default();
            if file != house.index && !of_tests.contains(room.as_str()) {
                faults.extend(house.faults(&index, &file, &text));
            }
        }
        assert!(faults.is_empty(), "rooms import upwards:\n{}", faults.join("\n"));
    }
}

#[test]
fn every_room_stands_on_a_floor_and_lib_rs_is_a_table_of_contents() {
    for house in &HOUSES {
        let (_, index) = house.read();
        let listed: BTreeSet<&str> =
            house.floors.iter().flat_map(|rooms| rooms.iter().copied()).collect();
        assert_eq!(declared(&index).0, listed, "the rooms of {}", house.name);
        let defines = ["fn ", "struct ", "enum ", "trait ", "impl ", "const ", "static ", "macro"];
        let is_library = house.index == "lib.rs";
        for line in index.lines().filter(|line| is_library && !line.starts_with("//")) {
            let found = defines.iter().find(|word| line.contains(*word));
            assert_eq!(found, None, "lib.rs of {} is a table of contents: {line}", house.name);
        }
    }
}

#[test]
fn an_arrow_that_may_not_be_is_named_with_file_room_and_target() {
    let [runtime, ..] = &HOUSES;
    let index = "pub use module::table::{Group, Module};\npub use call::ctx::Ctx;";
    let up = |room: &str| format!("commit must not import {room}: it does not stand below");
    let table = [
        ("use crate::call::ctx::Ctx;", None),
        ("use crate::Ctx;", None),
        ("use super::audit::AuditRow;", None),
        ("// see crate::module::table", None),
        ("let text = \"use crate::module::table\";", None),
        ("use kernel::Error;\nuse crate::module::row::Row;", Some((2, up("module")))),
        ("fn of(row: &crate::module::Row) {}", Some((1, up("module")))),
        ("use crate::Module;", Some((1, up("module")))),
        ("use super::super::events::relay;", Some((1, up("events")))),
        ("use crate::{call::{ctx, cause},\n    http};", Some((1, up("http")))),
        ("use crate::unheard::Of;", Some((1, "unheard is no room of runtime".to_owned()))),
    ];
    for (text, fault) in table {
        let file = "commit/timer.rs";
        let line = |(line, why)| format!("shared/runtime/src/{file}:{line}: {why}");
        let expected: Vec<String> = fault.map(line).into_iter().collect();
        assert_eq!(runtime.faults(index, file, text), expected, "{text}");
    }
    let beside = runtime.faults(index, "http/mod.rs", "use crate::events::relay;");
    let why = "http must not import events: it does not stand below";
    assert_eq!(beside, [format!("shared/runtime/src/http/mod.rs:1: {why}")]);
}
