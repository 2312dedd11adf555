//! A listener's queue, dead-letter queue, subscription and mapping: derived from its row.

use events::Priority;
use runtime::module::Listening;
use runtime::{Module, Row};
use serde_json::{Value, json};

use super::Resources;
use super::intrinsic::{arn, attribute, logical, named, physical, reference, resource};
use crate::lane::{LaneError, Topic, filter_of, topic_of};
use crate::member::put;

/// Seconds a message is kept: 14 days, the most SQS keeps.
pub const RETENTION_S: u32 = 14 * 24 * 3600;

/// The logical name of a listener's queue.
pub fn queue(row: &Row) -> String {
    format!("{}Queue", logical(row.id))
}

/// The logical name of a listener's dead-letter queue.
pub fn dead_letters(row: &Row) -> String {
    format!("{}DeadLetters", logical(row.id))
}

/// The ends of the physical names of a listener's queue and dead-letter queue.
pub fn queue_names(row: &Row, topic: Topic) -> (String, String) {
    let name = physical(row.id);
    match topic {
        Topic::Standard => (name.clone(), format!("{name}-dlq")),
        Topic::Fifo => (format!("{name}.fifo"), format!("{name}-dlq.fifo")),
    }
}

/// Invocations at once, at most.
pub const fn concurrency(priority: Priority) -> u32 {
    match priority {
        Priority::High => 50,
        Priority::Normal => 20,
    }
}

/// Receives before the queue gives up. A FIFO group that waits is received again and again.
pub fn max_receives(heard: &Listening, topic: Topic) -> u32 {
    match topic {
        Topic::Standard => heard.max_receives(),
        Topic::Fifo => heard.max_receives().max(100),
    }
}

/// Everything between the topic and the listener.
pub fn resources(module: &Module, row: &Row, heard: &Listening) -> Result<Resources, LaneError> {
    let topic = topic_of(row, heard)?;
    let (queue, dead) = (queue(row), dead_letters(row));
    let name = logical(row.id);
    let all = [
        (queue.clone(), main_queue(row, heard, topic)),
        (dead.clone(), dead_letter_queue(row, topic)),
        (format!("{name}QueuePolicy"), queue_policy(&queue, &dead, topic)),
        (
            format!("{name}Subscription"),
            subscription(&queue, &dead, topic, filter_of(module, row, heard)?),
        ),
        (format!("{name}Mapping"), mapping(&name, &queue, heard)),
    ];
    Ok(all.into_iter().collect())
}

fn main_queue(row: &Row, heard: &Listening, topic: Topic) -> Value {
    let (name, _) = queue_names(row, topic);
    let mut properties = json!({
        "QueueName": named(&name),
        "MessageRetentionPeriod": RETENTION_S,
        "VisibilityTimeout": Listening::visibility_s(row.timeout_s),
        "SqsManagedSseEnabled": true,
        "RedrivePolicy": {
            "deadLetterTargetArn": attribute(&dead_letters(row), "Arn"),
            "maxReceiveCount": max_receives(heard, topic),
        },
    });
    if heard.delay_s > 0 {
        put(&mut properties, "DelaySeconds", json!(heard.delay_s));
    }
    ordered(&mut properties, topic);
    resource("AWS::SQS::Queue", properties)
}

fn dead_letter_queue(row: &Row, topic: Topic) -> Value {
    let (name, dead) = queue_names(row, topic);
    let mut properties = json!({
        "QueueName": named(&dead),
        "MessageRetentionPeriod": RETENTION_S,
        "SqsManagedSseEnabled": true,
        "RedriveAllowPolicy": {
            "redrivePermission": "byQueue",
            "sourceQueueArns": [arn("sqs", &format!("${{Name}}-{name}"))],
        },
    });
    ordered(&mut properties, topic);
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

fn subscription(queue: &str, dead: &str, topic: Topic, filter: Value) -> Value {
    let properties = json!({
        "TopicArn": topic_arn(topic),
        "Protocol": "sqs",
        "Endpoint": attribute(queue, "Arn"),
        "RawMessageDelivery": true,
        "FilterPolicyScope": "MessageAttributes",
        "FilterPolicy": filter,
        "RedrivePolicy": { "deadLetterTargetArn": attribute(dead, "Arn") },
    });
    resource("AWS::SNS::Subscription", properties)
}

fn mapping(name: &str, queue: &str, heard: &Listening) -> Value {
    let properties = json!({
        "EventSourceArn": attribute(queue, "Arn"),
        "FunctionName": reference(&format!("{name}Function")),
        "BatchSize": heard.batch,
        "MaximumBatchingWindowInSeconds": 0,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": { "MaximumConcurrency": concurrency(heard.priority) },
    });
    resource("AWS::Lambda::EventSourceMapping", properties)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn of(row: Row) -> Resources {
        let module = fixture::module_of([row.clone()]);
        resources(&module, &row, row.listening().unwrap()).unwrap()
    }

    #[test]
    fn a_queue_is_a_crash_backstop_and_hides_messages_six_times_the_timeout() {
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
    fn events_in_order_come_through_fifo_queues() {
        let event = events::EventSpec {
            entity: kernel::EntityKind::Payment,
            ..events::profile::UPDATED.spec
        };
        let all = of(fixture::hears("demo.on_updated", event));
        let queue = &all["DemoOnUpdatedQueue"]["Properties"];
        assert_eq!(queue["QueueName"], named("demo-on_updated.fifo"));
        assert_eq!(queue["RedrivePolicy"]["maxReceiveCount"], 100);
        let subscription = &all["DemoOnUpdatedSubscription"]["Properties"];
        assert_eq!(subscription["TopicArn"], reference("EventsFifoTopic"));
    }
}
