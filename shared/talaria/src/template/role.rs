//! The role of one function: what its row declares and what the pipeline does for it, no more.

use contracts::Idempotency;
use events::Ordering;
use runtime::module::Listening;
use runtime::rate::CELLS;
use runtime::wiring::{LaneError, resource_name};
use runtime::{Row, Trigger};
use serde_json::{Value, json};
use store::{AUDIT, IDEMPOTENCY, INBOX, OUTBOX, PLATFORM, PLATFORM_TABLES, Table};

use super::function::counts_networks;
use super::intrinsic::{arn, attribute, filled, function_arn, logical, reference, resource};
use super::listener;
use crate::member::put;

const READS: &[&str] = &["BatchGetItem", "GetItem", "Query"];
const WRITES: &[&str] = &[
    "BatchGetItem",
    "ConditionCheckItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "UpdateItem",
];

/// What a function may do with one table.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    pub table: Table,
    /// Operations of DynamoDB, in alphabetical order, each once.
    pub operations: Vec<&'static str>,
    /// Whether only keys that belong to a tenant may be touched.
    pub tenants_only: bool,
}

/// The role of a row.
pub fn of_row(row: &Row) -> Result<Value, LaneError> {
    let name = logical(row.id);
    let mut statements = vec![
        allow(
            &["logs:CreateLogStream", "logs:PutLogEvents"],
            attribute(&format!("{name}Logs"), "Arn"),
        ),
        allow(&["xray:PutTelemetryRecords", "xray:PutTraceSegments"], json!("*")),
    ];
    statements.extend(grants(row).iter().map(table_statement));
    statements.extend(topics(row));
    statements.extend(queues(row));
    statements.extend(secrets(row));
    if row.archives {
        // Names of buckets are unique everywhere: their ARNs have neither region nor account.
        let files = filled("arn:${AWS::Partition}:s3:::${ArchiveBucket}/archive/*");
        statements.push(allow(&["s3:PutObject"], files));
    }
    if !row.calls.is_empty() {
        let callees: Vec<Value> = row.calls.iter().map(|id| function_arn(id)).collect();
        statements.push(allow(&["lambda:InvokeFunction"], json!(callees)));
    }
    if let Trigger::Stream { .. } = row.trigger {
        let actions =
            ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"];
        statements.push(allow(&actions, super::source::stream_arn(row)));
        // Streams cannot be listed one table at a time.
        statements.push(allow(&["dynamodb:ListStreams"], json!("*")));
    }
    Ok(resource(
        "AWS::IAM::Role",
        json!({
            "AssumeRolePolicyDocument": trusted("lambda.amazonaws.com"),
            "Policies": [{
                "PolicyName": "declared",
                "PolicyDocument": { "Version": "2012-10-17", "Statement": statements },
            }],
        }),
    ))
}

/// The trust of a role that one service takes on.
pub fn trusted(service: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": service },
            "Action": "sts:AssumeRole",
        }],
    })
}

/// A statement that allows these actions on these resources.
pub fn allow(actions: &[&str], resources: Value) -> Value {
    json!({ "Effect": "Allow", "Action": actions, "Resource": resources })
}

/// What the function does with each table, by table name.
pub fn grants(row: &Row) -> Vec<Grant> {
    let mut grants: Vec<Grant> = Vec::new();
    let mut grant = |table: Table, operations: &[&'static str]| {
        let tenants_only = is_kept_to_tenants(row, &table);
        let at = grants.iter().position(|one| one.table == table);
        let mut one = at
            .map_or(Grant { table, operations: vec![], tenants_only }, |at| grants.swap_remove(at));
        one.operations.extend(operations);
        one.operations.sort_unstable();
        one.operations.dedup();
        grants.push(one);
    };
    row.reads.iter().for_each(|table| grant(*table, READS));
    row.writes.iter().for_each(|table| grant(*table, WRITES));
    if counts_networks(row) || matches!(row.trigger, Trigger::Authorizer) {
        grant(CELLS, &["GetItem", "UpdateItem"]);
    }
    if let Some(spec) = row.http() {
        if spec.idempotency == Idempotency::Key {
            grant(IDEMPOTENCY, &["GetItem", "PutItem"]);
        }
        if spec.audit.is_some() {
            grant(AUDIT, &["PutItem"]);
        }
    }
    if let Some(heard) = row.listening() {
        grant(INBOX, &["BatchGetItem", "GetItem", "PutItem", "UpdateItem"]);
        // What is handed over again later waits among the platform's timers.
        grant(PLATFORM, &["BatchGetItem", "DeleteItem", "PutItem"]);
        if heard.ordering == Ordering::Aggregate {
            grant(INBOX, &["ConditionCheckItem", "DeleteItem", "Query"]);
            // Gaps are looked up; a block is announced.
            grant(OUTBOX, &["GetItem", "PutItem", "Query", "UpdateItem"]);
        }
    }
    if !row.emits.is_empty() {
        grant(OUTBOX, &["GetItem", "PutItem", "Query", "UpdateItem"]);
    }
    grants.sort_by_key(|one| one.table.name());
    grants
}

/// A static role cannot name one tenant, but it can keep a function that serves tenants away from the
/// directory and from rows of the platform itself.
fn is_kept_to_tenants(row: &Row, table: &Table) -> bool {
    let serves_tenants = match &row.trigger {
        // Before a stranger's tenant is known, its own tables are searched through the directory.
        Trigger::Http(spec) => spec.access.needs_credential() || PLATFORM_TABLES.contains(table),
        Trigger::Listener(_) | Trigger::Call(_) => true,
        // A batch is one tenant's.
        Trigger::Job => row.collects.is_some(),
        Trigger::Authorizer
        | Trigger::Operator(_)
        | Trigger::Stream { .. }
        | Trigger::Schedule(_)
        | Trigger::Socket(_) => false,
    };
    table.is_guarded() && serves_tenants
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

fn topics(row: &Row) -> Option<Value> {
    let emits = |wanted: Ordering| row.emits.iter().any(|spec| spec.ordering() == wanted);
    let mut topics = Vec::new();
    // A blocked aggregate is announced on its own, without order.
    let blocks = row.listening().is_some_and(Listening::blocks);
    if row.publishes || blocks || !row.emits.is_empty() {
        topics.push(reference("EventsTopic"));
    }
    if row.publishes || emits(Ordering::Aggregate) {
        topics.push(reference("EventsFifoTopic"));
    }
    (!topics.is_empty()).then(|| allow(&["sns:Publish"], json!(topics)))
}

fn queues(row: &Row) -> Vec<Value> {
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
    // Its own queue is granted above.
    let jobs = row.jobs.iter().filter(|job| **job != row.id);
    let jobs: Vec<Value> =
        jobs.map(|job| arn("sqs", &format!("${{Name}}-{}", resource_name(job)))).collect();
    if !jobs.is_empty() {
        statements.push(allow(&["sqs:SendMessage"], json!(jobs)));
    }
    if row.sends {
        // A policy has no room for the name of every listener.
        statements.push(allow(&["sqs:SendMessage"], arn("sqs", "${Name}-*")));
    }
    if row.watches_queues {
        statements
            .push(allow(&["sqs:GetQueueAttributes", "sqs:GetQueueUrl"], arn("sqs", "${Name}-*")));
    }
    if row.clears_dead_letters {
        let actions = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage"];
        statements.push(allow(&actions, arn("sqs", "${Name}-*-dlq*")));
    }
    statements
}

fn secrets(row: &Row) -> Vec<Value> {
    let mut statements = Vec::new();
    if !row.secrets.is_empty() {
        // Secrets Manager adds a dash and six characters to every name.
        let places: Vec<Value> =
            row.secrets.iter().map(|name| secret(&format!("{name}-??????"))).collect();
        statements.push(allow(&["secretsmanager:GetSecretValue"], json!(places)));
    }
    if !row.keeps.is_empty() {
        // Who keeps a secret asks first whether it is there; one that is not has no such ending yet.
        let places = |name: &&str| [secret(name), secret(&format!("{name}-??????"))];
        let places: Vec<Value> = row.keeps.iter().flat_map(places).collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn granted(id: &str) -> Vec<(&'static str, Vec<&'static str>, bool)> {
        let module = fixture::module();
        grants(module.row(id).unwrap())
            .into_iter()
            .map(|one| (one.table.name(), one.operations, one.tenants_only))
            .collect()
    }

    #[test]
    fn a_function_gets_the_tables_it_declares_and_those_of_its_pipeline() {
        let cells = ("gateway", vec!["GetItem", "UpdateItem"], false);
        let cases = [
            ("profile.get", vec![cells.clone(), ("profile", READS.to_vec(), true)]),
            (
                "profile.update",
                vec![
                    cells,
                    ("idempotency", vec!["GetItem", "PutItem"], true),
                    ("outbox", vec!["GetItem", "PutItem", "Query", "UpdateItem"], true),
                    ("profile", WRITES.to_vec(), true),
                ],
            ),
            (
                "demo.on_updated",
                vec![
                    ("inbox", vec!["BatchGetItem", "GetItem", "PutItem", "UpdateItem"], true),
                    ("platform", vec!["BatchGetItem", "DeleteItem", "PutItem"], true),
                ],
            ),
            ("demo.tidy", vec![("profile", WRITES.to_vec(), false)]),
            ("demo.relay", vec![("outbox", WRITES.to_vec(), false)]),
        ];
        for (id, expected) in cases {
            assert_eq!(granted(id), expected, "{id}");
        }
    }

    fn statements(row: &Row) -> Vec<Value> {
        let role = of_row(row).unwrap();
        let all = role.pointer("/Properties/Policies/0/PolicyDocument/Statement").unwrap();
        all.as_array().unwrap().clone()
    }

    #[test]
    fn who_plans_a_timer_may_send_to_the_job_that_fires_timers_and_write_rows_of_tenants() {
        let module = fixture::module();
        let row = module.row("profile.update").unwrap().clone().schedules([]);
        let all = statements(&row);
        let about_queues: Vec<&Value> =
            all.iter().filter(|one| one.to_string().contains("sqs:")).collect();
        let fire = json!([arn("sqs", "${Name}-platform-schedule_fire")]);
        assert_eq!(about_queues, [&allow(&["sqs:SendMessage"], fire)]);
        let platform = grants(&row).into_iter().find(|one| one.table == PLATFORM);
        assert!(platform.unwrap().tenants_only);
    }

    #[test]
    fn who_archives_may_put_files_below_archive_and_do_nothing_else_with_the_bucket() {
        let module = fixture::module();
        let row = module.row("demo.tidy").unwrap();
        let about_s3 = |row: &Row| {
            let role = of_row(row).unwrap();
            let statements =
                role.pointer("/Properties/Policies/0/PolicyDocument/Statement").unwrap();
            let all = statements.as_array().unwrap().clone().into_iter();
            all.filter(|one| one.to_string().contains("s3:")).collect::<Vec<_>>()
        };
        assert_eq!(about_s3(row), Vec::<Value>::new());
        let files = json!({ "Fn::Sub": "arn:${AWS::Partition}:s3:::${ArchiveBucket}/archive/*" });
        assert_eq!(about_s3(&row.clone().archives()), [allow(&["s3:PutObject"], files)]);
    }

    #[test]
    fn nobody_scans_and_only_logs_traces_and_streams_are_unnamed() {
        let module = fixture::module();
        for row in &module.rows {
            let role = of_row(row).unwrap();
            let statements =
                role.pointer("/Properties/Policies/0/PolicyDocument/Statement").unwrap();
            for statement in statements.as_array().unwrap() {
                let actions = statement["Action"].to_string();
                assert!(
                    !actions.contains("Scan") && !actions.contains('*'),
                    "{}: {actions}",
                    row.id
                );
                if statement["Resource"] == json!("*") {
                    assert!(
                        actions.contains("xray:") || actions.contains("ListStreams"),
                        "{actions}"
                    );
                }
            }
        }
    }
}
