use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
    SendMessageBatchRequestEntry,
};

use super::*;
use crate::testing;

fn entry(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().unwrap()
}

/// SQS API reference, SendMessageBatch: each entry succeeds or fails alone, so a batch with
/// failures is still a 200; `SenderFault` says whose fault it was.
#[tokio::test]
async fn each_entry_of_a_send_succeeds_or_fails_alone() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = fifo_queue(&client, "jobs.fifo", &[]).await;
    let build = |id: &str, body: &str, group: Option<&str>| {
        let entry = SendMessageBatchRequestEntry::builder().id(id).message_body(body);
        let entry =
            entry.message_deduplication_id(id).set_message_group_id(group.map(str::to_owned));
        entry.build().unwrap()
    };
    let answer = client
        .send_message_batch()
        .queue_url(&url)
        .entries(build("good", "b", Some("g")))
        .entries(build("no-group", "b", None))
        .entries(build("bad-body", "\u{1}", Some("g")))
        .entries(build("fine", "c", Some("g")))
        .send()
        .await
        .unwrap();
    let done: Vec<_> = answer.successful().iter().map(|done| done.id()).collect();
    assert_eq!(done, ["good", "fine"]);
    assert!(answer.successful()[0].sequence_number() < answer.successful()[1].sequence_number());
    let failed: Vec<_> =
        answer.failed().iter().map(|f| (f.id(), f.code(), f.sender_fault())).collect();
    assert_eq!(
        failed,
        [("no-group", "MissingParameter", true), ("bad-body", "InvalidMessageContents", true)]
    );
    assert_eq!(bodies(&receive(&client, &url).await), ["b", "c"]);
}

/// SQS API reference, SendMessageBatch, "Errors"; SQS Developer Guide, "Amazon SQS message quotas":
/// one to ten entries, distinct ids of up to 80 letters, digits, hyphens and underscores; 1 MiB in
/// all since August 2025.
#[tokio::test]
async fn a_batch_beyond_the_limits_is_refused_as_a_whole() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    let batch =
        |entries| client.send_message_batch().queue_url(&url).set_entries(Some(entries)).send();
    let half = "x".repeat(524_288);
    for (entries, refusal) in [
        (vec![], "EmptyBatchRequest"),
        ((0..11).map(|n| entry(&n.to_string(), "b")).collect(), "TooManyEntriesInBatchRequest"),
        (vec![entry("a", "b"), entry("a", "c")], "BatchEntryIdsNotDistinct"),
        (vec![entry("a!", "b")], "InvalidBatchEntryId"),
        (vec![entry("", "b")], "InvalidBatchEntryId"),
        (vec![entry(&"a".repeat(81), "b")], "InvalidBatchEntryId"),
        (vec![entry("a", &half), entry("b", &half), entry("c", "x")], "BatchRequestTooLong"),
    ] {
        assert_eq!(code(batch(entries).await), format!("AWS.SimpleQueueService.{refusal}"));
    }
    assert_eq!(cloud.queues().depth("jobs").unwrap(), super::super::Depth::default());
    let fits = batch(vec![entry(&"a".repeat(80), &half), entry("b", &half)]).await.unwrap();
    assert_eq!(fits.successful().len(), 2);
    let ten = batch((0..10).map(|n| entry(&n.to_string(), "b")).collect()).await.unwrap();
    assert_eq!(ten.successful().len(), 10);
}

/// SQS API reference, DeleteMessageBatch and ChangeMessageVisibilityBatch: entry by entry.
#[tokio::test(start_paused = true)]
async fn each_entry_of_a_delete_or_a_change_succeeds_or_fails_alone() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    send(&client, &url, "one").await;
    send(&client, &url, "two").await;
    let got = receive(&client, &url).await;
    let handles: Vec<_> = got.iter().map(|message| message.receipt_handle().unwrap()).collect();
    let change = |id: &str, handle: &str, seconds| {
        let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(id);
        entry.receipt_handle(handle).visibility_timeout(seconds).build().unwrap()
    };
    let request = client.change_message_visibility_batch().queue_url(&url);
    let request = request.entries(change("a", handles[0], 60)).entries(change("b", "garbage", 60));
    let answer = request.entries(change("c", handles[1], 43_201)).send().await.unwrap();
    assert_eq!(answer.successful()[0].id(), "a");
    let failed: Vec<_> = answer.failed().iter().map(|f| (f.id(), f.code())).collect();
    assert_eq!(failed, [("b", "ReceiptHandleIsInvalid"), ("c", "InvalidParameterValue")]);
    let delete = |id: &str, handle: &str| {
        DeleteMessageBatchRequestEntry::builder().id(id).receipt_handle(handle).build().unwrap()
    };
    let request = client.delete_message_batch().queue_url(&url);
    let request = request.entries(delete("a", handles[0])).entries(delete("b", "garbage"));
    let answer = request.send().await.unwrap();
    assert_eq!((answer.successful().len(), answer.failed().len()), (1, 1));
    assert_eq!(answer.failed()[0].code(), "ReceiptHandleIsInvalid");
    assert_eq!(cloud.queues().depth("jobs").unwrap().in_flight, 1);
}

/// SQS API reference, ReceiveMessage, `MaxNumberOfMessages`: one by default, ten at most.
#[tokio::test]
async fn a_receive_returns_one_message_unless_asked_for_up_to_ten() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    for number in 0..12 {
        send(&client, &url, &number.to_string()).await;
    }
    let plain = client.receive_message().queue_url(&url).send().await.unwrap();
    assert_eq!(plain.messages().len(), 1);
    assert_eq!(receive_up_to(&client, &url, 10).await.len(), 10);
    for limit in [0, 11] {
        let request = client.receive_message().queue_url(&url).max_number_of_messages(limit);
        assert_eq!(code(request.send().await), "InvalidParameterValue", "{limit}");
    }
}
