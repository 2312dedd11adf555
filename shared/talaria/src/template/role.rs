//! The role of one function: what its row declares and what the pipeline does for it, no more.

use contracts::Idempotency;
use events::Ordering;
use runtime::module::ArchiveUse;
use runtime::rate::CELLS;
use runtime::secrets::SecretName;
use runtime::wiring::{LaneError, resource_name};
use runtime::{Module, Row, Trigger};
use serde_json::{Value, json};
use store::{AUDIT, IDEMPOTENCY, INBOX, OUTBOX, PLATFORM, PLATFORM_TABLES, Table};

use super::acting;
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
pub fn of_row(module: &Module, row: &Row) -> Result<Value, LaneError> {
    let acting = acting::rows(module, row);
    let name = logical(row.id);
    let mut statements = vec![
        allow(
            &["logs:CreateLogStream", "logs:PutLogEvents"],
            attribute(&format!("{name}Logs"), "Arn"),
        ),
        allow(&["xray:PutTelemetryRecords", "xray:PutTraceSegments"], json!("*")),
    ];
    statements.extend(grants(module, row).iter().map(table_statement));
    statements.extend(topics(&acting));
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

/// What the function does with each table, by table name: for its own row, for the inline listeners it
/// runs and for the reactors that join its transactions.
pub fn grants(module: &Module, row: &Row) -> Vec<Grant> {
    let acting = acting::rows(module, row);
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
    for one in &acting {
        one.reads.iter().for_each(|table| grant(*table, READS));
        one.writes.iter().for_each(|table| grant(*table, WRITES));
    }
    for reactor in acting::reactors(module, &acting) {
        reactor.tables.iter().for_each(|table| grant(*table, WRITES));
    }
    if counts_networks(row) || matches!(row.trigger, Trigger::Authorizer) {
        grant(CELLS, &["GetItem", "UpdateItem"]);
    }
    if let Some(spec) = row.http() {
        if spec.idempotency == Idempotency::Key {
            grant(IDEMPOTENCY, &["GetItem", "PutItem"]);
        }
        if spec.audit.action().is_some() {
            grant(AUDIT, &["PutItem"]);
        }
    }
    for heard in acting.iter().filter_map(|one| one.listening()) {
        grant(INBOX, &["BatchGetItem", "GetItem", "PutItem", "UpdateItem"]);
        // What is handed over again later waits among the platform's timers.
        grant(PLATFORM, &["BatchGetItem", "DeleteItem", "PutItem"]);
        if heard.debounce.is_some() {
            grant(PLATFORM, &["GetItem"]);
        }
        if heard.ordering == Ordering::Aggregate {
            grant(INBOX, &["ConditionCheckItem", "DeleteItem", "Query"]);
            // Gaps are looked up; a block is announced.
            grant(OUTBOX, &["GetItem", "PutItem", "Query", "UpdateItem"]);
        }
    }
    if acting.iter().any(|one| !one.emits.is_empty()) {
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
    // Its own queue is granted above.
    let jobs = acting::declared(acting, |row| &row.jobs).into_iter().filter(|job| *job != row.id);
    let jobs: Vec<Value> =
        jobs.map(|job| arn("sqs", &format!("${{Name}}-{}", resource_name(job)))).collect();
    if !jobs.is_empty() {
        statements.push(allow(&["sqs:SendMessage"], json!(jobs)));
    }
    if acting.iter().any(|row| row.sends) {
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
        let places = |name: &SecretName| [secret(name.as_str()), secret(&format!("{name}-??????"))];
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

#[cfg(test)]
mod tests {
    use runtime::module::react;

    use super::*;
    use crate::fixture;

    fn granted(id: &str) -> Vec<(&'static str, Vec<&'static str>, bool)> {
        let module = fixture::module();
        granted_in(&module, id)
    }

    fn granted_in(module: &Module, id: &str) -> Vec<(&'static str, Vec<&'static str>, bool)> {
        grants(module, module.row(id).unwrap())
            .into_iter()
            .map(|one| (one.table.name(), one.operations, one.tenants_only))
            .collect()
    }

    fn statements(module: &Module, row: &Row) -> Vec<Value> {
        let role = of_row(module, row).unwrap();
        let all = role.pointer("/Properties/Policies/0/PolicyDocument/Statement").unwrap();
        all.as_array().unwrap().clone()
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

    #[test]
    fn who_plans_a_timer_may_send_to_the_job_that_fires_timers_and_write_rows_of_tenants() {
        let module = fixture::module();
        let row = module.row("profile.update").unwrap().clone().schedules([]);
        let all = statements(&module, &row);
        let about_queues: Vec<&Value> =
            all.iter().filter(|one| one.to_string().contains("sqs:")).collect();
        let fire = json!([arn("sqs", "${Name}-platform-schedule_fire")]);
        assert_eq!(about_queues, [&allow(&["sqs:SendMessage"], fire)]);
        let platform = grants(&module, &row).into_iter().find(|one| one.table == PLATFORM);
        assert!(platform.unwrap().tenants_only);
    }

    #[test]
    fn who_commits_may_do_what_its_inline_listeners_and_reactors_do() {
        let (noted, tallied) = (Table::new("notes"), Table::new("tallies"));
        let updated = events::profile::UPDATED;
        let mut module = fixture::module();
        module.rows.push(
            fixture::hears("demo.on_saved", updated.spec)
                .inline(300)
                .writes([noted])
                .opens([SecretName::new("k")]),
        );
        let tally = react("demo.tally", &updated, |_| Ok(store::Change::new()));
        module = module.reacts([tally.writes([tallied])]);
        let tables = |id| -> Vec<_> {
            granted_in(&module, id)
                .into_iter()
                .map(|(table, operations, _)| (table, operations))
                .collect()
        };
        let inbox = ("inbox", vec!["BatchGetItem", "GetItem", "PutItem", "UpdateItem"]);
        let update = tables("profile.update");
        for granted in [inbox, ("notes", WRITES.to_vec()), ("tallies", WRITES.to_vec())] {
            assert!(update.contains(&granted), "{granted:?}: {update:?}");
        }
        let text = |id| json!(statements(&module, module.row(id).unwrap())).to_string();
        assert!(text("profile.update").contains("SecretPrefix}k"));
        assert!(!text("profile.update").contains("ReceiveMessage"));
        let get = tables("profile.get");
        assert!(get.iter().all(|(table, _)| !["inbox", "notes", "tallies"].contains(table)));
    }

    #[test]
    fn below_archive_who_writes_may_put_who_reads_may_list_and_get_and_nothing_else() {
        let module = fixture::module();
        let row = module.row("demo.tidy").unwrap();
        let about_s3 = |row: &Row| {
            let all = statements(&module, row).into_iter();
            all.filter(|one| one.to_string().contains("s3:")).collect::<Vec<_>>()
        };
        assert_eq!(about_s3(row), Vec::<Value>::new());
        let files = json!({ "Fn::Sub": "arn:${AWS::Partition}:s3:::${ArchiveBucket}/archive/*" });
        assert_eq!(about_s3(&row.clone().archives()), [allow(&["s3:PutObject"], files.clone())]);
        assert_eq!(about_s3(&row.clone().names_archive()), Vec::<Value>::new());
        let listing = json!({
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": { "Fn::Sub": "arn:${AWS::Partition}:s3:::${ArchiveBucket}" },
            "Condition": { "StringLike": { "s3:prefix": ["archive/*"] } },
        });
        let reads = about_s3(&row.clone().reads_archive());
        assert_eq!(reads, [allow(&["s3:GetObject"], files), listing]);
    }

    #[test]
    fn nobody_scans_and_only_logs_traces_and_streams_are_unnamed() {
        let module = fixture::module();
        for row in &module.rows {
            for statement in statements(&module, row) {
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
