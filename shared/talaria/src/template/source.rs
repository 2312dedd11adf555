//! Streams, schedules and private queues that start functions.

use runtime::module::Listening;
use runtime::stream::Births;
use runtime::wiring::{
    Feed, JOB_CONCURRENCY, JOB_RECEIVES, RETENTION_S, Topic, job_batch, queue_names,
};
use runtime::{Module, Row, Trigger};
use serde_json::{Value, json};
use store::Table;

use super::Resources;
use super::intrinsic::{attribute, logical, named, reference, resource};
use super::role::{allow, trusted};
use crate::member::put;

/// Records of a stream, from the oldest that is kept on.
pub fn stream(row: &Row, table: &Table, births: Births) -> Resources {
    let name = logical(row.id);
    let feed = Feed::of(births);
    let properties = json!({
        "EventSourceArn": stream_parameter(table),
        "FunctionName": reference(&format!("{name}Function")),
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": feed.batch,
        "MaximumBatchingWindowInSeconds": feed.window_s,
        "ParallelizationFactor": feed.parallel,
        "BisectBatchOnFunctionError": feed.bisect,
        "MaximumRetryAttempts": feed.retries,
        "MaximumRecordAgeInSeconds": feed.max_age_s,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "FilterCriteria": { "Filters": [{ "Pattern": births.pattern() }] },
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

/// A schedule. A missed run is not made up for: the next one does its work.
pub fn schedule(row: &Row, expression: &str) -> Resources {
    let name = logical(row.id);
    let properties = json!({
        "Description": row.id,
        "ScheduleExpression": expression,
        "FlexibleTimeWindow": { "Mode": "OFF" },
        "Target": {
            "Arn": attribute(&format!("{name}Function"), "Arn"),
            "RoleArn": attribute("ScheduleRole", "Arn"),
            "RetryPolicy": { "MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 0 },
        },
    });
    let schedule = resource("AWS::Scheduler::Schedule", properties);
    [(format!("{name}Schedule"), schedule)].into_iter().collect()
}

/// A private queue, where a job's messages wait, and one for those that never worked.
pub fn job(row: &Row) -> Resources {
    let name = logical(row.id);
    let (queue, dead) = (format!("{name}Queue"), format!("{name}DeadLetters"));
    let (queue_name, dead_name) = queue_names(row.id, Topic::Standard);
    let common = |name: &str| {
        json!({
            "QueueName": named(name),
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
        "FunctionName": reference(&format!("{name}Function")),
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
    let scheduled: Vec<Value> = module
        .rows
        .iter()
        .filter(|row| matches!(row.trigger, Trigger::Schedule(_)))
        .map(|row| attribute(&format!("{}Function", logical(row.id)), "Arn"))
        .collect();
    if scheduled.is_empty() {
        return Resources::new();
    }
    let properties = json!({
        "AssumeRolePolicyDocument": trusted("scheduler.amazonaws.com"),
        "Policies": [{
            "PolicyName": "invoke",
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [allow(&["lambda:InvokeFunction"], json!(scheduled))],
            },
        }],
    });
    [("ScheduleRole".to_owned(), resource("AWS::IAM::Role", properties))].into_iter().collect()
}

#[cfg(test)]
mod tests {
    use store::OUTBOX;

    use super::*;
    use crate::fixture;

    #[test]
    fn the_archive_waits_for_whole_files_and_the_relay_for_nothing() {
        let mapping = |births| {
            let row = fixture::module().row("demo.relay").cloned().unwrap();
            stream(&row, &OUTBOX, births)["DemoRelayMapping"]["Properties"].clone()
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
}
