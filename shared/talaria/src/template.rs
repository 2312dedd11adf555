//! A module's nested stack, written from its table: functions and their roles, routes, queues,
//! subscriptions, schedules, tables and alarms.

pub mod alarm;
mod function;
mod intrinsic;
mod listener;
mod log;
mod parameter;
mod role;
mod rollout;
mod route;
mod source;
pub mod table;
pub mod throttle;

use role::Roles;
use runtime::wiring::LaneError;
use runtime::{Module, Trigger};
use serde_json::{Map, Value, json};

pub use function::is_set_on_aws;
pub use intrinsic::logical;

/// What expands a template: the first lets a condition decide what stays when a stack goes.
const TRANSFORMS: [&str; 2] = ["AWS::LanguageExtensions", "AWS::Serverless-2016-10-31"];

/// The resources of a stack by logical name, in the order they are written.
pub type Resources = Map<String, Value>;

/// The template of a module.
pub fn of_module(module: &Module) -> Result<Value, LaneError> {
    let mut resources = Resources::new();
    for table in &module.tables {
        resources.extend(table::resources(table));
    }
    resources.extend(log::group(module));
    let roles = Roles::of(module);
    resources.extend(roles.resources());
    for row in &module.rows {
        resources.extend(function::resources(module, row, &roles));
        match &row.trigger {
            Trigger::Http(spec) => resources.extend(route::resources(module, row, spec)),
            Trigger::Listener(_) => resources.extend(listener::resources(module, row)?),
            Trigger::Stream { table, births } => {
                resources.extend(source::stream(module, row, table, *births));
            }
            Trigger::Schedule(expression) => {
                resources.extend(source::schedule(module, row, expression));
            }
            Trigger::Job => resources.extend(source::job(module, row)),
            Trigger::Authorizer | Trigger::Call(_) | Trigger::Operator(_) | Trigger::Socket(_) => {}
        }
    }
    resources.extend(listener::policies(module)?);
    resources.extend(route::invocation(module));
    resources.extend(source::schedule_role(module));
    resources.extend(rollout::resources(module));
    resources.extend(alarm::resources(module)?);
    let mut sections = Map::new();
    if !module.rows.is_empty() {
        sections.insert("Globals".to_owned(), function::globals(module));
    }
    sections.insert("Resources".to_owned(), Value::Object(resources));
    Ok(Value::Object(whole(module, sections)))
}

/// The sections with what they refer to declared before them.
fn whole(module: &Module, sections: Map<String, Value>) -> Map<String, Value> {
    let conditions = parameter::conditions(&json!(sections));
    let description = format!("Talaria module {}: {}", module.name, module.purpose);
    let mut whole = Map::new();
    whole.insert("AWSTemplateFormatVersion".to_owned(), json!("2010-09-09"));
    whole.insert("Transform".to_owned(), json!(TRANSFORMS));
    whole.insert("Description".to_owned(), json!(description));
    let parameters = parameter::declared(&json!([sections, conditions]));
    whole.insert("Parameters".to_owned(), parameters);
    if !conditions.is_empty() {
        whole.insert("Conditions".to_owned(), Value::Object(conditions));
    }
    whole.extend(sections);
    whole
}

/// How many resources a template has once expanded: our functions name their roles, so that each is one.
pub fn resource_count(template: &Value) -> usize {
    template.get("Resources").and_then(Value::as_object).map_or(0, Map::len)
}

/// The names of a template's parameters, in order.
pub fn parameter_names(template: &Value) -> Vec<String> {
    let declared = template.get("Parameters").and_then(Value::as_object);
    declared.map(|all| all.keys().cloned().collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn template() -> Value {
        of_module(&fixture::module()).unwrap()
    }

    #[test]
    fn every_function_has_a_role_of_the_module_and_logs_to_its_group() {
        let module = fixture::module();
        let template = template();
        for row in &module.rows {
            let function = &template["Resources"][function::logical_name(row)]["Properties"];
            assert_eq!(function["Handler"], row.id);
            let role = function["Role"]["Fn::GetAtt"][0].as_str().unwrap();
            assert_eq!(template["Resources"][role]["Type"], "AWS::IAM::Role", "{}", row.id);
            assert_eq!(function["LoggingConfig"], json!({ "LogGroup": { "Ref": "Logs" } }));
        }
        let logs = &template["Resources"]["Logs"];
        let retention = json!({ "Ref": "LogRetentionDays" });
        assert_eq!(logs["Properties"]["RetentionInDays"], retention);
        let prod_keeps = json!({ "Fn::If": ["Protected", "RetainExceptOnCreate", "Delete"] });
        assert_eq!(logs["DeletionPolicy"], prod_keeps);
        assert_eq!(template["Resources"]["ProfileTable"]["DeletionPolicy"], prod_keeps);
    }

    #[test]
    fn who_hashes_passwords_gets_a_part_of_the_account_and_no_more() {
        let mut module = fixture::module();
        for row in module.rows.iter_mut().filter(|row| row.id == "profile.update") {
            row.hashes = true;
        }
        let template = of_module(&module).unwrap();
        let limit = |name: &str| {
            template["Resources"][name]["Properties"].get("ReservedConcurrentExecutions").cloned()
        };
        let given = json!({ "Ref": "PasswordConcurrency" });
        let unlimited = json!({ "Ref": "AWS::NoValue" });
        let expected = json!({ "Fn::If": ["PasswordLimit", given, unlimited] });
        assert_eq!(limit("ProfileUpdateFunction"), Some(expected));
        assert_eq!(limit("ProfileGetFunction"), None);
    }

    #[test]
    fn only_parameters_that_are_used_are_declared() {
        let plain = fixture::module_of([]);
        let names = parameter_names(&of_module(&plain).unwrap());
        assert_eq!(names, ["Name", "Stage", "KmsKey", "TicketTopic"]);
        let names = parameter_names(&template());
        for name in
            ["IdentityApi", "IdentityAuthorizer", "EventsTopic", "OutboxStream", "PageTopic"]
        {
            assert!(names.contains(&name.to_owned()), "{name} of {names:?}");
        }
        assert!(!names.contains(&"MailUrl".to_owned()) && !names.contains(&"MoneyApi".to_owned()));
    }

    #[test]
    fn a_route_asks_the_authorizer_only_where_its_contract_wants_evidence() {
        let template = template();
        let route = &template["Resources"]["ProfileViewRoute"]["Properties"];
        assert_eq!(route["RouteKey"], "GET /v1/profiles/{user_id}");
        assert_eq!(route["AuthorizationType"], "CUSTOM");
        assert_eq!(route["AuthorizerId"], json!({ "Ref": "IdentityAuthorizer" }));
    }
}
