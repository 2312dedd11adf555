//! A function as a resource.

use runtime::wiring::{acting, resource_name};
use runtime::{Module, Row, Trigger};
use serde_json::{Map, Value, json};

use super::intrinsic::{filled, logical, named, only_if, queue_arn, reference, resource};
use super::role::Roles;
use super::source::UNDELIVERED;
use super::{Resources, log, rollout};
use crate::member::put;
use crate::platform::apis_of;

/// Settings no template sets: Lambda sets them itself, or their default is right on AWS.
const NOT_SET_ON_AWS: &[&str] = &[
    "TALARIA_TEST_MODE",
    "AWS_REGION",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_SQS",
    "AWS_ENDPOINT_URL_SNS",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    "AWS_ENDPOINT_URL_LAMBDA",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];

/// Whether a template sets the setting.
pub fn is_set_on_aws(name: &str) -> bool {
    !NOT_SET_ON_AWS.contains(&name)
}

/// What all functions of a module share, the settings of the module among it. `AWS_ENDPOINT_URL` is empty on AWS; it is named because
/// `sam local invoke --env-vars` sets only what a template names.
pub fn globals(module: &Module) -> Value {
    let mut globals = json!({ "Function": {
        "Runtime": "provided.al2023",
        "CodeUri": format!("../../target/lambda/{}", module.name),
        "Architectures": [reference("Architecture")],
        "Tracing": "Active",
        "Environment": { "Variables": {
            "TALARIA_STAGE": reference("Stage"),
            "TALARIA_TABLE_PREFIX": filled("${Name}-"),
            "TALARIA_FUNCTION_PREFIX": filled("${Name}-"),
            "TALARIA_SECRET_PREFIX": reference("SecretPrefix"),
            "TALARIA_ISSUER": reference("Issuer"),
            "TALARIA_AUDIENCE": reference("Audience"),
            "TALARIA_ALLOWED_ORIGINS": reference("AllowedOrigins"),
            "TALARIA_COMMIT": reference("Commit"),
            "TALARIA_CONFIG_VERSION": reference("ConfigVersion"),
            "AWS_ENDPOINT_URL": "",
        } },
    } });
    let variables = globals.pointer_mut("/Function/Environment/Variables");
    if let Some(Value::Object(variables)) = variables {
        let own = module.settings.declared.iter().map(|setting| setting.variable);
        variables.extend(own.map(|one| (one.name.to_owned(), json!(one.default))));
    }
    globals
}

/// The function of a row, under one of the module's roles.
pub fn resources(module: &Module, row: &Row, roles: &Roles) -> Resources {
    let mut properties = json!({
        "FunctionName": named(&resource_name(row.id)),
        "Description": description(row),
        "Handler": row.id,
        "MemorySize": row.memory_mb,
        "Timeout": row.timeout_s,
        "Role": roles.arn(row.id),
        "LoggingConfig": log::config(),
    });
    let own = environment(module, row);
    if !own.is_empty() {
        put(&mut properties, "Environment", json!({ "Variables": own }));
    }
    if row.hashes {
        // Whoever tries passwords by the thousand gets no more of the account than this.
        let limit = only_if("PasswordLimit", reference("PasswordConcurrency"));
        put(&mut properties, "ReservedConcurrentExecutions", limit);
    }
    if let Trigger::Schedule(_) = row.trigger {
        // The scheduler only hands over: Lambda tries twice more, and then gives up.
        let queue = json!({ "Type": "SQS", "TargetArn": queue_arn(UNDELIVERED) });
        put(&mut properties, "DeadLetterQueue", queue);
    }
    if let Some(tags) = rollout::tags(module, row) {
        put(&mut properties, "Tags", tags);
    }
    let mut function = resource("AWS::Serverless::Function", properties);
    // The artefact is built before `sam` sees it: there is nothing for `sam build` to do.
    put(&mut function, "Metadata", json!({ "SkipBuild": true }));
    [(logical_name(row), function)].into_iter().collect()
}

/// The logical name of a row's function.
pub fn logical_name(row: &Row) -> String {
    format!("{}Function", logical(row.id))
}

/// The variables only this function has.
fn environment(module: &Module, row: &Row) -> Map<String, Value> {
    let acting = acting(module, row);
    let any = |of: fn(&Row) -> bool| acting.iter().any(|row| of(row));
    let mut own = Map::new();
    let mut set = |name: &str, value: Value| own.insert(name.to_owned(), value);
    if any(Row::rings) {
        set("TALARIA_EVENTS_TOPIC", reference("EventsTopic"));
        set("TALARIA_EVENTS_FIFO_TOPIC", reference("EventsFifoTopic"));
    }
    if any(|row| row.listening().is_some() || row.sends || !row.jobs.is_empty())
        || row.watches_queues
        || row.clears_dead_letters
    {
        set(
            "TALARIA_QUEUE_PREFIX",
            filled("https://sqs.${AWS::Region}.${AWS::URLSuffix}/${AWS::AccountId}/${Name}_"),
        );
    }
    if let Some(spec) = row.http()
        && let [api] = *apis_of(module, spec)
    {
        set("TALARIA_API_ID", reference(&super::route::api(api)));
    }
    if row.archive.is_some() {
        set("TALARIA_ARCHIVE_BUCKET", reference("ArchiveBucket"));
    }
    if any(|row| row.mails) {
        set("TALARIA_MAIL_URL", reference("MailUrl"));
        set("TALARIA_MAIL_FROM", reference("MailFrom"));
    }
    own
}

fn description(row: &Row) -> String {
    let docs = row.http().map(|spec| spec.docs);
    let first = docs.and_then(|docs| docs.lines().next()).map(str::trim).unwrap_or_default();
    if first.is_empty() { row.id.to_owned() } else { format!("{}: {first}", row.id) }
}

#[cfg(test)]
mod tests {
    use runtime::settings::Setting;

    use super::*;
    use crate::fixture;
    use crate::template::of_module;

    #[test]
    fn a_module_is_told_its_own_settings_and_no_other() {
        runtime::settings! {
            /// How many.
            COUNT: Setting<u8> = Setting::new("TALARIA_COUNT", "3");
        }
        let text = |module: &Module| of_module(module).unwrap().to_string();
        let other = text(&fixture::module());
        assert_eq!(COUNT.spec.variable.docs.trim(), "How many.");
        assert!(!other.contains("TALARIA_COUNT"));
        let own = text(&fixture::module().settings(SETTINGS));
        assert!(own.contains("\"TALARIA_COUNT\":\"3\""));
    }

    #[test]
    fn every_setting_is_set_by_some_template_or_declared_as_not_set() {
        let mut row =
            fixture::hears("demo.on_mail", events::profile::UPDATED.spec).mails().archives();
        row.emits.push(events::profile::UPDATED.spec);
        let mut module = fixture::module();
        module.rows.push(row);
        let text = of_module(&module).unwrap().to_string();
        for setting in runtime::config::VARIABLES {
            let is_set = text.contains(&format!("\"{}\"", setting.name));
            assert_eq!(is_set, is_set_on_aws(setting.name), "{}", setting.name);
        }
    }
}
