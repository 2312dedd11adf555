//! A listener's queue, dead-letter queue, subscription and mapping: its lane as resources.

use runtime::wiring::{Lane, LaneError, RETENTION_S, Staged, Topic};
use runtime::{Module, Row};
use serde_json::{Value, json};

use super::Resources;
use super::intrinsic::{arn, attribute, logical, named, reference, resource};
use super::parameter::at_stage;
use crate::member::put;

/// The logical name of a listener's queue.
pub fn queue(row: &Row) -> String {
    format!("{}Queue", logical(row.id))
}

/// The logical name of a listener's dead-letter queue.
pub fn dead_letters(row: &Row) -> String {
    format!("{}DeadLetters", logical(row.id))
}

/// Everything between the topic and the listener; nothing where the row is none.
pub fn resources(module: &Module, row: &Row) -> Result<Resources, LaneError> {
    let Some(lane) = Lane::of(module, row)? else { return Ok(Resources::new()) };
    let (queue, dead) = (queue(row), dead_letters(row));
    let name = logical(row.id);
    let all = [
        (queue.clone(), main_queue(&lane, &dead)),
        (dead.clone(), dead_letter_queue(&lane)),
        (format!("{name}QueuePolicy"), queue_policy(&queue, &dead, lane.topic)),
        (format!("{name}Subscription"), subscription(&queue, &dead, &lane)),
        (format!("{name}Mapping"), mapping(&name, &queue, &lane)),
    ];
    Ok(all.into_iter().collect())
}

fn main_queue(lane: &Lane, dead: &str) -> Value {
    let mut properties = json!({
        "QueueName": named(&lane.queue),
        "MessageRetentionPeriod": RETENTION_S,
        "VisibilityTimeout": lane.visibility_s,
        "SqsManagedSseEnabled": true,
        "RedrivePolicy": {
            "deadLetterTargetArn": attribute(dead, "Arn"),
            "maxReceiveCount": staged(lane, lane.max_receives, |one| one.max_receives),
        },
    });
    if lane.delay_s > 0 {
        put(&mut properties, "DelaySeconds", json!(lane.delay_s));
    }
    ordered(&mut properties, lane.topic);
    resource("AWS::SQS::Queue", properties)
}

/// A value of the lane that is another one at some stages.
fn staged(lane: &Lane, value: u32, of: impl Fn(&Staged) -> u32) -> Value {
    let others = lane.stages.iter().filter(|one| of(one) != value);
    others.fold(
        json!(value),
        |otherwise, one| json!({ "Fn::If": [at_stage(one.stage), of(one), otherwise] }),
    )
}

fn dead_letter_queue(lane: &Lane) -> Value {
    let mut properties = json!({
        "QueueName": named(&lane.dead_letter_queue),
        "MessageRetentionPeriod": RETENTION_S,
        "SqsManagedSseEnabled": true,
        "RedriveAllowPolicy": {
            "redrivePermission": "byQueue",
            "sourceQueueArns": [arn("sqs", &format!("${{Name}}-{}", lane.queue))],
        },
    });
    ordered(&mut properties, lane.topic);
    resource("AWS::SQS::Queue", properties)
}

fn ordered(properties: &mut Value, topic: Topic) {
    if topic == Topic::Fifo {
        put(properties, "FifoQueue", json!(true));
        put(properties, "DeduplicationScope", json!("messageGroup"));
        put(properties, "FifoThroughputLimit", json!("perMessageGroupId"));
    }
}

fn topic_arn(topic: Topic) -> Value {
    reference(match topic {
        Topic::Standard => "EventsTopic",
        Topic::Fifo => "EventsFifoTopic",
    })
}

fn queue_policy(queue: &str, dead: &str, topic: Topic) -> Value {
    let statement = json!({
        "Effect": "Allow",
        "Principal": { "Service": "sns.amazonaws.com" },
        "Action": "sqs:SendMessage",
        "Resource": [attribute(queue, "Arn"), attribute(dead, "Arn")],
        "Condition": { "ArnEquals": { "aws:SourceArn": topic_arn(topic) } },
    });
    let properties = json!({
        "Queues": [reference(queue), reference(dead)],
        "PolicyDocument": { "Version": "2012-10-17", "Statement": [statement] },
    });
    resource("AWS::SQS::QueuePolicy", properties)
}

fn subscription(queue: &str, dead: &str, lane: &Lane) -> Value {
    let properties = json!({
        "TopicArn": topic_arn(lane.topic),
        "Protocol": "sqs",
        "Endpoint": attribute(queue, "Arn"),
        "RawMessageDelivery": true,
        "FilterPolicyScope": "MessageAttributes",
        "FilterPolicy": lane.filter,
        "RedrivePolicy": { "deadLetterTargetArn": attribute(dead, "Arn") },
    });
    resource("AWS::SNS::Subscription", properties)
}

fn mapping(name: &str, queue: &str, lane: &Lane) -> Value {
    let concurrency = staged(lane, lane.max_concurrency, |one| one.max_concurrency);
    let properties = json!({
        "EventSourceArn": attribute(queue, "Arn"),
        "FunctionName": reference(&format!("{name}Function")),
        "BatchSize": lane.batch,
        "MaximumBatchingWindowInSeconds": 0,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": { "MaximumConcurrency": concurrency },
    });
    resource("AWS::Lambda::EventSourceMapping", properties)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn of(row: Row) -> Resources {
        resources(&fixture::module_of([row.clone()]), &row).unwrap()
    }

    #[test]
    fn a_lane_stands_in_the_template_as_it_was_derived() {
        let event = events::profile::UPDATED.spec;
        let all = of(fixture::hears("demo.on_updated", event).tries(8, [5, 15]).timeout(20));
        let queue = &all["DemoOnUpdatedQueue"]["Properties"];
        assert_eq!(queue["VisibilityTimeout"], 120);
        assert_eq!(queue["RedrivePolicy"]["maxReceiveCount"], 13);
        let urgent = of(fixture::hears("demo.on_updated", event).urgent());
        for (all, concurrency) in [(all, 20), (urgent, 50)] {
            let mapping = &all["DemoOnUpdatedMapping"]["Properties"];
            assert_eq!(mapping["ScalingConfig"]["MaximumConcurrency"], concurrency);
            assert_eq!(mapping["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
        }
    }

    #[test]
    fn a_stage_that_differs_has_its_own_values() {
        let tuning = &runtime::wiring::STAGES[0];
        let event = events::profile::UPDATED.spec;
        let all = of(fixture::hears(tuning.listener, event));
        let mapping = format!("{}Mapping", logical(tuning.listener));
        let concurrency = &all[&mapping]["Properties"]["ScalingConfig"]["MaximumConcurrency"];
        let at = at_stage(tuning.stage);
        assert_eq!(*concurrency, json!({ "Fn::If": [at, tuning.concurrency.unwrap(), 20] }));
    }

    #[test]
    fn events_in_order_come_through_fifo_queues() {
        let event = events::EventSpec {
            entity: kernel::EntityKind::Payment,
            ..events::profile::UPDATED.spec
        };
        let all = of(fixture::hears("demo.on_updated", event).ordered());
        let queue = &all["DemoOnUpdatedQueue"]["Properties"];
        assert_eq!(queue["QueueName"], named("demo-on_updated.fifo"));
        assert_eq!(queue["FifoQueue"], json!(true));
        let subscription = &all["DemoOnUpdatedSubscription"]["Properties"];
        assert_eq!(subscription["TopicArn"], reference("EventsFifoTopic"));
    }
}
