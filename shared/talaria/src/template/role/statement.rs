//! What a function is allowed: what its row declares and what the pipeline does for it, no more.

use events::Ordering;
use runtime::module::ArchiveUse;
use runtime::wiring::resource_name;
use runtime::{Module, Row, Trigger};
use serde_json::{Value, json};

use super::grant::{Grant, grants};
use crate::member::put;
use crate::template::intrinsic::{
    arn, attribute, filled, function_arn, only_if, queue_arn, reference,
};
use crate::template::{acting, listener, log, source};

/// Services that use the customer's key on behalf of a function.
const KEY_USERS: [&str; 3] = ["dynamodb", "s3", "sns"];

/// Everything a row is allowed, as statements of a policy.
pub fn statements(module: &Module, row: &Row) -> Vec<Value> {
    let acting = acting::rows(module, row);
    let mut statements = vec![
        allow(&["logs:CreateLogStream", "logs:PutLogEvents"], attribute(log::GROUP, "Arn")),
        allow(&["xray:PutTelemetryRecords", "xray:PutTraceSegments"], json!("*")),
    ];
    let tables = grants(module, row);
    statements.extend(tables.iter().map(table_statement));
    let topics = topics(&acting);
    let uses_key = !tables.is_empty() || topics.is_some() || row.archive.is_some();
    statements.extend(topics);
    statements.extend(uses_key.then(key));
    statements.extend(queues(row, &acting));
    statements.extend(secrets(&acting));
    statements.extend(archive(row));
    let calls = acting::declared(&acting, |row| &row.calls);
    if !calls.is_empty() {
        let callees: Vec<Value> = calls.iter().map(|id| function_arn(id)).collect();
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

fn table_statement(grant: &Grant) -> Value {
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

fn topics(acting: &[&Row]) -> Option<Value> {
    let in_order = |row: &Row| {
        row.publishes || row.emits.iter().any(|spec| spec.ordering() == Ordering::Aggregate)
    };
    let mut topics = Vec::new();
    // A blocked aggregate is announced on its own, without order.
    if acting.iter().any(|row| row.rings()) {
        topics.push(reference("EventsTopic"));
    }
    if acting.iter().any(|row| in_order(row)) {
        topics.push(reference("EventsFifoTopic"));
    }
    (!topics.is_empty()).then(|| allow(&["sns:Publish"], json!(topics)))
}

fn queues(row: &Row, acting: &[&Row]) -> Vec<Value> {
    let mut statements = Vec::new();
    if row.listening().is_some() || matches!(row.trigger, Trigger::Job) {
        let actions = [
            "sqs:ChangeMessageVisibility",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
            "sqs:SendMessage",
        ];
        statements.push(allow(&actions, attribute(&listener::queue(row), "Arn")));
        statements
            .push(allow(&["sqs:SendMessage"], attribute(&listener::dead_letters(row), "Arn")));
    }
    if source::has_undelivered(row) {
        statements.push(allow(&["sqs:SendMessage"], queue_arn(source::UNDELIVERED)));
    }
    // Its own queue is granted above.
    let jobs = acting::declared(acting, |row| &row.jobs).into_iter().filter(|job| *job != row.id);
    let jobs: Vec<Value> = jobs.map(|job| queue_arn(&resource_name(job))).collect();
    if !jobs.is_empty() {
        statements.push(allow(&["sqs:SendMessage"], json!(jobs)));
    }
    if acting.iter().any(|row| row.sends) {
        // A policy has no room for the name of every listener.
        statements.push(allow(&["sqs:SendMessage"], queue_arn("*")));
    }
    if row.watches_queues {
        statements.push(allow(&["sqs:GetQueueAttributes"], queue_arn("*")));
    }
    if row.clears_dead_letters {
        let actions = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage"];
        statements.push(allow(&actions, queue_arn("*-dlq*")));
    }
    statements
}

fn archive(row: &Row) -> Vec<Value> {
    // Names of buckets are unique everywhere: their ARNs have neither region nor account.
    let files = || filled("arn:${AWS::Partition}:s3:::${ArchiveBucket}/archive/*");
    match row.archive {
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

fn secrets(acting: &[&Row]) -> Vec<Value> {
    let mut statements = Vec::new();
    let opened = acting::declared(acting, |row| &row.secrets);
    if !opened.is_empty() {
        // Secrets Manager adds a dash and six characters to every name.
        let places: Vec<Value> =
            opened.iter().map(|name| secret(&format!("{name}-??????"))).collect();
        statements.push(allow(&["secretsmanager:GetSecretValue"], json!(places)));
    }
    let kept = acting::declared(acting, |row| &row.keeps);
    if !kept.is_empty() {
        // Who keeps a secret asks first whether it is there; one that is not has no such ending yet.
        let places = |name: &&str| [secret(name), secret(&format!("{name}-??????"))];
        let places: Vec<Value> = kept.iter().flat_map(places).collect();
        let actions = [
            "secretsmanager:CreateSecret",
            "secretsmanager:GetSecretValue",
            "secretsmanager:PutSecretValue",
        ];
        statements.push(allow(&actions, json!(places)));
    }
    statements
}

fn secret(name: &str) -> Value {
    arn("secretsmanager", &format!("secret:${{SecretPrefix}}{name}"))
}
