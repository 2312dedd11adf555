//! The hand-written root template against what is declared: nested stacks, what they are given, tables.

use runtime::access::{CLIENT, ROLE};
use runtime::{Group, Module};
use serde_json::{Value, json};
use store::{PLATFORM_TABLES, Table};

use super::{Breach, breach};
use crate::console::Failure;
use crate::platform::Platform;
use crate::workspace::Workspace;
use crate::{template, yaml};

/// Where the root template is.
const PATH: &str = "template.yaml";

/// The root template; it is written with long function names, so that any reader can read it.
pub fn read(workspace: &Workspace) -> Result<Value, Failure> {
    yaml::read(&workspace.read(PATH)?, PATH)
}

/// Where the root template and the declarations differ. `folders` are the modules' folders.
pub fn breaches(platform: &Platform, root: &Value, folders: &[String]) -> Vec<Breach> {
    let mut found = Vec::new();
    for folder in folders {
        if !platform.modules.iter().any(|module| module.name == folder) {
            found.push(breach!("functions/{folder} is not in shared/catalog: add its line"));
        }
    }
    let names: Vec<&str> = platform.modules.iter().map(|module| module.name).collect();
    if !names.is_sorted() {
        found
            .push(breach!("shared/catalog lists the modules in another order than the alphabet's"));
    }
    for module in &platform.modules {
        found.extend(of_stack(module, root));
    }
    found.extend(unknown_stacks(platform, root));
    let tables = tables_of_root(platform);
    for table in &tables {
        let physical = json!({ "Fn::Sub": format!("${{AWS::StackName}}-{}", table.name()) });
        let wanted = template::table::definition(table, physical);
        found.extend(stands(&template::table::logical_name(table), &wanted, root));
    }
    for (name, wanted) in template::alarm::of_root(&tables) {
        found.extend(stands(&name, &wanted, root));
    }
    for group in Group::ALL {
        found.extend(of_stage(platform, group, root));
    }
    found
}

/// The platform's tables, and those whose modules are not written yet.
fn tables_of_root(platform: &Platform) -> Vec<Table> {
    let owned = |table: &Table| platform.modules.iter().any(|one| one.tables.contains(table));
    let later = [CLIENT, ROLE].into_iter().filter(|table| !owned(table));
    PLATFORM_TABLES.iter().copied().chain(later).collect()
}

fn resource<'a>(root: &'a Value, name: &str) -> Option<&'a Value> {
    root.get("Resources")?.get(name)
}

fn stack_name(module: &Module) -> String {
    format!("{}Stack", template::logical(module.name))
}

fn of_stack(module: &Module, root: &Value) -> Vec<Breach> {
    let name = stack_name(module);
    let Some(stack) = resource(root, &name) else {
        return vec![breach!("{PATH} has no nested stack {name}: add it")];
    };
    let mut found = Vec::new();
    let location = format!("functions/{}/template.yaml", module.name);
    if stack.pointer("/Properties/Location") != Some(&json!(location)) {
        found.push(breach!("{PATH}: {name} must have Location {location}"));
    }
    let Ok(own) = template::of_module(module) else { return found };
    let given = stack.pointer("/Properties/Parameters").and_then(Value::as_object);
    let given: Vec<&String> = given.map(|all| all.keys().collect()).unwrap_or_default();
    let wanted = template::parameter_names(&own);
    for name_wanted in wanted.iter().filter(|one| !given.contains(one)) {
        found.push(breach!("{PATH}: {name} must be given parameter {name_wanted}"));
    }
    for extra in given.into_iter().filter(|one| !wanted.contains(one)) {
        found.push(breach!("{PATH}: {name} has no parameter {extra}: strike it"));
    }
    // The relay is everybody's: module platform is there whatever groups are switched off.
    let condition = match module.group {
        Group::Identity => None,
        _ if module.name == "platform" => None,
        Group::Money => Some("Money"),
        Group::Engagement => Some("Engagement"),
    };
    if stack.get("Condition").and_then(Value::as_str) != condition {
        found.push(breach!(
            "{PATH}: the condition of {name} must be {}",
            condition.unwrap_or("none")
        ));
    }
    found
}

fn unknown_stacks(platform: &Platform, root: &Value) -> Vec<Breach> {
    let resources = root.get("Resources").and_then(Value::as_object);
    let stacks = resources.into_iter().flatten().filter(|(_, resource)| {
        resource.get("Type") == Some(&json!("AWS::Serverless::Application"))
    });
    stacks
        .filter(|(name, _)| !platform.modules.iter().any(|module| stack_name(module) == **name))
        .map(|(name, _)| breach!("{PATH}: {name} is the stack of no module: strike it"))
        .collect()
}

/// The limits of an API's routes stand at its stage, which comes after the routes: it refuses to know
/// routes that are not there.
fn of_stage(platform: &Platform, group: Group, root: &Value) -> Vec<Breach> {
    let name = format!("{}Stage", template::logical(group.as_str()));
    let wanted = json!(template::throttle::route_settings(platform, group));
    let stage = resource(root, &name);
    let given = stage.and_then(|stage| stage.pointer("/Properties/RouteSettings"));
    let mut found = Vec::new();
    if *given.unwrap_or(&json!({})) != wanted {
        let text = yaml::write(&json!({ "RouteSettings": wanted })).unwrap_or_default();
        found.push(breach!("{PATH}: {name} must have\n{text}"));
    }
    let after = stage.and_then(|stage| stage.get("DependsOn")).and_then(Value::as_array);
    for module in template::throttle::modules(platform, group) {
        let stack = format!("{}Stack", template::logical(module));
        if !after.is_some_and(|after| after.contains(&json!(stack))) {
            found.push(breach!("{PATH}: {name} must depend on {stack}, whose routes it names"));
        }
    }
    found
}

/// A resource that is written by hand and must be what is generated.
fn stands(name: &str, wanted: &Value, root: &Value) -> Option<Breach> {
    if resource(root, name) == Some(wanted) {
        return None;
    }
    let text = yaml::write(&json!({ name: wanted })).unwrap_or_default();
    Some(breach!("{PATH}: {name} must stand as\n{text}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_root_without_stacks_and_tables_is_told_what_it_lacks() {
        let platform = fixture::platform();
        let folders = ["demo".to_owned(), "other".to_owned()];
        let root = json!({ "Resources": {
            "GoneStack": { "Type": "AWS::Serverless::Application" },
        } });
        let lines: Vec<String> =
            breaches(&platform, &root, &folders).iter().map(ToString::to_string).collect();
        for start in [
            "functions/other is not in shared/catalog",
            "template.yaml has no nested stack DemoStack",
            "template.yaml: GoneStack is the stack of no module",
            "template.yaml: OutboxTable must stand as\nOutboxTable:",
            "template.yaml: ThrottledAlarm1 must stand as\nThrottledAlarm1:",
        ] {
            assert!(lines.iter().any(|line| line.starts_with(start)), "{start}: {lines:?}");
        }
    }

    #[test]
    fn a_stack_is_given_what_its_template_asks_for() {
        let module = fixture::module_of([]);
        let root = json!({ "Resources": { "DemoStack": {
            "Type": "AWS::Serverless::Application",
            "Condition": "Money",
            "Properties": {
                "Location": "functions/demo/template.yaml",
                "Parameters": { "Name": "x", "Colour": "red" },
            },
        } } });
        let lines: Vec<String> = of_stack(&module, &root).iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "template.yaml: DemoStack must be given parameter Stage",
                "template.yaml: DemoStack must be given parameter KmsKey",
                "template.yaml: DemoStack must be given parameter TicketTopic",
                "template.yaml: DemoStack has no parameter Colour: strike it",
                "template.yaml: the condition of DemoStack must be none",
            ]
        );
    }
}
