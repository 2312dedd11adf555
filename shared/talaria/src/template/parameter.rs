//! Parameters and conditions of a module's stack: declared where they are used, nowhere else.

use std::collections::BTreeSet;

use runtime::wiring::STAGES;
use serde_json::{Map, Value, json};

use crate::member::put;

struct Parameter {
    name: &'static str,
    kind: &'static str,
    docs: &'static str,
    hidden: bool,
}

const fn text(name: &'static str, docs: &'static str) -> Parameter {
    Parameter { name, kind: "String", docs, hidden: false }
}

const PARAMETERS: &[Parameter] = &[
    text("Name", "What physical names start with: the name of the root stack."),
    text("Stage", "dev, staging or prod."),
    text("Architecture", "x86_64 or arm64, as the artefacts were built."),
    text("Issuer", "The issuer of our tokens: an absolute URL without trailing slash."),
    text("Audience", "The audience of access tokens; the issuer where empty."),
    text("AllowedOrigins", "Origins of web pages that may call the API, separated by commas."),
    text("SecretPrefix", "What the names of secrets start with."),
    text("Commit", "The commit the artefacts were built from."),
    text("ConfigVersion", "Raise it to start every function afresh."),
    Parameter {
        name: "LogRetentionDays",
        kind: "Number",
        docs: "How long log lines are kept.",
        hidden: false,
    },
    text("PageTopic", "The topic of alarms that wake somebody; none where empty."),
    text("TicketTopic", "The topic of alarms that wait for the morning; none where empty."),
    text("EventsTopic", "The standard topic of domain events: its ARN."),
    text("EventsFifoTopic", "The FIFO topic of domain events: its ARN."),
    text("OutboxStream", "The stream of table outbox: its ARN."),
    text("ArchiveBucket", "The bucket published events are archived in: its name."),
    text("IdentityApi", "The HTTP API of the identity modules: its id."),
    text("IdentityAuthorizer", "The authorizer of that API: its id."),
    text("IdentityInvocation", "The role that API invokes functions with: its name."),
    text("MoneyApi", "The HTTP API of the money modules: its id."),
    text("MoneyAuthorizer", "The authorizer of that API: its id."),
    text("MoneyInvocation", "The role that API invokes functions with: its name."),
    text("EngagementApi", "The HTTP API of the engagement modules: its id."),
    text("EngagementAuthorizer", "The authorizer of that API: its id."),
    text("EngagementInvocation", "The role that API invokes functions with: its name."),
    Parameter {
        name: "MailUrl",
        kind: "String",
        docs: "Where mail goes: smtps://user:password@host:port.",
        hidden: true,
    },
    text("MailFrom", "The sender of all mail."),
];

/// The parameters `body` refers to.
pub fn declared(body: &Value) -> Value {
    let text = body.to_string();
    let is_used = |name: &str| {
        text.contains(&format!("{{\"Ref\":\"{name}\"}}")) || text.contains(&format!("${{{name}}}"))
    };
    // The name and the stage are given to every stack, so that the root can treat all alike.
    let wanted = |one: &&Parameter| matches!(one.name, "Name" | "Stage") || is_used(one.name);
    let declare = |one: &Parameter| {
        let mut declaration = json!({ "Type": one.kind, "Description": one.docs });
        if one.hidden {
            put(&mut declaration, "NoEcho", json!(true));
        }
        (one.name.to_owned(), declaration)
    };
    Value::Object(PARAMETERS.iter().filter(wanted).map(declare).collect())
}

/// The conditions `body` refers to.
pub fn conditions(body: &Value) -> Map<String, Value> {
    let given = |name: &str| json!({ "Fn::Not": [{ "Fn::Equals": [{ "Ref": name }, ""] }] });
    let at = |stage: &str| json!({ "Fn::Equals": [{ "Ref": "Stage" }, stage] });
    let stages: BTreeSet<&str> = STAGES.iter().map(|tuning| tuning.stage).collect();
    let mut all = vec![
        ("Protected".to_owned(), at("prod")),
        ("Pages".to_owned(), given("PageTopic")),
        ("Tickets".to_owned(), given("TicketTopic")),
    ];
    all.extend(stages.into_iter().map(|stage| (at_stage(stage), at(stage))));
    let text = body.to_string();
    let is_used = |name: &str| text.contains(&format!("{{\"Fn::If\":[\"{name}\","));
    all.into_iter().filter(|(name, _)| is_used(name)).collect()
}

/// The name of the condition that the stack is of this stage.
pub fn at_stage(stage: &str) -> String {
    let mut letters = stage.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    format!("At{}{}", first.unwrap_or_default(), letters.as_str())
}
