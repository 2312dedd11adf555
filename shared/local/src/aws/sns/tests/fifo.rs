use super::*;
use crate::testing;

/// SNS Developer Guide, "Message delivery details for FIFO topics" and, for standard topics, SQS
/// Developer Guide, "Amazon SQS fair queues": a standard topic hands the group on to standard
/// queues; a FIFO topic hands group and deduplication id on to FIFO queues only.
#[tokio::test]
async fn the_group_goes_along_from_standard_to_standard_and_from_fifo_to_fifo_only() {
    let cloud = testing::cloud();
    let client = testing::sns(&cloud);
    let standard = topic(&client, "events", &[]).await;
    let fifo = topic(&client, "events.fifo", &[]).await;
    queue(&cloud, "plain");
    queue(&cloud, "mixed");
    queue(&cloud, "ordered.fifo");
    subscribe(&client, &standard, "plain", &[]).await;
    subscribe(&client, &fifo, "ordered.fifo", &[]).await;
    subscribe(&client, &fifo, "mixed", &[]).await;
    let plain = client.publish().topic_arn(&standard).message("m").message_group_id("acme");
    plain.send().await.unwrap();
    assert_eq!(messages(&cloud, "plain")[0].group.as_deref(), Some("acme"));
    let ordered = client.publish().topic_arn(&fifo).message("m").message_group_id("agg");
    ordered.message_deduplication_id("e1").send().await.unwrap();
    let got = messages(&cloud, "ordered.fifo").remove(0);
    assert_eq!((got.group.as_deref(), got.deduplication.as_deref()), (Some("agg"), Some("e1")));
    let mixed = messages(&cloud, "mixed").remove(0);
    assert_eq!((mixed.group, mixed.deduplication), (None, None));
}

/// SNS API reference, Subscribe: a FIFO queue cannot subscribe to a standard topic.
#[tokio::test]
async fn a_fifo_queue_cannot_subscribe_to_a_standard_topic() {
    let cloud = testing::cloud();
    let client = testing::sns(&cloud);
    let standard = topic(&client, "events", &[]).await;
    queue(&cloud, "ordered.fifo");
    let wrong = client.subscribe().topic_arn(&standard).protocol("sqs");
    let wrong = wrong.endpoint(queue_arn("ordered.fifo")).send().await;
    assert_eq!(wrong.unwrap_err().code(), Some("InvalidParameter"));
}

/// SNS Developer Guide, "Message deduplication for FIFO topics": five minutes; a repeat is
/// accepted, answered with the first message's id, and delivered to nobody.
#[tokio::test(start_paused = true)]
async fn a_repeated_deduplication_id_is_accepted_but_not_delivered_for_five_minutes() {
    let cloud = testing::cloud();
    let client = testing::sns(&cloud);
    let arn = topic(&client, "events.fifo", &[]).await;
    // A standard queue does not deduplicate, so what we see is the topic's work.
    queue(&cloud, "mixed");
    subscribe(&client, &arn, "mixed", &[]).await;
    let publish = |group: &str, id: &str| {
        let request = client.publish().topic_arn(&arn).message("m").message_group_id(group);
        request.message_deduplication_id(id).send()
    };
    let first = publish("a", "e1").await.unwrap();
    let second = publish("a", "e2").await.unwrap();
    assert_eq!(first.sequence_number().unwrap().len(), 20);
    assert!(first.sequence_number() < second.sequence_number());
    cloud.clock().advance(299_999);
    for group in ["a", "b"] {
        let again = publish(group, "e1").await.unwrap();
        assert_eq!(again.message_id(), first.message_id(), "the scope is the topic");
        assert_eq!(again.sequence_number(), first.sequence_number());
    }
    assert_eq!(messages(&cloud, "mixed").len(), 2);
    cloud.clock().advance(1);
    assert_ne!(publish("a", "e1").await.unwrap().message_id(), first.message_id());
    assert_eq!(messages(&cloud, "mixed").len(), 3);
}

/// SNS API reference, CreateTopic, `FifoThroughputScope`: `Topic` (default) or `MessageGroup`.
#[tokio::test(start_paused = true)]
async fn deduplication_within_the_group_leaves_other_groups_alone() {
    let cloud = testing::cloud();
    let client = testing::sns(&cloud);
    let arn = topic(&client, "events.fifo", &[("FifoThroughputScope", "MessageGroup")]).await;
    queue(&cloud, "mixed");
    subscribe(&client, &arn, "mixed", &[]).await;
    for group in ["a", "b", "a"] {
        let request = client.publish().topic_arn(&arn).message(group).message_group_id(group);
        request.message_deduplication_id("e1").send().await.unwrap();
    }
    assert_eq!(bodies(&cloud, "mixed"), ["a", "b"]);
}

/// SNS API reference, Publish, `MessageGroupId` and `MessageDeduplicationId`: a FIFO topic needs
/// the group, and the id unless it deduplicates by content (a SHA-256 of the message).
#[tokio::test(start_paused = true)]
async fn ids_are_required_where_the_kind_of_topic_needs_them() {
    let cloud = testing::cloud();
    let client = testing::sns(&cloud);
    let standard = topic(&client, "events", &[]).await;
    let fifo = topic(&client, "events.fifo", &[]).await;
    let publish = |arn: &str| client.publish().topic_arn(arn).message("x");
    for refused in [
        publish(&fifo).message_group_id("g"),
        publish(&fifo).message_deduplication_id("d"),
        publish(&fifo).message_group_id("g").message_deduplication_id("d".repeat(129)),
        publish(&standard).message_deduplication_id("d"),
    ] {
        assert_eq!(refused.send().await.unwrap_err().code(), Some("InvalidParameter"));
    }
    let content = [("ContentBasedDeduplication", "true")];
    let by_content = topic(&client, "content.fifo", &content).await;
    queue(&cloud, "ordered.fifo");
    subscribe(&client, &by_content, "ordered.fifo", &[]).await;
    let first = publish(&by_content).message_group_id("g").send().await.unwrap();
    let again = publish(&by_content).message_group_id("g").send().await.unwrap();
    assert_eq!(again.message_id(), first.message_id());
    let got = messages(&cloud, "ordered.fifo");
    // sha256("x")
    let hash = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    assert_eq!((got.len(), got[0].deduplication.as_deref()), (1, Some(hash)));
}

/// SNS Developer Guide, "Message ordering details for FIFO topics": the order of a group on the
/// topic is its order in the queue.
#[tokio::test(start_paused = true)]
async fn a_group_arrives_in_the_order_it_was_published() {
    let cloud = testing::cloud();
    let client = testing::sns(&cloud);
    let arn = topic(&client, "events.fifo", &[]).await;
    queue(&cloud, "ordered.fifo");
    subscribe(&client, &arn, "ordered.fifo", &[]).await;
    for body in ["a1", "b1", "a2", "a3", "b2"] {
        let request = client.publish().topic_arn(&arn).message(body).message_group_id(&body[..1]);
        request.message_deduplication_id(body).send().await.unwrap();
    }
    let received = cloud.queues().receive("ordered.fifo", 10, None).unwrap();
    let received: Vec<_> = received.iter().map(|got| got.message.body.as_str()).collect();
    assert_eq!(received, ["a1", "a2", "a3", "b1", "b2"]);
}
