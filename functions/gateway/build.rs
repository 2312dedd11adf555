//! Joins the API documents of the modules into the one that is served, and names it by its content, so
//! that the running function neither reads nor writes it.

use std::error::Error;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let parts = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../docs/generated/openapi");
    let mut paths: Vec<PathBuf> = fs::read_dir(&parts)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_, Box<dyn Error>>>()?;
    paths.sort_unstable();
    let mut whole = Value::Null;
    for path in paths {
        join(&mut whole, serde_saphyr::from_str(&fs::read_to_string(path)?)?);
    }
    let text = whole.to_string();
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    fs::write(Path::new(&env::var("OUT_DIR")?).join("openapi.json"), text)?;
    writeln!(stdout(), "cargo::rustc-env=OPENAPI_TAG={:016x}", hasher.finish())?;
    writeln!(stdout(), "cargo::rerun-if-changed={}", parts.display())?;
    writeln!(stdout(), "cargo::rerun-if-changed=build.rs")?;
    Ok(())
}

/// Adds one document to another: members of objects, and items of lists that are not there yet.
fn join(whole: &mut Value, part: Value) {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            for (name, member) in part {
                join(whole.entry(name).or_insert(Value::Null), member);
            }
        }
        (Value::Array(whole), Value::Array(part)) => {
            for item in part {
                if !whole.contains(&item) {
                    whole.push(item);
                }
            }
        }
        (whole, part) => *whole = part,
    }
}
