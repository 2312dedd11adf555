//! What a function is allowed: what its row declares and what the pipeline does for it, no more.

use std::fmt::Display;

use runtime::module::ArchiveUse;
use runtime::wiring::{Grants, QueueGrant, TableGrant, resource_name};
use runtime::{Module, Row, Trigger};
use serde_json::{Value, json};

use crate::member::put;
use crate::template::intrinsic::{
    arn, attribute, filled, function_arn, only_if, queue_arn, reference,
};
use crate::template::{listener, log, source};

/// Services that use the customer's key on behalf of a function.
const KEY_USERS: [&str; 3] = ["dynamodb", "s3", "sns"];

/// Everything a row is allowed, as statements of a policy.
pub fn statements(module: &Module, row: &Row) -> Vec<Value> {
    let grants = Grants::of(module, row);
    let mut statements = vec![
        allow(&["logs:CreateLogStream", "logs:PutLogEvents"], attribute(log::GROUP, "Arn")),
        allow(&["xray:PutTelemetryRecords", "xray:PutTraceSegments"], json!("*")),
    ];
    statements.extend(grants.tables.iter().map(table_statement));
    let topics = topics(&grants);
    let uses_key = !grants.tables.is_empty() || topics.is_some() || grants.archive.is_some();
    statements.extend(topics);
    statements.extend(uses_key.then(key));
    statements.extend(queues(row, &grants));
    statements.extend(secrets(&grants));
    statements.extend(archive(grants.archive));
    if !grants.calls.is_empty() {
        let callees: Vec<Value> = grants.calls.iter().map(|id| function_arn(id)).collect();
        statements.push(allow(&["lambda:InvokeFunction"], json!(callees)));
    }
    if let Trigger::Stream { .. } = row.trigger {
        let actions =
            ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"];
        statements.push(allow(&actions, source::stream_arn(row)));
        // Streams cannot be listed one table at a time.
        statements.push(allow(&["dynamodb:ListStreams"], json!("*")));
    }
    statements
}

/// The customer's key, where there is one, through the services that hold our data and nothing else.
fn key() -> Value {
    let users = KEY_USERS.map(|one| filled(format!("{one}.${{AWS::Region}}.amazonaws.com")));
    let mut statement = allow(
        &["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"],
        reference("KmsKey"),
    );
    put(&mut statement, "Condition", json!({ "StringEquals": { "kms:ViaService": users } }));
    only_if("OwnKey", statement)
}

/// A statement that allows these actions on these resources.
pub fn allow(actions: &[&str], resources: Value) -> Value {
    json!({ "Effect": "Allow", "Action": actions, "Resource": resources })
}

fn table_statement(grant: &TableGrant) -> Value {
    let actions: Vec<String> =
        grant.operations.iter().map(|operation| format!("dynamodb:{operation}")).collect();
    let place = format!("table/${{Name}}-{}", grant.table.name());
    let mut places = vec![arn("dynamodb", &place)];
    if grant.operations.contains(&"Query") && !grant.table.all_indexes().is_empty() {
        places.push(arn("dynamodb", &format!("{place}/index/*")));
    }
    let mut statement = json!({ "Effect": "Allow", "Action": actions, "Resource": places });
    if grant.tenants_only {
        // Without the second test a request that names no key would pass the first.
        put(
            &mut statement,
            "Condition",
            json!({
                "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["T#*"] },
                "Null": { "dynamodb:LeadingKeys": "false" },
            }),
        );
    }
    statement
}

fn topics(grants: &Grants) -> Option<Value> {
    let topics = [(grants.topic, "EventsTopic"), (grants.fifo_topic, "EventsFifoTopic")];
    let topics: Vec<Value> =
        topics.into_iter().filter(|(is, _)| *is).map(|(_, topic)| reference(topic)).collect();
    (!topics.is_empty()).then(|| allow(&["sns:Publish"], json!(topics)))
}

fn queues(row: &Row, grants: &Grants) -> Vec<Value> {
    let mut statements = Vec::new();
    let mut jobs = Vec::new();
    for grant in &grants.queues {
        match grant {
            QueueGrant::Own => {
                let actions = [
                    "sqs:ChangeMessageVisibility",
                    "sqs:DeleteMessage",
                    "sqs:GetQueueAttributes",
                    "sqs:ReceiveMessage",
                    "sqs:SendMessage",
                ];
                statements.push(allow(&actions, attribute(&listener::queue(row), "Arn")));
                let dead_letters = attribute(&listener::dead_letters(row), "Arn");
                statements.push(allow(&["sqs:SendMessage"], dead_letters));
            }
            QueueGrant::SendTo(job) => jobs.push(queue_arn(&resource_name(job))),
            QueueGrant::SendToAny => {
                statements.push(allow(&["sqs:SendMessage"], queue_arn("*")));
            }
            QueueGrant::Watch => {
                statements.push(allow(&["sqs:GetQueueAttributes"], queue_arn("*")));
            }
            QueueGrant::Clear => {
                let actions =
                    ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage"];
                statements.push(allow(&actions, queue_arn("*-dlq*")));
            }
        }
    }
    if !jobs.is_empty() {
        statements.push(allow(&["sqs:SendMessage"], json!(jobs)));
    }
    if source::has_undelivered(row) {
        statements.push(allow(&["sqs:SendMessage"], queue_arn(source::UNDELIVERED)));
    }
    statements
}

fn archive(used: Option<ArchiveUse>) -> Vec<Value> {
    // Names of buckets are unique everywhere: their ARNs have neither region nor account.
    let files = || filled("arn:${AWS::Partition}:s3:::${ArchiveBucket}/archive/*");
    match used {
        None | Some(ArchiveUse::Named) => Vec::new(),
        Some(ArchiveUse::Written) => vec![allow(&["s3:PutObject"], files())],
        Some(ArchiveUse::Read) => {
            let bucket = filled("arn:${AWS::Partition}:s3:::${ArchiveBucket}");
            let mut listing = allow(&["s3:ListBucket"], bucket);
            // Without the prefix in the request the test fails, and so does the listing.
            let below = json!({ "StringLike": { "s3:prefix": ["archive/*"] } });
            put(&mut listing, "Condition", below);
            vec![allow(&["s3:GetObject"], files()), listing]
        }
    }
}

fn secrets(grants: &Grants) -> Vec<Value> {
    let mut statements = Vec::new();
    if !grants.opens.is_empty() {
        let places: Vec<Value> = grants.opens.iter().map(made).collect();
        statements.push(allow(&["secretsmanager:GetSecretValue"], json!(places)));
    }
    if !grants.keeps.is_empty() {
        // Who keeps a secret asks first whether it is there; one that is not has no ending yet.
        let places = grants.keeps.iter().flat_map(|name| [secret(name), made(name)]);
        let actions = [
            "secretsmanager:CreateSecret",
            "secretsmanager:GetSecretValue",
            "secretsmanager:PutSecretValue",
        ];
        statements.push(allow(&actions, json!(places.collect::<Vec<Value>>())));
    }
    statements
}

/// A secret that is there: Secrets Manager adds a dash and six characters to every name.
fn made(name: impl Display) -> Value {
    secret(format!("{name}-??????"))
}

fn secret(name: impl Display) -> Value {
    arn("secretsmanager", &format!("secret:${{SecretPrefix}}{name}"))
}
