//! Generated files are what the generator writes today.

use std::process::Command;

use crate::laptop::{programs, root};

#[test]
fn generated_files_are_fresh_and_within_the_walls() {
    let checked = Command::new(programs().join("talaria"))
        .arg("check")
        .current_dir(root())
        .output()
        .expect("talaria runs");
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{}{said}", String::from_utf8_lossy(&checked.stdout));
}

#[test]
fn every_function_has_an_artefact_that_contains_its_handler() {
    for module in catalog::modules() {
        let template = root().join("functions").join(module.name).join("template.yaml");
        let text = std::fs::read_to_string(template).expect("a template");
        let handlers = text.lines().filter_map(|line| line.trim().strip_prefix("Handler: "));
        let handlers: Vec<&str> = handlers.map(|id| id.trim_matches('"')).collect();
        assert_eq!(handlers.len(), module.rows.len(), "{}", module.name);
        assert!(programs().join(module.name).is_file(), "{} has no program", module.name);
        for handler in handlers {
            assert!(module.row(handler).is_some(), "{handler} is not in {}", module.name);
        }
        let artefact = format!("../../target/lambda/{}", module.name);
        let elsewhere = text.lines().filter_map(|line| line.trim().strip_prefix("CodeUri: "));
        assert!(elsewhere.into_iter().all(|uri| uri.contains(&artefact)), "{}", module.name);
    }
}
