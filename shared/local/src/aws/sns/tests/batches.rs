use aws_sdk_sns::types::PublishBatchRequestEntry;

use super::*;
use crate::testing;

fn entry(id: &str, message: &str) -> PublishBatchRequestEntry {
    PublishBatchRequestEntry::builder().id(id).message(message).build().unwrap()
}

/// SNS API reference, PublishBatch: each entry succeeds or fails alone, so a batch with failures is
/// still a 200; `SenderFault` says whose fault it was.
#[tokio::test]
async fn each_entry_succeeds_or_fails_alone() {
    let cloud = testing::cloud();
    let client = testing::sns(&cloud);
    let arn = topic(&client, "events.fifo", &[]).await;
    queue(&cloud, "ordered.fifo");
    subscribe(&client, &arn, "ordered.fifo", &[]).await;
    let entry = |id: &str, group: Option<&str>, attribute: &str| {
        let entry = PublishBatchRequestEntry::builder().id(id).message(id);
        let entry = entry.set_message_group_id(group.map(str::to_owned));
        let entry = entry.message_deduplication_id(id).message_attributes("type", text(attribute));
        entry.build().unwrap()
    };
    let request = client.publish_batch().topic_arn(&arn);
    let request = request
        .publish_batch_request_entries(entry("good", Some("g"), "a"))
        .publish_batch_request_entries(entry("no-group", None, "a"))
        .publish_batch_request_entries(entry("no-value", Some("g"), ""))
        .publish_batch_request_entries(entry("fine", Some("g"), "b"));
    let answer = request.send().await.unwrap();
    let done = answer.successful();
    let ids: Vec<_> = done.iter().filter_map(|done| done.id()).collect();
    assert_eq!(ids, ["good", "fine"]);
    assert!(done[0].message_id().is_some() && done[0].message_id() != done[1].message_id());
    assert!(done[0].sequence_number() < done[1].sequence_number());
    let failed: Vec<_> =
        answer.failed().iter().map(|f| (f.id(), f.code(), f.sender_fault())).collect();
    assert_eq!(
        failed,
        [("no-group", "InvalidParameter", true), ("no-value", "ParameterValueInvalid", true)]
    );
    let got = messages(&cloud, "ordered.fifo");
    assert_eq!(bodies(&cloud, "ordered.fifo"), ["good", "fine"]);
    assert_eq!(got[1].attributes["type"].string_value.as_deref(), Some("b"));
}

/// SNS API reference, PublishBatch, "Errors": one to ten entries, distinct ids of up to 80 letters,
/// digits, hyphens and underscores, 262,144 bytes in all unless the topic takes larger messages.
#[tokio::test]
async fn a_batch_beyond_the_limits_is_refused_as_a_whole() {
    let cloud = testing::cloud();
    let client = testing::sns(&cloud);
    let arn = topic(&client, "events", &[]).await;
    queue(&cloud, "plain");
    subscribe(&client, &arn, "plain", &[]).await;
    let publish = |arn: &str, entries: Vec<PublishBatchRequestEntry>| {
        let request = client.publish_batch().topic_arn(arn);
        request.set_publish_batch_request_entries(Some(entries)).send()
    };
    let half = "x".repeat(131_072);
    let too_large = || vec![entry("a", &half), entry("b", &half), entry("c", "x")];
    for (entries, refusal) in [
        (vec![], "EmptyBatchRequest"),
        ((0..11).map(|n| entry(&n.to_string(), "m")).collect(), "TooManyEntriesInBatchRequest"),
        (vec![entry("a", "m"), entry("a", "n")], "BatchEntryIdsNotDistinct"),
        (vec![entry("a!", "m")], "InvalidBatchEntryId"),
        (vec![entry(&"a".repeat(81), "m")], "InvalidBatchEntryId"),
        (too_large(), "BatchRequestTooLong"),
    ] {
        assert_eq!(publish(&arn, entries).await.unwrap_err().code(), Some(refusal));
    }
    assert!(messages(&cloud, "plain").is_empty());
    let unknown = publish(&super::super::topic_arn("none"), vec![entry("a", "m")]).await;
    assert!(unknown.unwrap_err().into_service_error().is_not_found_exception());
    let fits = publish(&arn, vec![entry("a", &half), entry("b", &half)]).await.unwrap();
    assert_eq!(fits.successful().len(), 2);
    let ten = publish(&arn, (0..10).map(|n| entry(&n.to_string(), "m")).collect()).await.unwrap();
    assert_eq!(ten.successful().len(), 10);
    let large = topic(&client, "large", &[("MaximumMessageSize", "1048576")]).await;
    assert_eq!(publish(&large, too_large()).await.unwrap().successful().len(), 3);
}

/// SNS Developer Guide, "Message deduplication for FIFO topics": also within one batch.
#[tokio::test(start_paused = true)]
async fn two_entries_with_one_deduplication_id_are_accepted_and_delivered_once() {
    let cloud = testing::cloud();
    let client = testing::sns(&cloud);
    let arn = topic(&client, "events.fifo", &[]).await;
    queue(&cloud, "mixed");
    subscribe(&client, &arn, "mixed", &[]).await;
    let entry = |id: &str| {
        let entry = PublishBatchRequestEntry::builder().id(id).message(id).message_group_id("g");
        entry.message_deduplication_id("same").build().unwrap()
    };
    let request = client.publish_batch().topic_arn(&arn);
    let request = request.set_publish_batch_request_entries(Some(vec![entry("a"), entry("b")]));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.successful()[0].message_id(), answer.successful()[1].message_id());
    assert_eq!(bodies(&cloud, "mixed"), ["a"]);
}
