use super::*;
use crate::testing::{self, NOON_MS};

/// SQS Developer Guide, "Amazon SQS delay queues" and "Amazon SQS message timers": a timer of the
/// message overrides the queue's delay; fifteen minutes at most.
#[tokio::test(start_paused = true)]
async fn a_delayed_message_appears_when_due_its_own_delay_before_the_queues() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[(Name::DelaySeconds, "5")]).await;
    send(&client, &url, "default").await;
    let send_after = |body: &str, seconds| {
        let request = client.send_message().queue_url(&url).message_body(body);
        request.delay_seconds(seconds).send()
    };
    send_after("own", 900).await.unwrap();
    send_after("at once", 0).await.unwrap();
    assert_eq!(bodies(&receive(&client, &url).await), ["at once"]);
    cloud.clock().advance(4_999);
    assert_eq!(receive(&client, &url).await.len(), 0);
    cloud.clock().advance(1);
    assert_eq!(bodies(&receive(&client, &url).await), ["default"]);
    cloud.clock().advance(895_000 - 1);
    assert!(!bodies(&receive(&client, &url).await).contains(&"own"));
    cloud.clock().advance(1);
    assert!(bodies(&receive(&client, &url).await).contains(&"own"));
    for seconds in [-1, 901] {
        assert_eq!(code(send_after("x", seconds).await), "InvalidParameterValue", "{seconds}");
    }
}

/// SQS API reference, SetQueueAttributes, `DelaySeconds`: on standard queues a changed delay does
/// not touch the messages that are there already ("Amazon SQS delay queues").
#[tokio::test(start_paused = true)]
async fn a_changed_delay_of_the_queue_leaves_messages_sent_before_alone() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[(Name::DelaySeconds, "5")]).await;
    send(&client, &url, "before").await;
    let set = client.set_queue_attributes().queue_url(&url).attributes(Name::DelaySeconds, "60");
    set.send().await.unwrap();
    send(&client, &url, "after").await;
    cloud.clock().advance(5_000);
    assert_eq!(bodies(&receive(&client, &url).await), ["before"]);
}

/// SQS API reference, SendMessage, `DelaySeconds`: "When you set `FifoQueue`, you can't set
/// `DelaySeconds` per message"; the queue's own delay works.
#[tokio::test(start_paused = true)]
async fn a_fifo_queue_refuses_a_delay_per_message_and_keeps_its_own() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = fifo_queue(&client, "jobs.fifo", &[(Name::DelaySeconds, "5")]).await;
    let own = client.send_message().queue_url(&url).message_body("x").delay_seconds(1);
    let own = own.message_group_id("g").message_deduplication_id("d");
    assert_eq!(code(own.send().await), "InvalidParameterValue");
    send_fifo(&client, &url, "g", "one").await;
    assert_eq!(receive(&client, &url).await.len(), 0);
    cloud.clock().advance(5_000);
    assert_eq!(bodies(&receive(&client, &url).await), ["one"]);
}

/// SQS API reference, CreateQueue, `MessageRetentionPeriod`: 60 seconds to 14 days, 4 days by
/// default; receiving does not prolong it.
#[tokio::test(start_paused = true)]
async fn a_message_is_gone_after_the_retention_counted_from_its_sending() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let day_ms = 24 * 3_600_000;
    for (name, retention, kept_ms) in [
        ("short", Some("60"), 60_000),
        ("default", None, 4 * day_ms),
        ("long", Some("1209600"), 14 * day_ms),
    ] {
        let given: Vec<_> =
            retention.map(|value| (Name::MessageRetentionPeriod, value)).into_iter().collect();
        let url = queue(&client, name, &given).await;
        send(&client, &url, "old").await;
        cloud.clock().advance(kept_ms - 1);
        assert_eq!(receive(&client, &url).await.len(), 1, "{name}");
        cloud.clock().advance(1);
        assert_eq!(cloud.queues().depth(name).unwrap(), super::super::Depth::default(), "{name}");
        cloud.clock().advance(30_000);
        assert_eq!(receive(&client, &url).await.len(), 0, "{name}");
    }
}

/// SQS API reference, ReceiveMessage, `WaitTimeSeconds`: returns as soon as a message is there.
#[tokio::test(start_paused = true)]
async fn a_long_poll_ends_with_the_first_message_or_empty_at_its_deadline() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    let poll = |seconds| client.receive_message().queue_url(&url).wait_time_seconds(seconds).send();
    let waiting = tokio::spawn(poll(20));
    tokio::task::yield_now().await;
    send(&client, &url, "now").await;
    assert_eq!(bodies(waiting.await.unwrap().unwrap().messages()), ["now"]);
    assert_eq!(cloud.clock().now_ms(), NOON_MS);
    assert!(poll(20).await.unwrap().messages().is_empty());
    assert_eq!(cloud.clock().now_ms(), NOON_MS + 20_000);
    for seconds in [-1, 21] {
        assert_eq!(code(poll(seconds).await), "InvalidParameterValue", "{seconds}");
    }
}
