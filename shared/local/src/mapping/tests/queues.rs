use aws_lambda_events::event::sqs::SqsEvent;
use serde_json::json;

use super::*;
use crate::aws::sqs::{MessageAttribute, queue_arn};
use crate::testing::NOON_MS;

/// Lambda Developer Guide, "Using Lambda with Amazon SQS": example events.
#[tokio::test(start_paused = true)]
async fn a_message_becomes_an_event_that_the_lambda_types_read_and_is_deleted() {
    let script = Script::ok();
    let (cloud, mappings) = mapped_queue("jobs", script.clone(), 2);
    let attributes = [("type".to_owned(), MessageAttribute::text("user.created"))].into();
    let message = NewMessage { body: "hello".to_owned(), attributes, ..Default::default() };
    let sent = cloud.queues().send("jobs", message).unwrap();
    mappings.quiesce().await;
    let event: SqsEvent = serde_json::from_value(script.events().remove(0)).unwrap();
    let record = &event.records[0];
    assert_eq!(record.message_id.as_deref(), Some(sent.id.as_str()));
    assert_eq!(record.body.as_deref(), Some("hello"));
    assert_eq!(record.attributes["ApproximateReceiveCount"], "1");
    assert_eq!(record.message_attributes["type"].string_value.as_deref(), Some("user.created"));
    assert_eq!(record.event_source_arn.as_deref(), Some(queue_arn("jobs").as_str()));
    assert_eq!(cloud.queues().depth("jobs").unwrap(), Default::default());
}

/// Lambda Developer Guide, "Implementing partial batch responses".
#[tokio::test(start_paused = true)]
async fn failed_items_come_again_after_their_visibility_and_others_do_not() {
    let script = Script::new(|event| {
        let bad = event["Records"].as_array().unwrap().iter().filter(|r| r["body"] == "bad");
        let failures: Vec<_> =
            bad.map(|r| serde_json::json!({ "itemIdentifier": r["messageId"] })).collect();
        Ok(serde_json::json!({ "batchItemFailures": failures }))
    });
    let (cloud, mappings) = mapped_queue("jobs", script.clone(), 1);
    for body in ["good", "bad", "fine"] {
        send(&cloud, "jobs", body);
    }
    mappings.quiesce().await;
    assert_eq!(script.batches(), [["good", "bad", "fine"]]);
    assert_eq!(cloud.queues().depth("jobs").unwrap().in_flight, 1);
    cloud.clock().advance(30_000);
    mappings.quiesce().await;
    assert_eq!(script.batches()[1..], [["bad"]]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_crashed_or_timed_out_invocation_deletes_nothing() {
    for error in [InvokeError::Failed("x".to_owned()), InvokeError::Crashed, InvokeError::TimedOut]
    {
        let script = Script::new(move |_| Err(error.clone()));
        let (cloud, mappings) = mapped_queue("jobs", script.clone(), 1);
        send(&cloud, "jobs", "m");
        mappings.quiesce().await;
        assert_eq!(cloud.queues().depth("jobs").unwrap().in_flight, 1);
        cloud.clock().advance(30_000);
        mappings.quiesce().await;
        assert_eq!(script.events().len(), 2);
    }
}

/// Lambda Developer Guide, "Configuring scaling behavior for SQS event source mappings".
#[tokio::test(start_paused = true)]
async fn no_more_invocations_run_at_once_than_allowed() {
    let script = Script::taking(Duration::from_secs(1), |_| Ok(Value::Null));
    let (cloud, mappings) = mapped_queue("jobs", script.clone(), 2);
    for number in 0..50 {
        send(&cloud, "jobs", &number.to_string());
    }
    mappings.quiesce().await;
    assert_eq!(script.most_at_once(), 2);
    assert_eq!(script.batches().iter().map(Vec::len).sum::<usize>(), 50);
    assert!(script.batches().iter().all(|batch| batch.len() <= 10));
}

/// Lambda Developer Guide, "Using Lambda with Amazon SQS": FIFO queues keep the order of a group.
#[tokio::test(start_paused = true)]
async fn a_fifo_group_is_handled_in_order_however_many_run_at_once() {
    let script = Script::taking(Duration::from_secs(1), |_| Ok(Value::Null));
    let (cloud, mappings) = mapped_queue("jobs.fifo", script.clone(), 50);
    for body in ["a1", "b1", "a2", "b2", "a3"] {
        send(&cloud, "jobs.fifo", body);
    }
    mappings.quiesce().await;
    let order: Vec<String> = script.batches().concat();
    for group in ["a", "b"] {
        let own: Vec<_> = order.iter().filter(|body| body.starts_with(group)).collect();
        let mut sorted = own.clone();
        sorted.sort();
        assert_eq!(own, sorted);
    }
    assert_eq!(order.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_delayed_message_is_dispatched_when_the_clock_gets_there() {
    let script = Script::ok();
    let (cloud, mappings) = mapped_queue("jobs", script.clone(), 1);
    let message = NewMessage { body: "m".to_owned(), delay_s: Some(60), ..Default::default() };
    cloud.queues().send("jobs", message).unwrap();
    mappings.quiesce().await;
    assert_eq!(script.events().len(), 0);
    assert_eq!(cloud.clock().now_ms(), NOON_MS);
    cloud.clock().advance(60_000);
    mappings.quiesce().await;
    assert_eq!(script.events().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_disabled_mapping_waits_and_a_stopped_one_ends() {
    let script = Script::ok();
    let (cloud, mappings) = mapped_queue("jobs", script.clone(), 1);
    mappings.enable("user.on_event", false);
    send(&cloud, "jobs", "m");
    mappings.quiesce().await;
    assert_eq!(script.events().len(), 0);
    mappings.enable("user.on_event", true);
    mappings.quiesce().await;
    assert_eq!(script.events().len(), 1);
    mappings.stop();
    send(&cloud, "jobs", "n");
    mappings.quiesce().await;
    assert_eq!(script.events().len(), 1);
}

/// Lambda Developer Guide, "Implementing partial batch responses", "Success and failure
/// conditions": an empty or absent list is success of all; anything that cannot be read is failure
/// of all.
#[tokio::test(start_paused = true)]
async fn a_garbled_answer_fails_the_whole_batch_and_an_empty_one_none_of_it() {
    let named = |id: Value| json!({ "batchItemFailures": [{ "itemIdentifier": id }] });
    for (answer, left) in [
        (json!(null), 0),
        (json!({}), 0),
        (json!({ "batchItemFailures": [] }), 0),
        (json!({ "batchItemFailures": null }), 0),
        (named(json!("")), 3),
        (named(json!(null)), 3),
        (named(json!("unknown")), 3),
        (json!({ "batchItemFailures": [{ "messageId": "b" }] }), 3),
        (json!({ "batchItemFailures": "all" }), 3),
        (json!("text"), 3),
    ] {
        let told = answer.to_string();
        let script = Script::new(move |_| Ok(answer.clone()));
        let (cloud, mappings) = mapped_queue("jobs", script.clone(), 2);
        for body in ["a", "b", "c"] {
            send(&cloud, "jobs", body);
        }
        mappings.quiesce().await;
        assert_eq!(cloud.queues().depth("jobs").unwrap().in_flight, left, "{told}");
    }
}

/// Lambda API reference, CreateEventSourceMapping, `FunctionResponseTypes`: without
/// `ReportBatchItemFailures` the answer does not matter.
#[tokio::test(start_paused = true)]
async fn without_partial_failures_every_answer_is_success() {
    let cloud = testing::cloud();
    cloud.queues().ensure("jobs", []).unwrap();
    let all = json!({ "batchItemFailures": [{ "itemIdentifier": "" }] });
    let mappings = Mappings::new(&cloud, Script::new(move |_| Ok(all.clone())));
    let mapping = QueueMapping { partial_failures: false, ..queue_mapping("jobs") };
    mappings.map_queue(mapping).unwrap();
    send(&cloud, "jobs", "m");
    mappings.quiesce().await;
    assert_eq!(cloud.queues().depth("jobs").unwrap(), Default::default());
}

/// Lambda Developer Guide, "Using Lambda with Amazon SQS", FIFO queues: what failed comes again
/// before its successors; other groups go on meanwhile.
#[tokio::test(start_paused = true)]
async fn a_failed_message_holds_its_group_back_until_it_comes_again_and_no_other() {
    let failed_once = Mutex::new(false);
    let script = Script::new(move |event| {
        let records = event["Records"].as_array().unwrap();
        let from = records.iter().position(|record| record["body"] == "a1");
        let mut failed_once = failed_once.lock().unwrap();
        let Some(from) = from.filter(|_| !std::mem::replace(&mut *failed_once, true)) else {
            return Ok(Value::Null);
        };
        let group = records[from..].iter().filter(|r| r["body"].as_str().unwrap().starts_with('a'));
        let failures: Vec<_> =
            group.map(|record| json!({ "itemIdentifier": record["messageId"] })).collect();
        Ok(json!({ "batchItemFailures": failures }))
    });
    let (cloud, mappings) = mapped_queue("jobs.fifo", script.clone(), 2);
    for body in ["a1", "a2", "b1"] {
        send(&cloud, "jobs.fifo", body);
    }
    mappings.quiesce().await;
    for body in ["a3", "b2"] {
        send(&cloud, "jobs.fifo", body);
    }
    mappings.quiesce().await;
    cloud.clock().advance(30_000);
    mappings.quiesce().await;
    assert_eq!(script.batches(), [vec!["a1", "a2", "b1"], vec!["b2"], vec!["a1", "a2", "a3"]]);
}

/// Lambda Developer Guide, "Configuring scaling behavior for SQS event source mappings": of a FIFO
/// queue, as many at once as there are groups, and never more than the maximum.
#[tokio::test(start_paused = true)]
async fn a_fifo_queue_runs_as_many_at_once_as_it_has_groups() {
    for (most, groups, at_once) in [(50, 3, 3), (2, 3, 2), (1, 3, 1)] {
        let script = Script::taking(Duration::from_secs(1), |_| Ok(Value::Null));
        let cloud = testing::cloud();
        let fifo = [("FifoQueue", "true".to_owned())];
        cloud.queues().ensure("jobs.fifo", fifo).unwrap();
        let mappings = Mappings::new(&cloud, script.clone());
        let mapping =
            QueueMapping { batch_size: 1, maximum_concurrency: most, ..queue_mapping("jobs.fifo") };
        mappings.map_queue(mapping).unwrap();
        for number in 0..12 {
            let group = char::from(b'a' + number % groups);
            send(&cloud, "jobs.fifo", &format!("{group}{number}"));
        }
        mappings.quiesce().await;
        assert_eq!((script.most_at_once(), script.events().len()), (at_once, 12), "{most}");
    }
}

/// Lambda Developer Guide, "Using Lambda with Amazon SQS": a function that runs into its timeout
/// deletes nothing; every message of its batch reappears when its visibility ends, no sooner.
#[tokio::test(start_paused = true)]
async fn the_messages_of_a_timed_out_function_reappear_when_their_visibility_ends() {
    let script = Script::taking(Duration::from_secs(5), |_| Err(InvokeError::TimedOut));
    let (cloud, mappings) = mapped_queue("jobs", script.clone(), 2);
    for body in ["a", "b"] {
        send(&cloud, "jobs", body);
    }
    mappings.quiesce().await;
    cloud.clock().advance(24_999);
    mappings.quiesce().await;
    assert_eq!(script.batches(), [["a", "b"]]);
    cloud.clock().advance(1);
    mappings.quiesce().await;
    assert_eq!(script.batches()[1..], [["a", "b"]]);
    let attributes = &script.events()[1]["Records"][0]["attributes"];
    assert_eq!(attributes["ApproximateReceiveCount"], "2");
}
