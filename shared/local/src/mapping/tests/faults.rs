use super::*;
use crate::fault::{DeliveryFault, FaultPlan};

#[tokio::test(start_paused = true)]
async fn each_delivery_fault_does_what_its_name_says() {
    // (fault, invocations, receive count of the last one, messages left in flight)
    let cases = [
        (DeliveryFault::Twice, 2, "1", 0),
        (DeliveryFault::Late(500), 1, "1", 0),
        (DeliveryFault::Lost, 0, "", 1),
        (DeliveryFault::EarlyVisibility, 2, "2", 0),
        (DeliveryFault::Reordered, 0, "", 0),
    ];
    for (fault, invocations, receives, left) in cases {
        let script = Script::taking(Duration::from_secs(1), |_| Ok(Value::Null));
        let (cloud, mappings) = mapped_queue("jobs", script.clone(), 2);
        cloud.faults().inject_delivery(FaultPlan::Nth { n: 1, fault });
        send(&cloud, "jobs", "m");
        mappings.quiesce().await;
        let events = script.events();
        assert_eq!(events.len(), invocations, "{fault:?}");
        if let Some(event) = events.last() {
            let attributes = &event["Records"][0]["attributes"];
            assert_eq!(attributes["ApproximateReceiveCount"], receives, "{fault:?}");
        }
        assert_eq!(cloud.queues().depth("jobs").unwrap().in_flight, left, "{fault:?}");
        assert_eq!(cloud.faults().fired_deliveries().len(), 1);
    }
}

/// Lambda Developer Guide, "Using Lambda with Amazon SQS": a poll whose invocation is throttled has
/// raised the receive count, and enough of them reach `maxReceiveCount` without a single attempt.
#[tokio::test(start_paused = true)]
async fn throttled_polls_raise_the_receive_count_up_to_the_dead_letter_queue() {
    for (lost, attempts, dead) in [(3, vec!["4"], 0), (4, vec![], 1)] {
        let script = Script::ok();
        let (cloud, mappings) = mapped_queue("jobs", script.clone(), 2);
        cloud.queues().ensure("dead", []).unwrap();
        let arn = crate::aws::sqs::queue_arn("dead");
        let policy = serde_json::json!({ "deadLetterTargetArn": arn, "maxReceiveCount": 4 });
        cloud.queues().ensure("jobs", [("RedrivePolicy", policy.to_string())]).unwrap();
        let throttled = (1..=lost).map(|n| (n, DeliveryFault::Lost)).collect();
        cloud.faults().inject_delivery(FaultPlan::At(throttled));
        send(&cloud, "jobs", "m");
        for _ in 0..=lost {
            mappings.quiesce().await;
            cloud.clock().advance(30_000);
        }
        mappings.quiesce().await;
        let events = script.events();
        let counts = events.iter().map(|event| &event["Records"][0]["attributes"]);
        let counts: Vec<_> = counts.map(|a| a["ApproximateReceiveCount"].clone()).collect();
        assert_eq!(counts, attempts, "{lost}");
        assert_eq!(cloud.queues().depth("dead").unwrap().waiting, dead, "{lost}");
    }
}

/// SQS Developer Guide, "Amazon SQS standard queues": best-effort ordering.
#[tokio::test(start_paused = true)]
async fn a_reordered_message_comes_behind_its_successors_and_was_not_received_before() {
    let script = Script::ok();
    let (cloud, mappings) = mapped_queue("jobs", script.clone(), 2);
    cloud.faults().inject_delivery(FaultPlan::At(vec![(1, DeliveryFault::Reordered)]));
    for body in ["first", "second"] {
        send(&cloud, "jobs", body);
    }
    mappings.quiesce().await;
    assert_eq!(script.batches(), [["second"]]);
    send(&cloud, "jobs", "third");
    mappings.quiesce().await;
    assert_eq!(cloud.queues().depth("jobs").unwrap().delayed, 1);
    cloud.clock().advance(1_000);
    mappings.quiesce().await;
    assert_eq!(script.batches(), [["second"], ["third"], ["first"]]);
    let attributes = &script.events()[2]["Records"][0]["attributes"];
    assert_eq!(attributes["ApproximateReceiveCount"], "1");
    let first_received = attributes["ApproximateFirstReceiveTimestamp"].as_str().unwrap();
    assert_eq!(first_received, cloud.clock().now_ms().to_string());
}

#[tokio::test(start_paused = true)]
async fn a_fifo_queue_is_not_reordered() {
    let script = Script::ok();
    let (cloud, mappings) = mapped_queue("jobs.fifo", script.clone(), 2);
    cloud.faults().inject_delivery(FaultPlan::At(vec![(1, DeliveryFault::Reordered)]));
    for body in ["a1", "a2"] {
        send(&cloud, "jobs.fifo", body);
    }
    mappings.quiesce().await;
    assert_eq!(script.batches(), [["a1", "a2"]]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_record_comes_twice_late_or_never_as_its_fault_says() {
    for (fault, times, late_ms, given_up) in [
        (DeliveryFault::Twice, 2, 0, 0),
        (DeliveryFault::Late(500), 1, 500, 0),
        (DeliveryFault::Lost, 0, 0, 1),
        (DeliveryFault::EarlyVisibility, 1, 0, 0),
        (DeliveryFault::Reordered, 1, 0, 0),
    ] {
        let cloud = testing::cloud();
        let client = outbox(&cloud);
        let script = Script::ok();
        let mappings = Mappings::new(&cloud, script.clone());
        mappings.map_stream(outbox_mapping()).unwrap();
        cloud.faults().inject_delivery(FaultPlan::Nth { n: 1, fault });
        let before_ms = cloud.clock().now_ms();
        put(&client, "T#a", "1", "pending").await;
        mappings.quiesce().await;
        assert_eq!(script.batches(), vec![["1"]; times], "{fault:?}");
        assert_eq!(cloud.clock().now_ms() - before_ms, late_ms, "{fault:?}");
        let discarded = mappings.discarded();
        assert_eq!(discarded.len(), given_up, "{fault:?}");
        assert!(discarded.iter().all(|record| record.reason == "injected"));
        put(&client, "T#a", "2", "pending").await;
        mappings.quiesce().await;
        assert_eq!(script.batches().last().unwrap(), &["2"], "{fault:?}: no shard is blocked");
    }
}
