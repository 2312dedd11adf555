//! Generated files: written from scratch at every run, committed, never edited.

use serde_json::Value;

use crate::console::Failure;
use crate::platform::Platform;
use crate::workspace::Workspace;
use crate::{asyncapi, openapi, page, sample, template, yaml};

/// What stands first in every generated file that can hold a comment.
const MADE_BY: &str = "Made by `cargo talaria gen`; do not edit.";
/// Where the API documents of the modules are; the gateway's build joins them.
const OPENAPI: &str = "docs/generated/openapi";
/// Where the access matrices of the modules are.
const ACCESS: &str = "docs/generated/access";
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

/// Every generated file of the platform.
pub fn all(platform: &Platform) -> Result<Vec<Artefact>, Failure> {
    let mut all = Vec::new();
    for module in &platform.modules {
        let template =
            template::of_module(module).map_err(|why| Failure::refused(why.to_string()))?;
        let folder = format!("functions/{}", module.name);
        all.push(Artefact::yaml(format!("{folder}/template.yaml"), &template)?);
        all.push(Artefact::markdown(format!("{folder}/README.md"), &page::readme(module)));
        if let Some(document) = openapi::of_module(platform, module) {
            all.push(Artefact::yaml(format!("{OPENAPI}/{}.yaml", module.name), &document)?);
        }
        if let Some(matrix) = page::access_matrix(module) {
            all.push(Artefact::plain(format!("{ACCESS}/{}.txt", module.name), &matrix));
        }
    }
    all.extend(documents(platform)?);
    all.extend(sample::all(platform)?);
    Ok(all)
}

fn documents(platform: &Platform) -> Result<Vec<Artefact>, Failure> {
    let at = |name: &str| format!("docs/generated/{name}");
    let asyncapi = asyncapi::document(platform).map_err(|why| Failure::refused(why.to_string()))?;
    let backbone = page::backbone(platform).map_err(|why| Failure::refused(why.to_string()))?;
    let event_routes =
        page::event_routes(platform).map_err(|why| Failure::refused(why.to_string()))?;
    let event_map = page::event_map(platform).map_err(|why| Failure::refused(why.to_string()))?;
    Ok(vec![
        Artefact::yaml(at("asyncapi.yaml"), &asyncapi)?,
        Artefact::json(at("backbone.json"), &backbone),
        Artefact::json(at("modules.json"), &page::registry(platform)),
        Artefact::markdown(at("alarms.md"), &page::alarms()),
        Artefact::markdown(at("environment.md"), &page::environment(platform)),
        Artefact::markdown(at("error-codes.md"), &page::error_codes(platform)),
        Artefact::markdown(at("event-map.md"), &event_map),
        Artefact::plain(at("event-routes.txt"), &event_routes),
        Artefact::markdown(at("modules.md"), &page::modules(platform)),
    ])
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compatibility;

    #[test]
    fn generated_files_are_fresh() {
        let platform = Platform::read();
        let stale = stale(&Workspace::find(), &all(&platform).unwrap());
        let lines: Vec<String> = stale.iter().map(ToString::to_string).collect();
        assert!(stale.is_empty(), "run `cargo talaria gen`:\n{}", lines.join("\n"));
    }

    #[test]
    fn a_removed_event_is_in_no_file_and_breaks_a_promise() {
        let name = "ops.action.performed";
        let before = Platform::read();
        let mut after = Platform::read();
        after.events.retain(|entry| entry.spec.name != name);
        after.event_schemas.remove("ActionPerformed");
        for row in after.modules.iter_mut().flat_map(|module| &mut module.rows) {
            row.emits.retain(|spec| spec.name != name);
        }
        let naming = |platform: &Platform| {
            let naming = |file: &Artefact| file.text.contains(name) || file.path.contains(name);
            all(platform).unwrap().iter().filter(|file| naming(file)).count()
        };
        assert!(naming(&before) > 0);
        assert_eq!(naming(&after), 0);
        let document = |platform| asyncapi::document(platform).unwrap();
        let breaks = compatibility::breaks(&document(&before), &document(&after));
        assert!(
            matches!(breaks.as_slice(), [line] if line.starts_with("message ops_action_performed is")),
            "{breaks:?}"
        );
    }

    #[test]
    fn writing_twice_writes_the_same() {
        let platform = Platform::read();
        assert_eq!(all(&platform).unwrap(), all(&Platform::read()).unwrap());
    }
}
