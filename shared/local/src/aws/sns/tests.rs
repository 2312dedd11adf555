use std::collections::HashMap;

use aws_sdk_sns::Client;
use aws_sdk_sns::error::ProvideErrorMetadata;
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};

use crate::aws::sqs::{Message, queue_arn};
use crate::clock::VirtualClock;
use crate::connector::Invocation;
use crate::fault::{Fault, FaultPlan};
use crate::testing::{self, Folder, NOON_MS};
use crate::{Cloud, Storage};

fn text(value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder().data_type("String").string_value(value).build().unwrap()
}

fn fifo_queue(cloud: &Cloud, name: &str) {
    cloud.queues().ensure(name, [("FifoQueue", "true".to_owned())]).unwrap();
}

async fn topic(client: &Client, name: &str) -> String {
    let request = client.create_topic().name(name);
    let request = match name.ends_with(".fifo") {
        true => request.attributes("FifoTopic", "true"),
        false => request,
    };
    request.send().await.unwrap().topic_arn.unwrap()
}

async fn subscribe(client: &Client, topic: &str, queue: &str, more: &[(&str, &str)]) -> String {
    let mut attributes = HashMap::from([("RawMessageDelivery".to_owned(), "true".to_owned())]);
    attributes.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let request = client.subscribe().topic_arn(topic).protocol("sqs").endpoint(queue_arn(queue));
    let answer = request.set_attributes(Some(attributes)).send().await.unwrap();
    answer.subscription_arn.unwrap()
}

fn messages(cloud: &Cloud, queue: &str) -> Vec<Message> {
    cloud.queues().peek(queue, 100).unwrap()
}

fn bodies(cloud: &Cloud, queue: &str) -> Vec<String> {
    messages(cloud, queue).into_iter().map(|message| message.body).collect()
}

/// Developer Guide, "Raw message delivery" and "HTTP/HTTPS notification JSON format".
#[tokio::test(start_paused = true)]
async fn a_raw_subscription_gets_body_and_attributes_and_another_the_envelope() {
    let cloud = testing::cloud();
    let client = testing::sns(&cloud);
    let arn = topic(&client, "events").await;
    cloud.queues().ensure("raw", []).unwrap();
    cloud.queues().ensure("wrapped", []).unwrap();
    subscribe(&client, &arn, "raw", &[]).await;
    subscribe(&client, &arn, "wrapped", &[("RawMessageDelivery", "false")]).await;
    let sent = client.publish().topic_arn(&arn).message("{\"a\":\"<&é>\"}");
    let sent = sent.message_attributes("type", text("user.created")).send().await.unwrap();
    let raw = messages(&cloud, "raw").remove(0);
    assert_eq!(raw.body, "{\"a\":\"<&é>\"}");
    assert_eq!(raw.attributes["type"].string_value.as_deref(), Some("user.created"));
    let wrapped = messages(&cloud, "wrapped").remove(0);
    assert!(wrapped.attributes.is_empty());
    let envelope: serde_json::Value = serde_json::from_str(&wrapped.body).unwrap();
    assert_eq!(envelope["MessageId"], sent.message_id().unwrap());
    assert_eq!(envelope["Message"], "{\"a\":\"<&é>\"}");
    assert_eq!(envelope["Timestamp"], "2030-06-01T12:00:00.000Z");
    assert_eq!(envelope["MessageAttributes"]["type"]["Value"], "user.created");
}

/// Developer Guide, "Amazon SNS subscription filter policies"; API reference,
/// SetSubscriptionAttributes.
#[tokio::test]
async fn a_subscription_gets_only_what_its_filter_accepts() {
    let cloud = testing::cloud();
    let client = testing::sns(&cloud);
    let arn = topic(&client, "events").await;
    cloud.queues().ensure("users", []).unwrap();
    let policy = r#"{"type":["user.created","user.deleted"]}"#;
    let subscription = subscribe(&client, &arn, "users", &[("FilterPolicy", policy)]).await;
    let publish = |kind: &'static str| {
        let request = client.publish().topic_arn(&arn).message(kind);
        request.message_attributes("type", text(kind)).send()
    };
    publish("user.created").await.unwrap();
    publish("payment.created").await.unwrap();
    assert_eq!(bodies(&cloud, "users"), ["user.created"]);
    let set = client.set_subscription_attributes().subscription_arn(&subscription);
    let set = set.attribute_name("FilterPolicy").attribute_value(r#"{"type":["payment.created"]}"#);
    set.send().await.unwrap();
    publish("user.deleted").await.unwrap();
    publish("payment.created").await.unwrap();
    assert_eq!(bodies(&cloud, "users"), ["user.created", "payment.created"]);
    let listed = client.list_subscriptions_by_topic().topic_arn(&arn).send().await.unwrap();
    assert_eq!(listed.subscriptions()[0].subscription_arn(), Some(subscription.as_str()));
    client.unsubscribe().subscription_arn(&subscription).send().await.unwrap();
    publish("payment.created").await.unwrap();
    assert_eq!(bodies(&cloud, "users").len(), 2);
    let bad = client.subscribe().topic_arn(&arn).protocol("sqs").endpoint(queue_arn("users"));
    let bad = bad.attributes("FilterPolicy", "{\"a\":\"b\"}").send().await;
    assert!(bad.unwrap_err().into_service_error().is_invalid_parameter_exception());
}

/// Developer Guide, "Message delivery details for FIFO topics" and "Message deduplication for FIFO
/// topics"; "Amazon SQS fair queues" for the group on standard topics.
#[tokio::test(start_paused = true)]
async fn groups_go_along_as_the_kinds_of_topic_and_queue_allow() {
    let cloud = testing::cloud();
    let client = testing::sns(&cloud);
    let standard = topic(&client, "events").await;
    let fifo = topic(&client, "events.fifo").await;
    cloud.queues().ensure("plain", []).unwrap();
    cloud.queues().ensure("mixed", []).unwrap();
    fifo_queue(&cloud, "ordered.fifo");
    subscribe(&client, &standard, "plain", &[]).await;
    subscribe(&client, &fifo, "ordered.fifo", &[]).await;
    subscribe(&client, &fifo, "mixed", &[]).await;
    client
        .publish()
        .topic_arn(&standard)
        .message("m")
        .message_group_id("acme")
        .send()
        .await
        .unwrap();
    assert_eq!(messages(&cloud, "plain")[0].group.as_deref(), Some("acme"));
    let ordered = client.publish().topic_arn(&fifo).message("m").message_group_id("agg");
    let first = ordered.clone().message_deduplication_id("e1").send().await.unwrap();
    assert_eq!(first.sequence_number().unwrap().len(), 20);
    let got = messages(&cloud, "ordered.fifo").remove(0);
    assert_eq!((got.group.as_deref(), got.deduplication.as_deref()), (Some("agg"), Some("e1")));
    assert_eq!(messages(&cloud, "mixed")[0].group, None);
    let again = ordered.clone().message_deduplication_id("e1").send().await.unwrap();
    assert_eq!(again.message_id(), first.message_id());
    cloud.clock().advance(300_000);
    ordered.clone().message_deduplication_id("e1").send().await.unwrap();
    assert_eq!(messages(&cloud, "ordered.fifo").len(), 2);
    for refused in [
        ordered.send().await,
        client.publish().topic_arn(&fifo).message("m").message_deduplication_id("x").send().await,
        client
            .publish()
            .topic_arn(&standard)
            .message("m")
            .message_deduplication_id("x")
            .send()
            .await,
    ] {
        assert_eq!(refused.unwrap_err().code(), Some("InvalidParameter"));
    }
    let wrong = client.subscribe().topic_arn(&standard).protocol("sqs");
    let wrong = wrong.endpoint(queue_arn("ordered.fifo")).send().await;
    assert_eq!(wrong.unwrap_err().code(), Some("InvalidParameter"));
}

/// API reference, PublishBatch: ten entries, 262,144 bytes together, each entry on its own.
#[tokio::test]
async fn a_batch_answers_each_entry_within_ten_entries_and_256_kib() {
    let cloud = testing::cloud();
    let client = testing::sns(&cloud);
    let arn = topic(&client, "events.fifo").await;
    fifo_queue(&cloud, "ordered.fifo");
    subscribe(&client, &arn, "ordered.fifo", &[]).await;
    let entry = |id: &str, message: &str| {
        let entry = PublishBatchRequestEntry::builder().id(id).message(message);
        entry.message_group_id("g").message_deduplication_id(id)
    };
    let send = |entries: Vec<PublishBatchRequestEntry>| {
        let request = client.publish_batch().topic_arn(&arn);
        request.set_publish_batch_request_entries(Some(entries)).send()
    };
    let good = entry("a", "m").message_attributes("type", text("x")).build().unwrap();
    let bad = PublishBatchRequestEntry::builder().id("b").message("no group").build().unwrap();
    let answer = send(vec![good, bad]).await.unwrap();
    assert_eq!(answer.successful()[0].id(), Some("a"));
    assert!(answer.successful()[0].message_id().is_some());
    assert_eq!((answer.failed()[0].id(), answer.failed()[0].code()), ("b", "InvalidParameter"));
    assert_eq!(messages(&cloud, "ordered.fifo")[0].attributes.len(), 1);
    let half = "x".repeat(131_072);
    let fits = vec![entry("c", &half).build().unwrap(), entry("d", &half).build().unwrap()];
    assert_eq!(send(fits).await.unwrap().successful().len(), 2);
    let over = "x".repeat(131_073);
    for (entries, refusal) in [
        (vec![], "EmptyBatchRequest"),
        (
            (0..11).map(|n| entry(&n.to_string(), "m").build().unwrap()).collect(),
            "TooManyEntriesInBatchRequest",
        ),
        (
            vec![entry("a", "m").build().unwrap(), entry("a", "n").build().unwrap()],
            "BatchEntryIdsNotDistinct",
        ),
        (
            vec![entry("e", &half).build().unwrap(), entry("f", &over).build().unwrap()],
            "BatchRequestTooLong",
        ),
    ] {
        assert_eq!(send(entries).await.unwrap_err().code(), Some(refusal));
    }
    let unknown = client.publish().topic_arn(super::topic_arn("none")).message("m").send().await;
    assert!(unknown.unwrap_err().into_service_error().is_not_found_exception());
}

/// Developer Guide, "Amazon SNS dead-letter queues".
#[tokio::test]
async fn an_undeliverable_message_goes_to_the_subscriptions_dead_letter_queue() {
    let cloud = testing::cloud();
    let (sns, sqs) = (testing::sns(&cloud), testing::sqs(&cloud));
    let arn = topic(&sns, "events").await;
    cloud.queues().ensure("gone", []).unwrap();
    cloud.queues().ensure("dead", []).unwrap();
    let policy = format!(r#"{{"deadLetterTargetArn":"{}"}}"#, queue_arn("dead"));
    subscribe(&sns, &arn, "gone", &[("RedrivePolicy", &policy)]).await;
    sqs.delete_queue().queue_url("gone").send().await.unwrap();
    sns.publish().topic_arn(&arn).message("m").send().await.unwrap();
    assert_eq!(bodies(&cloud, "dead"), ["m"]);
}

#[tokio::test]
async fn an_injected_duplicate_is_delivered_twice_on_standard_and_once_on_fifo() {
    let cloud = testing::cloud();
    let client = testing::sns(&cloud);
    let (standard, fifo) = (topic(&client, "events").await, topic(&client, "events.fifo").await);
    cloud.queues().ensure("plain", []).unwrap();
    fifo_queue(&cloud, "ordered.fifo");
    subscribe(&client, &standard, "plain", &[]).await;
    subscribe(&client, &fifo, "ordered.fifo", &[]).await;
    for n in [1, 2] {
        cloud.faults().inject(FaultPlan::Nth { n, fault: Fault::Duplicate });
    }
    let invocation = Invocation::new("platform.relay", "r");
    invocation
        .run(async {
            client.publish().topic_arn(&standard).message("m").send().await.unwrap();
            let ordered = client.publish().topic_arn(&fifo).message("m").message_group_id("g");
            ordered.message_deduplication_id("d").send().await.unwrap();
        })
        .await
        .unwrap();
    let twice = messages(&cloud, "plain");
    assert_eq!((twice.len(), twice[0].id == twice[1].id), (2, true));
    assert_eq!(messages(&cloud, "ordered.fifo").len(), 1);
}

#[tokio::test]
async fn a_reopened_folder_has_topics_subscriptions_and_filters() {
    let folder = Folder::new("topics");
    let open = || {
        let clock = VirtualClock::starting_at(NOON_MS);
        Cloud::open(Storage::Folder(folder.0.clone()), clock).unwrap()
    };
    let cloud = open();
    let client = testing::sns(&cloud);
    let arn = topic(&client, "events").await;
    cloud.queues().ensure("users", []).unwrap();
    subscribe(&client, &arn, "users", &[("FilterPolicy", r#"{"type":["a"]}"#)]).await;
    drop((client, cloud));
    let cloud = open();
    let client = testing::sns(&cloud);
    for kind in ["a", "b"] {
        let publish = client.publish().topic_arn(&arn).message(kind);
        publish.message_attributes("type", text(kind)).send().await.unwrap();
    }
    assert_eq!(bodies(&cloud, "users"), ["a"]);
}
