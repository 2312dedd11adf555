use super::*;
use crate::testing;

/// SQS API reference, CreateQueue: repeating it is fine, with other attributes it is an error;
/// GetQueueUrl, ListQueues, DeleteQueue.
#[tokio::test]
async fn queues_are_made_once_found_by_name_and_gone_when_deleted() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[(Name::VisibilityTimeout, "30")]).await;
    assert_eq!(queue(&client, "jobs", &[]).await, url);
    let other = client.create_queue().queue_name("jobs").attributes(Name::VisibilityTimeout, "31");
    assert_eq!(code(other.send().await), "QueueAlreadyExists");
    let found = client.get_queue_url().queue_name("jobs").send().await.unwrap();
    assert_eq!(found.queue_url(), Some(url.as_str()));
    assert_eq!(client.list_queues().send().await.unwrap().queue_urls(), std::slice::from_ref(&url));
    let none = client.list_queues().queue_name_prefix("x").send().await.unwrap();
    assert!(none.queue_urls().is_empty());
    client.delete_queue().queue_url(&url).send().await.unwrap();
    let gone = client.get_queue_url().queue_name("jobs").send().await;
    assert!(gone.unwrap_err().into_service_error().is_queue_does_not_exist());
    let send = client.send_message().queue_url(&url).message_body("m").send().await;
    assert!(send.unwrap_err().into_service_error().is_queue_does_not_exist());
}

/// SQS API reference, CreateQueue, `QueueName` and `Attributes`: names, ranges, and what only one
/// kind of queue has.
#[tokio::test]
async fn names_and_attributes_outside_their_range_are_refused() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let longest = "n".repeat(81);
    for (name, attribute, value, refusal) in [
        ("a.fifo", Name::VisibilityTimeout, "30", "InvalidParameterValue"),
        ("a", Name::FifoQueue, "true", "InvalidParameterValue"),
        ("a b", Name::DelaySeconds, "9", "InvalidParameterValue"),
        (longest.as_str(), Name::DelaySeconds, "9", "InvalidParameterValue"),
        ("a", Name::DelaySeconds, "901", "InvalidAttributeValue"),
        ("a", Name::DelaySeconds, "-1", "InvalidAttributeValue"),
        ("a", Name::VisibilityTimeout, "43201", "InvalidAttributeValue"),
        ("a", Name::MessageRetentionPeriod, "59", "InvalidAttributeValue"),
        ("a", Name::MessageRetentionPeriod, "1209601", "InvalidAttributeValue"),
        ("a", Name::MaximumMessageSize, "1023", "InvalidAttributeValue"),
        ("a", Name::MaximumMessageSize, "1048577", "InvalidAttributeValue"),
        ("a", Name::ReceiveMessageWaitTimeSeconds, "21", "InvalidAttributeValue"),
        ("a", Name::VisibilityTimeout, "soon", "InvalidAttributeValue"),
        ("a", Name::from("Colour"), "red", "InvalidAttributeName"),
    ] {
        let request = client.create_queue().queue_name(name).attributes(attribute.clone(), value);
        assert_eq!(code(request.send().await), refusal, "{name} {attribute} {value}");
    }
    assert!(cloud.queues().names().is_empty());
}

/// SQS API reference, GetQueueAttributes and SetQueueAttributes, with the defaults of CreateQueue.
#[tokio::test]
async fn attributes_have_their_defaults_and_can_be_changed_except_the_kind() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    let get = || client.get_queue_attributes().queue_url(&url).attribute_names(Name::All).send();
    let attributes = get().await.unwrap().attributes.unwrap();
    for (name, value) in [
        (Name::DelaySeconds, "0"),
        (Name::MaximumMessageSize, "1048576"),
        (Name::MessageRetentionPeriod, "345600"),
        (Name::ReceiveMessageWaitTimeSeconds, "0"),
        (Name::VisibilityTimeout, "30"),
        (Name::QueueArn, "arn:aws:sqs:us-east-1:000000000000:jobs"),
    ] {
        assert_eq!(attributes[&name], value, "{name}");
    }
    let set = |name, value: &str| {
        client.set_queue_attributes().queue_url(&url).attributes(name, value).send()
    };
    set(Name::VisibilityTimeout, "60").await.unwrap();
    assert_eq!(get().await.unwrap().attributes.unwrap()[&Name::VisibilityTimeout], "60");
    assert_eq!(code(set(Name::FifoQueue, "true").await), "InvalidAttributeValue");
    assert_eq!(code(set(Name::DelaySeconds, "901").await), "InvalidAttributeValue");
}

/// SQS API reference, PurgeQueue: everything goes, once every 60 seconds.
#[tokio::test(start_paused = true)]
async fn a_purge_empties_the_queue_once_a_minute() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    send(&client, &url, "waiting").await;
    send(&client, &url, "in flight").await;
    receive_up_to(&client, &url, 1).await;
    let purge = || client.purge_queue().queue_url(&url).send();
    purge().await.unwrap();
    assert_eq!(cloud.queues().depth("jobs").unwrap(), super::super::Depth::default());
    cloud.clock().advance(59_999);
    assert_eq!(code(purge().await), "AWS.SimpleQueueService.PurgeQueueInProgress");
    cloud.clock().advance(1);
    purge().await.unwrap();
}
