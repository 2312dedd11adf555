//! A generated file, and whether the project has it as it would be written.

use serde_json::Value;

use crate::console::Failure;
use crate::workspace::Workspace;
use crate::yaml;

/// What stands first in every generated file that can hold a comment.
const MADE_BY: &str = "Made by `cargo talaria gen`; do not edit.";
/// Where the API documents of the modules are; the gateway's build joins them.
pub const OPENAPI: &str = "docs/generated/openapi";
/// Where the access matrices of the modules are.
pub const ACCESS: &str = "docs/generated/access";
/// Folders that hold nothing but generated files: what is not written again is removed.
const OWNED_FOLDERS: &[&str] = &[ACCESS, OPENAPI, "events/authorizer", "events/domain"];

/// One generated file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artefact {
    /// From the root of the project.
    pub path: String,
    pub text: String,
}

impl Artefact {
    /// A JSON file. JSON has no comments, so it does not say where it came from.
    pub fn json(path: impl Into<String>, value: &Value) -> Self {
        // A `Value` always serialises.
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        Self { path: path.into(), text: text + "\n" }
    }

    /// A YAML file.
    pub fn yaml(path: impl Into<String>, value: &Value) -> Result<Self, Failure> {
        let text = yaml::write(value)?;
        Ok(Self { path: path.into(), text: format!("# {MADE_BY}\n{}\n", text.trim_end()) })
    }

    /// A Markdown page.
    pub fn markdown(path: impl Into<String>, text: &str) -> Self {
        let text = format!("<!-- {MADE_BY} -->\n\n{}\n", text.trim_end());
        Self { path: path.into(), text }
    }

    /// A plain text.
    pub fn plain(path: impl Into<String>, text: &str) -> Self {
        Self { path: path.into(), text: format!("# {MADE_BY}\n{}\n", text.trim_end()) }
    }
}

/// How the project's files differ from what would be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stale {
    Missing(String),
    Changed(String),
    /// A file in a generated folder that nothing writes any more.
    Leftover(String),
}

impl std::fmt::Display for Stale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "missing   {path}"),
            Self::Changed(path) => write!(f, "changed   {path}"),
            Self::Leftover(path) => write!(f, "left over {path}"),
        }
    }
}

/// Every file that is not what it would be written as.
pub fn stale(workspace: &Workspace, artefacts: &[Artefact]) -> Vec<Stale> {
    let differs = |artefact: &Artefact| match workspace.read(&artefact.path) {
        Err(_) => Some(Stale::Missing(artefact.path.clone())),
        Ok(text) if text != artefact.text => Some(Stale::Changed(artefact.path.clone())),
        Ok(_) => None,
    };
    let is_written = |path: &String| artefacts.iter().any(|artefact| artefact.path == *path);
    let present = OWNED_FOLDERS.iter().flat_map(|folder| {
        workspace.files(folder).into_iter().map(move |name| format!("{folder}/{name}"))
    });
    let leftover = present.filter(|path| !is_written(path)).map(Stale::Leftover);
    artefacts.iter().filter_map(differs).chain(leftover).collect()
}

/// Writes what is stale and removes what is left over; answers what was done.
pub fn write(workspace: &Workspace, artefacts: &[Artefact]) -> Result<Vec<Stale>, Failure> {
    let stale = stale(workspace, artefacts);
    for one in &stale {
        match one {
            Stale::Missing(path) | Stale::Changed(path) => {
                if let Some(artefact) = artefacts.iter().find(|artefact| artefact.path == *path) {
                    workspace.write(path, &artefact.text)?;
                }
            }
            Stale::Leftover(path) => {
                let path = workspace.at(path);
                std::fs::remove_file(&path).map_err(|fault| Failure::file(&path, fault))?;
            }
        }
    }
    Ok(stale)
}
