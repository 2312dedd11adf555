use aws_sdk_sns::primitives::Blob;

use super::*;
use crate::connector::Invocation;
use crate::fault::{Fault, FaultPlan};
use crate::testing;

/// SNS Developer Guide, "Amazon SNS raw message delivery" and "HTTP/HTTPS notification JSON
/// format".
#[tokio::test(start_paused = true)]
async fn a_raw_subscription_gets_body_and_attributes_and_another_the_envelope() {
    let cloud = testing::cloud();
    let client = testing::sns(&cloud);
    let arn = topic(&client, "events", &[]).await;
    queue(&cloud, "raw");
    queue(&cloud, "wrapped");
    subscribe(&client, &arn, "raw", &[]).await;
    subscribe(&client, &arn, "wrapped", &[("RawMessageDelivery", "false")]).await;
    let binary = MessageAttributeValue::builder().data_type("Binary");
    let binary = binary.binary_value(Blob::new([0, 255])).build().unwrap();
    let sent = client.publish().topic_arn(&arn).message("{\"a\":\"<&é>\"}").subject("s");
    let sent = sent.message_attributes("type", text("user.created"));
    let sent = sent.message_attributes("count", value("Number", "7"));
    let sent = sent.message_attributes("bytes", binary).send().await.unwrap();
    let raw = messages(&cloud, "raw").remove(0);
    assert_eq!(raw.body, "{\"a\":\"<&é>\"}");
    assert_eq!(raw.attributes["type"].string_value.as_deref(), Some("user.created"));
    assert_eq!(raw.attributes["count"].data_type, "Number");
    assert_eq!(raw.attributes["bytes"].binary_value.as_deref(), Some("AP8="));
    let wrapped = messages(&cloud, "wrapped").remove(0);
    assert!(wrapped.attributes.is_empty());
    let envelope: serde_json::Value = serde_json::from_str(&wrapped.body).unwrap();
    assert_eq!(envelope["Type"], "Notification");
    assert_eq!(envelope["MessageId"], sent.message_id().unwrap());
    assert_eq!(envelope["TopicArn"], arn);
    assert_eq!(envelope["Subject"], "s");
    assert_eq!(envelope["Message"], "{\"a\":\"<&é>\"}");
    assert_eq!(envelope["Timestamp"], "2030-06-01T12:00:00.000Z");
    assert_eq!(envelope["MessageAttributes"]["type"]["Value"], "user.created");
}

/// SNS Developer Guide, "Amazon SNS message attributes", "Message attributes and raw message
/// delivery": raw messages have at most ten attributes; one with more is discarded as a client-side
/// error. Other subscriptions get it.
#[tokio::test]
async fn a_raw_message_with_eleven_attributes_is_discarded_and_a_wrapped_one_is_not() {
    let cloud = testing::cloud();
    let client = testing::sns(&cloud);
    let arn = topic(&client, "events", &[]).await;
    queue(&cloud, "raw");
    queue(&cloud, "wrapped");
    subscribe(&client, &arn, "raw", &[]).await;
    subscribe(&client, &arn, "wrapped", &[("RawMessageDelivery", "false")]).await;
    let publish = |count: usize| {
        let attributes = (0..count).map(|number| (format!("a{number}"), text("v"))).collect();
        let request = client.publish().topic_arn(&arn).message(count.to_string());
        request.set_message_attributes(Some(attributes)).send()
    };
    publish(11).await.unwrap();
    publish(10).await.unwrap();
    assert_eq!(bodies(&cloud, "raw"), ["10"]);
    assert_eq!(messages(&cloud, "wrapped").len(), 2);
}

/// SNS Developer Guide, "Amazon SNS message delivery retries" and "Amazon SNS dead-letter queues":
/// client-side errors (the queue is gone, the message is refused) are not retried; the dead-letter
/// queue of the subscription gets the message, or nobody does. The publisher is told nothing.
#[tokio::test]
async fn an_undeliverable_message_goes_to_the_subscriptions_dead_letter_queue() {
    let cloud = testing::cloud();
    let (sns, sqs) = (testing::sns(&cloud), testing::sqs(&cloud));
    for (name, dead, gone) in
        [("events", "dead", "gone"), ("events.fifo", "dead.fifo", "gone.fifo")]
    {
        let arn = topic(&sns, name, &[("MaximumMessageSize", "1024")]).await;
        queue(&cloud, gone);
        queue(&cloud, dead);
        let policy = format!(r#"{{"deadLetterTargetArn":"{}"}}"#, queue_arn(dead));
        subscribe(&sns, &arn, gone, &[("RedrivePolicy", &policy)]).await;
        sqs.delete_queue().queue_url(gone).send().await.unwrap();
        let publish = sns.publish().topic_arn(&arn).message("m");
        let publish = publish.message_attributes("type", text("a")).message_group_id("g");
        let fifo = name.ends_with(".fifo").then(|| "d".to_owned());
        publish.set_message_deduplication_id(fifo).send().await.unwrap();
        let dead = messages(&cloud, dead).remove(0);
        assert_eq!((dead.body.as_str(), dead.group.as_deref()), ("m", Some("g")), "{name}");
        assert_eq!(dead.attributes["type"].string_value.as_deref(), Some("a"), "{name}");
    }
    let bad = sns.subscribe().topic_arn(super::super::topic_arn("events")).protocol("sqs");
    let bad = bad.endpoint(queue_arn("dead")).attributes("RedrivePolicy", "{}").send().await;
    assert_eq!(bad.unwrap_err().code(), Some("InvalidParameter"));
}

/// SNS API reference, Publish, `Message`: 1 byte to 256 KiB with the attributes, or what the
/// topic's `MaximumMessageSize` says; "Errors".
#[tokio::test]
async fn a_message_has_a_body_and_ends_at_the_topics_size() {
    let cloud = testing::cloud();
    let client = testing::sns(&cloud);
    let arn = topic(&client, "events", &[]).await;
    let large = topic(&client, "large", &[("MaximumMessageSize", "1048576")]).await;
    let publish =
        |arn: &str, bytes: usize| client.publish().topic_arn(arn).message("x".repeat(bytes));
    publish(&arn, 262_144).send().await.unwrap();
    publish(&large, 1_048_576).send().await.unwrap();
    // name 4 + type 6 + value 5
    let with = |bytes| publish(&arn, bytes).message_attributes("name", text("value"));
    with(262_129).send().await.unwrap();
    for (request, refusal) in [
        (publish(&arn, 262_145), "InvalidParameter"),
        (publish(&large, 1_048_577), "InvalidParameter"),
        (publish(&arn, 0), "InvalidParameter"),
        (with(262_130), "InvalidParameter"),
        (publish(&arn, 1).message_attributes("n", text("")), "ParameterValueInvalid"),
        (publish(&arn, 1).message_attributes("n", value("Number", "x")), "ParameterValueInvalid"),
        (publish(&arn, 1).message_attributes("a b", text("v")), "ParameterValueInvalid"),
        (publish(&arn, 1).message_group_id("a b"), "InvalidParameter"),
        (publish(&super::super::topic_arn("none"), 1), "NotFound"),
    ] {
        assert_eq!(request.send().await.unwrap_err().code(), Some(refusal));
    }
}

#[tokio::test]
async fn an_injected_duplicate_is_delivered_twice_on_standard_and_once_on_fifo() {
    let cloud = testing::cloud();
    let client = testing::sns(&cloud);
    let standard = topic(&client, "events", &[]).await;
    let fifo = topic(&client, "events.fifo", &[]).await;
    queue(&cloud, "plain");
    queue(&cloud, "ordered.fifo");
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
