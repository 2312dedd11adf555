//! All generated files: written from scratch at every run, committed, never edited.

use crate::artefact::{ACCESS, Artefact, OPENAPI};
use crate::console::Failure;
use crate::platform::Platform;
use crate::{asyncapi, openapi, page, sample, template};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artefact::stale;
    use crate::compatibility;
    use crate::workspace::Workspace;

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
