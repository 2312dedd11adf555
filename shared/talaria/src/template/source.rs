//! Streams, schedules and private queues that start functions.

use runtime::module::Listening;
use runtime::stream::Births;
use runtime::wiring::{
    Feed, JOB_CONCURRENCY, JOB_RECEIVES, RETENTION_S, Topic, job_batch, queue_names,
};
use runtime::{Module, Row, Trigger};
use serde_json::{Value, json};
use store::Table;

use super::intrinsic::{attribute, logical, queue_arn, queue_named, reference, resource};
use super::role::{allow, of_service};
use super::{Resources, rollout};
use crate::member::put;

/// The queue, after the stack's name, of what neither the scheduler nor a stream could hand over: how
/// often and how long is said here, what is behind it stands in a table all the same.
pub const UNDELIVERED: &str = "undelivered-dlq";

/// Whether what starts the row may give up and say so in that queue, in the name of its function.
pub const fn has_undelivered(row: &Row) -> bool {
    matches!(row.trigger, Trigger::Schedule(_) | Trigger::Stream { .. })
}

/// Records of a stream, from the oldest that is kept on.
pub fn stream(module: &Module, row: &Row, table: &Table, births: Births) -> Resources {
    let name = logical(row.id);
    let feed = Feed::of(births);
    let properties = json!({
        "EventSourceArn": stream_parameter(table),
        "FunctionName": rollout::target(module, row),
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": feed.batch,
        "MaximumBatchingWindowInSeconds": feed.window_s,
        "ParallelizationFactor": feed.parallel,
        "BisectBatchOnFunctionError": feed.bisect,
        "MaximumRetryAttempts": feed.retries,
        "MaximumRecordAgeInSeconds": feed.max_age_s,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "FilterCriteria": { "Filters": [{ "Pattern": births.pattern() }] },
        "DestinationConfig": { "OnFailure": { "Destination": queue_arn(UNDELIVERED) } },
    });
    let mapping = resource("AWS::Lambda::EventSourceMapping", properties);
    [(format!("{name}Mapping"), mapping)].into_iter().collect()
}

/// The stream a row reads, as its role names it.
pub fn stream_arn(row: &Row) -> Value {
    match &row.trigger {
        Trigger::Stream { table, .. } => stream_parameter(table),
        _ => json!([]),
    }
}

fn stream_parameter(table: &Table) -> Value {
    reference(&format!("{}Stream", logical(table.name())))
}

/// A schedule. A run of every minute is tried until the next one does its work, any other for an hour.
pub fn schedule(module: &Module, row: &Row, expression: &str) -> Resources {
    let name = logical(row.id);
    let is_frequent = expression.starts_with("rate(1 minute");
    let (age_s, retries) = if is_frequent { (60, 2) } else { (3_600, 10) };
    let properties = json!({
        "Description": row.id,
        "ScheduleExpression": expression,
        "FlexibleTimeWindow": { "Mode": "OFF" },
        "Target": {
            "Arn": rollout::target(module, row),
            "RoleArn": attribute("ScheduleRole", "Arn"),
            "RetryPolicy": {
                "MaximumEventAgeInSeconds": age_s,
                "MaximumRetryAttempts": retries,
            },
            "DeadLetterConfig": { "Arn": queue_arn(UNDELIVERED) },
        },
    });
    let schedule = resource("AWS::Scheduler::Schedule", properties);
    [(format!("{name}Schedule"), schedule)].into_iter().collect()
}

/// A private queue, where a job's messages wait, and one for those that never worked.
pub fn job(module: &Module, row: &Row) -> Resources {
    let name = logical(row.id);
    let (queue, dead) = (format!("{name}Queue"), format!("{name}DeadLetters"));
    let (queue_name, dead_name) = queue_names(row.id, Topic::Standard);
    let common = |name: &str| {
        json!({
            "QueueName": queue_named(name),
            "MessageRetentionPeriod": RETENTION_S,
            "SqsManagedSseEnabled": true,
        })
    };
    let mut main = common(&queue_name);
    put(&mut main, "VisibilityTimeout", json!(Listening::visibility_s(row.timeout_s)));
    let redrive = json!({
        "deadLetterTargetArn": attribute(&dead, "Arn"),
        "maxReceiveCount": JOB_RECEIVES,
    });
    put(&mut main, "RedrivePolicy", redrive);
    let mapping = json!({
        "EventSourceArn": attribute(&queue, "Arn"),
        "FunctionName": rollout::target(module, row),
        "BatchSize": job_batch(row),
        "MaximumBatchingWindowInSeconds": 0,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": { "MaximumConcurrency": JOB_CONCURRENCY },
    });
    let all = [
        (queue, resource("AWS::SQS::Queue", main)),
        (dead, resource("AWS::SQS::Queue", common(&dead_name))),
        (format!("{name}Mapping"), resource("AWS::Lambda::EventSourceMapping", mapping)),
    ];
    all.into_iter().collect()
}

/// The role the scheduler invokes the module's scheduled functions with.
pub fn schedule_role(module: &Module) -> Resources {
    let scheduled = module.rows.iter().filter(|row| matches!(row.trigger, Trigger::Schedule(_)));
    let scheduled: Vec<Value> = scheduled.flat_map(|row| rollout::invoked(module, row)).collect();
    if scheduled.is_empty() {
        return Resources::new();
    }
    let statements = json!([
        allow(&["lambda:InvokeFunction"], json!(scheduled)),
        allow(&["sqs:SendMessage"], queue_arn(UNDELIVERED)),
    ]);
    let role = of_service("scheduler.amazonaws.com", "invoke", statements);
    [("ScheduleRole".to_owned(), role)].into_iter().collect()
}

#[cfg(test)]
mod tests {
    use store::OUTBOX;

    use super::*;
    use crate::fixture;

    #[test]
    fn the_archive_waits_for_whole_files_and_the_relay_for_nothing() {
        let mapping = |births| {
            let module = fixture::module();
            let row = module.row("demo.relay").unwrap();
            stream(&module, row, &OUTBOX, births)["DemoRelayMapping"]["Properties"].clone()
        };
        let settings = [
            ("BatchSize", json!(100), json!(1_000)),
            ("MaximumBatchingWindowInSeconds", json!(0), json!(60)),
            ("ParallelizationFactor", json!(10), json!(1)),
            ("BisectBatchOnFunctionError", json!(true), json!(false)),
            ("MaximumRetryAttempts", json!(3), json!(10_000)),
            ("MaximumRecordAgeInSeconds", json!(3_600), json!(86_400)),
        ];
        for (name, relay, archive) in settings {
            assert_eq!(mapping(Births::Outbox)[name], relay, "{name}");
            assert_eq!(mapping(Births::Sent)[name], archive, "{name}");
        }
        let pattern = r#"{"dynamodb":{"NewImage":{"status":{"S":["sent"]}}}}"#;
        let filters = &mapping(Births::Sent)["FilterCriteria"]["Filters"];
        assert_eq!(*filters, json!([{ "Pattern": pattern }]));
    }

    #[test]
    fn what_a_stream_or_a_schedule_cannot_hand_over_is_not_lost_without_a_word() {
        let module = fixture::module();
        let undelivered = queue_arn(UNDELIVERED);
        let relay = stream(&module, module.row("demo.relay").unwrap(), &OUTBOX, Births::Outbox);
        let failure = &relay["DemoRelayMapping"]["Properties"]["DestinationConfig"]["OnFailure"];
        assert_eq!(failure["Destination"], undelivered);
        let tidy = module.row("demo.tidy").unwrap();
        for (expression, age_s) in [("rate(1 minute)", 60), ("cron(10 3 * * ? *)", 3_600)] {
            let all = schedule(&module, tidy, expression);
            let target = &all["DemoTidySchedule"]["Properties"]["Target"];
            assert_eq!(target["DeadLetterConfig"]["Arn"], undelivered);
            assert_eq!(target["RetryPolicy"]["MaximumEventAgeInSeconds"], age_s);
        }
    }
}
