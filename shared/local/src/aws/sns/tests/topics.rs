use super::*;
use crate::testing;

/// SNS API reference, CreateTopic, `Name` and `Attributes`: idempotent; FIFO names end in `.fifo`;
/// ListTopics, GetTopicAttributes, DeleteTopic.
#[tokio::test]
async fn topics_are_made_once_listed_and_gone_when_deleted() {
    let cloud = testing::cloud();
    let client = testing::sns(&cloud);
    let arn = topic(&client, "events.fifo", &[("FifoThroughputScope", "MessageGroup")]).await;
    assert_eq!(topic(&client, "events.fifo", &[]).await, arn);
    let listed = client.list_topics().send().await.unwrap();
    assert_eq!(listed.topics()[0].topic_arn(), Some(arn.as_str()));
    let get = || client.get_topic_attributes().topic_arn(&arn).send();
    let attributes = get().await.unwrap().attributes.unwrap();
    assert_eq!(attributes["FifoThroughputScope"], "MessageGroup");
    client.delete_topic().topic_arn(&arn).send().await.unwrap();
    client.delete_topic().topic_arn(&arn).send().await.unwrap();
    assert!(get().await.unwrap_err().into_service_error().is_not_found_exception());
    for (name, attribute, value) in [
        ("a.fifo", "DisplayName", "a"),
        ("a", "FifoTopic", "true"),
        ("a b", "DisplayName", "a"),
        ("a", "FifoThroughputScope", "Topic"),
        ("a", "ContentBasedDeduplication", "true"),
        ("a", "MaximumMessageSize", "1023"),
        ("a", "MaximumMessageSize", "1048577"),
    ] {
        let request = client.create_topic().name(name).attributes(attribute, value).send().await;
        assert_eq!(request.unwrap_err().code(), Some("InvalidParameter"), "{name} {attribute}");
    }
    let scope = client.create_topic().name("a.fifo").attributes("FifoTopic", "true");
    let scope = scope.attributes("FifoThroughputScope", "Group").send().await;
    assert_eq!(scope.unwrap_err().code(), Some("InvalidParameter"));
}

/// SNS API reference, Subscribe, Unsubscribe, ListSubscriptionsByTopic, GetSubscriptionAttributes,
/// SetSubscriptionAttributes.
#[tokio::test]
async fn a_subscription_is_made_once_changed_listed_and_removed() {
    let cloud = testing::cloud();
    let client = testing::sns(&cloud);
    let arn = topic(&client, "events", &[]).await;
    queue(&cloud, "users");
    let policy = r#"{"type":["user.created"]}"#;
    let subscription = subscribe(&client, &arn, "users", &[("FilterPolicy", policy)]).await;
    assert_eq!(subscribe(&client, &arn, "users", &[("FilterPolicy", policy)]).await, subscription);
    let publish = |kind: &'static str| {
        let request = client.publish().topic_arn(&arn).message(kind);
        request.message_attributes("type", text(kind)).send()
    };
    publish("user.created").await.unwrap();
    let set = |name: &str, value: &str| {
        let request = client.set_subscription_attributes().subscription_arn(&subscription);
        request.attribute_name(name).attribute_value(value).send()
    };
    set("FilterPolicy", r#"{"type":["user.deleted"]}"#).await.unwrap();
    publish("user.created").await.unwrap();
    publish("user.deleted").await.unwrap();
    assert_eq!(bodies(&cloud, "users"), ["user.created", "user.deleted"]);
    for (name, value) in [
        ("FilterPolicy", r#"{"a":"b"}"#),
        ("FilterPolicyScope", "MessageHeader"),
        ("RawMessageDelivery", "maybe"),
        ("Colour", "red"),
    ] {
        let refused = set(name, value).await.unwrap_err();
        assert_eq!(refused.code(), Some("InvalidParameter"), "{name} {value}");
    }
    let get = client.get_subscription_attributes().subscription_arn(&subscription);
    let attributes = get.send().await.unwrap().attributes.unwrap();
    assert_eq!(attributes["FilterPolicy"], r#"{"type":["user.deleted"]}"#);
    assert_eq!(attributes["RawMessageDelivery"], "true");
    let list = || client.list_subscriptions_by_topic().topic_arn(&arn).send();
    let listed = list().await.unwrap();
    assert_eq!(listed.subscriptions()[0].subscription_arn(), Some(subscription.as_str()));
    client.unsubscribe().subscription_arn(&subscription).send().await.unwrap();
    assert!(list().await.unwrap().subscriptions().is_empty());
    publish("user.deleted").await.unwrap();
    assert_eq!(bodies(&cloud, "users").len(), 2);
    let none = client.subscribe().topic_arn(&arn).protocol("sqs").endpoint(queue_arn("none"));
    assert_eq!(none.send().await.unwrap_err().code(), Some("InvalidParameter"));
}

/// Amazon SNS endpoints and quotas: 100 subscriptions of a FIFO topic; SNS Developer Guide, "Filter
/// policy constraints": 200 filter policies per topic.
#[tokio::test]
async fn a_topic_has_its_limits_of_subscriptions_and_of_filter_policies() {
    let cloud = testing::cloud();
    let client = testing::sns(&cloud);
    let fifo = topic(&client, "events.fifo", &[]).await;
    for number in 0..101 {
        let name = format!("q{number}.fifo");
        queue(&cloud, &name);
        let request = client.subscribe().topic_arn(&fifo).protocol("sqs");
        let answer = request.endpoint(queue_arn(&name)).send().await;
        match number {
            100 => {
                assert_eq!(answer.unwrap_err().code(), Some("SubscriptionLimitExceeded"));
            }
            _ => assert!(answer.is_ok()),
        }
    }
    let standard = topic(&client, "events", &[]).await;
    for number in 0..201 {
        let name = format!("q{number}");
        queue(&cloud, &name);
        let request = client.subscribe().topic_arn(&standard).protocol("sqs");
        let request = request.attributes("FilterPolicy", r#"{"type":["a"]}"#);
        let answer = request.endpoint(queue_arn(&name)).send().await;
        match number {
            200 => {
                assert_eq!(answer.unwrap_err().code(), Some("FilterPolicyLimitExceeded"));
            }
            _ => assert!(answer.is_ok()),
        }
    }
    let plain = client.subscribe().topic_arn(&standard).protocol("sqs");
    plain.endpoint(queue_arn("q200")).send().await.unwrap();
}
