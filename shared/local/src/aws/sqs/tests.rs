use std::collections::HashMap;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, Message as SdkMessage, MessageAttributeValue,
    MessageSystemAttributeName as System, QueueAttributeName as Name, SendMessageBatchRequestEntry,
};

use crate::clock::VirtualClock;
use crate::testing::{self, Folder, NOON_MS};
use crate::{Cloud, Storage};

async fn queue(client: &Client, name: &str, attributes: &[(Name, &str)]) -> String {
    let attributes: HashMap<_, _> =
        attributes.iter().map(|(name, value)| (name.clone(), (*value).to_owned())).collect();
    let request = client.create_queue().queue_name(name).set_attributes(Some(attributes));
    request.send().await.unwrap().queue_url.unwrap()
}

async fn send(client: &Client, url: &str, body: &str) -> String {
    let request = client.send_message().queue_url(url).message_body(body);
    request.send().await.unwrap().message_id.unwrap()
}

async fn send_fifo(client: &Client, url: &str, group: &str, body: &str) -> String {
    let request = client.send_message().queue_url(url).message_body(body);
    let request = request.message_group_id(group).message_deduplication_id(body);
    request.send().await.unwrap().message_id.unwrap()
}

async fn receive(client: &Client, url: &str) -> Vec<SdkMessage> {
    let request = client.receive_message().queue_url(url).max_number_of_messages(10);
    let request = request.message_system_attribute_names(System::All);
    request.message_attribute_names("All").send().await.unwrap().messages.unwrap_or_default()
}

fn bodies(messages: &[SdkMessage]) -> Vec<&str> {
    messages.iter().map(|message| message.body().unwrap()).collect()
}

async fn delete(client: &Client, url: &str, message: &SdkMessage) {
    let handle = message.receipt_handle().unwrap();
    client.delete_message().queue_url(url).receipt_handle(handle).send().await.unwrap();
}

fn code<T: std::fmt::Debug, E: ProvideErrorMetadata, R>(
    result: Result<T, SdkError<E, R>>,
) -> String {
    match result {
        Ok(answer) => panic!("expected a refusal, got {answer:?}"),
        Err(error) => error.code().unwrap_or("none").to_owned(),
    }
}

/// Developer Guide, "Amazon SQS visibility timeout".
#[tokio::test(start_paused = true)]
async fn a_received_message_is_hidden_until_its_timeout_and_counts_its_receipts() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[(Name::VisibilityTimeout, "30")]).await;
    let id = send(&client, &url, "one").await;
    let first = receive(&client, &url).await;
    assert_eq!(first[0].message_id(), Some(id.as_str()));
    assert_eq!(receive(&client, &url).await.len(), 0);
    cloud.clock().advance(30_000);
    let again = receive(&client, &url).await;
    let attributes = again[0].attributes().unwrap();
    assert_eq!(attributes[&System::ApproximateReceiveCount], "2");
    assert_eq!(attributes[&System::SentTimestamp], NOON_MS.to_string());
    delete(&client, &url, &first[0]).await;
    cloud.clock().advance(30_000);
    let third = receive(&client, &url).await;
    assert_eq!(third.len(), 1, "an older handle deletes nothing");
    delete(&client, &url, &third[0]).await;
    cloud.clock().advance(60_000);
    assert_eq!(receive(&client, &url).await.len(), 0);
}

/// API reference, ChangeMessageVisibility.
#[tokio::test(start_paused = true)]
async fn visibility_can_be_changed_only_in_flight_and_up_to_twelve_hours() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    send(&client, &url, "one").await;
    let handle = receive(&client, &url).await[0].receipt_handle.clone().unwrap();
    let change = |seconds| {
        let request = client.change_message_visibility().queue_url(&url).receipt_handle(&handle);
        request.visibility_timeout(seconds).send()
    };
    change(600).await.unwrap();
    cloud.clock().advance(599_000);
    assert_eq!(receive(&client, &url).await.len(), 0);
    assert_eq!(code(change(43_000).await), "InvalidParameterValue");
    change(0).await.unwrap();
    assert_eq!(code(change(10).await), "AWS.SimpleQueueService.MessageNotInflight");
    assert_eq!(receive(&client, &url).await.len(), 1);
    let garbage = client.delete_message().queue_url(&url).receipt_handle("x").send().await;
    assert_eq!(code(garbage), "ReceiptHandleIsInvalid");
}

/// Developer Guide, "Amazon SQS delay queues" and "message timers".
#[tokio::test(start_paused = true)]
async fn a_delayed_message_appears_when_due_and_fifo_refuses_a_delay_per_message() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[(Name::DelaySeconds, "5")]).await;
    send(&client, &url, "default").await;
    let own = client.send_message().queue_url(&url).message_body("own").delay_seconds(900);
    own.send().await.unwrap();
    assert_eq!(receive(&client, &url).await.len(), 0);
    cloud.clock().advance(5_000);
    assert_eq!(bodies(&receive(&client, &url).await), ["default"]);
    cloud.clock().advance(895_000);
    assert_eq!(bodies(&receive(&client, &url).await), ["default", "own"]);
    let too_long = client.send_message().queue_url(&url).message_body("x").delay_seconds(901);
    assert_eq!(code(too_long.send().await), "InvalidParameterValue");
    let url = queue(&client, "jobs.fifo", &[(Name::FifoQueue, "true")]).await;
    let delayed = client.send_message().queue_url(&url).message_body("x").delay_seconds(1);
    let delayed = delayed.message_group_id("g").message_deduplication_id("d");
    assert_eq!(code(delayed.send().await), "InvalidParameterValue");
}

/// API reference, ReceiveMessage, `WaitTimeSeconds`: returns as soon as a message is there.
#[tokio::test(start_paused = true)]
async fn a_long_poll_ends_with_the_first_message_or_empty_at_its_deadline() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    let poll = || client.receive_message().queue_url(&url).wait_time_seconds(20).send();
    let waiting = tokio::spawn(poll());
    tokio::task::yield_now().await;
    send(&client, &url, "now").await;
    assert_eq!(bodies(waiting.await.unwrap().unwrap().messages()), ["now"]);
    assert_eq!(cloud.clock().now_ms(), NOON_MS);
    assert!(poll().await.unwrap().messages().is_empty());
    assert_eq!(cloud.clock().now_ms(), NOON_MS + 20_000);
}

/// Developer Guide, "FIFO queue delivery logic" and "Exactly-once processing".
#[tokio::test(start_paused = true)]
async fn a_fifo_group_is_received_in_order_and_blocked_while_in_flight() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs.fifo", &[(Name::FifoQueue, "true")]).await;
    for (group, body) in [("a", "a1"), ("b", "b1"), ("a", "a2")] {
        send_fifo(&client, &url, group, body).await;
    }
    let one = client.receive_message().queue_url(&url).send().await.unwrap().messages.unwrap();
    assert_eq!(bodies(&one), ["a1"]);
    assert_eq!(bodies(&receive(&client, &url).await), ["b1"]);
    assert_eq!(receive(&client, &url).await.len(), 0);
    delete(&client, &url, &one[0]).await;
    let next = receive(&client, &url).await;
    assert_eq!(bodies(&next), ["a2"]);
    let attributes = next[0].attributes().unwrap();
    assert_eq!(attributes[&System::MessageGroupId], "a");
    assert_eq!(attributes[&System::SequenceNumber].len(), 20);
    cloud.clock().advance(30_000);
    let handle = next[0].receipt_handle().unwrap();
    let expired = client.delete_message().queue_url(&url).receipt_handle(handle).send().await;
    assert_eq!(code(expired), "InvalidParameterValue");
}

/// Developer Guide, "Using the Amazon SQS message deduplication ID": five minutes.
#[tokio::test(start_paused = true)]
async fn a_repeated_deduplication_id_is_accepted_but_not_delivered_for_five_minutes() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs.fifo", &[(Name::FifoQueue, "true")]).await;
    let first = send_fifo(&client, &url, "a", "x").await;
    assert_eq!(send_fifo(&client, &url, "b", "x").await, first);
    cloud.clock().advance(299_999);
    assert_eq!(send_fifo(&client, &url, "a", "x").await, first);
    cloud.clock().advance(1);
    assert_ne!(send_fifo(&client, &url, "a", "x").await, first);
    assert_eq!(receive(&client, &url).await.len(), 2);
    let bare = client.send_message().queue_url(&url).message_body("x").message_group_id("g");
    assert_eq!(code(bare.clone().send().await), "InvalidParameterValue");
    client
        .set_queue_attributes()
        .queue_url(&url)
        .attributes(Name::ContentBasedDeduplication, "true")
        .send()
        .await
        .unwrap();
    let one = bare.clone().send().await.unwrap().message_id;
    assert_eq!(bare.send().await.unwrap().message_id, one);
    let no_group = client.send_message().queue_url(&url).message_body("y");
    assert_eq!(code(no_group.send().await), "MissingParameter");
}

/// Developer Guide, "Amazon SQS fair queues": a group id on a standard queue is kept.
#[tokio::test]
async fn a_standard_queue_keeps_the_group_id_and_refuses_a_deduplication_id() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    let grouped = client.send_message().queue_url(&url).message_body("x").message_group_id("acme");
    grouped.clone().send().await.unwrap();
    let got = receive(&client, &url).await;
    assert_eq!(got[0].attributes().unwrap()[&System::MessageGroupId], "acme");
    let refused = grouped.message_deduplication_id("d").send().await;
    assert_eq!(code(refused), "InvalidParameterValue");
}

/// Developer Guide, "Using dead-letter queues", and API reference, StartMessageMoveTask.
#[tokio::test(start_paused = true)]
async fn a_message_received_too_often_is_dead_lettered_and_can_be_moved_back() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let dead = queue(&client, "jobs-dlq", &[]).await;
    let arn = "arn:aws:sqs:us-east-1:000000000000:jobs-dlq";
    let policy = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":"2"}}"#);
    let url = queue(&client, "jobs", &[(Name::RedrivePolicy, &policy)]).await;
    let sent = client.send_message().queue_url(&url).message_body("poison");
    let value = MessageAttributeValue::builder().data_type("String").string_value("v").build();
    sent.message_attributes("k", value.unwrap()).send().await.unwrap();
    for _ in 0..2 {
        assert_eq!(receive(&client, &url).await.len(), 1);
        cloud.clock().advance(30_000);
    }
    assert_eq!(receive(&client, &url).await.len(), 0);
    let letters = receive(&client, &dead).await;
    assert_eq!(bodies(&letters), ["poison"]);
    assert_eq!(letters[0].message_attributes().unwrap()["k"].string_value(), Some("v"));
    let attributes = letters[0].attributes().unwrap();
    assert_eq!(attributes[&System::SentTimestamp], NOON_MS.to_string());
    assert_eq!(
        attributes[&System::DeadLetterQueueSourceArn],
        "arn:aws:sqs:us-east-1:000000000000:jobs"
    );
    client.start_message_move_task().source_arn(arn).send().await.unwrap();
    let tasks = client.list_message_move_tasks().source_arn(arn).send().await.unwrap();
    assert_eq!(tasks.results()[0].approximate_number_of_messages_moved(), 1);
    assert_eq!(bodies(&receive(&client, &url).await), ["poison"]);
    let not_dead = "arn:aws:sqs:us-east-1:000000000000:jobs";
    let refused = client.start_message_move_task().source_arn(not_dead).send().await;
    assert_eq!(code(refused), "ResourceNotFoundException");
}

/// API reference, CreateQueue, `MessageRetentionPeriod`.
#[tokio::test(start_paused = true)]
async fn a_message_older_than_the_retention_is_gone() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[(Name::MessageRetentionPeriod, "60")]).await;
    send(&client, &url, "old").await;
    cloud.clock().advance(59_999);
    assert_eq!(cloud.queues().depth("jobs").unwrap().waiting, 1);
    cloud.clock().advance(1);
    assert_eq!(receive(&client, &url).await.len(), 0);
}

/// API reference, CreateQueue: repeating it is fine, with other attributes it is an error.
#[tokio::test]
async fn queues_are_made_once_found_by_name_and_checked() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[(Name::VisibilityTimeout, "30")]).await;
    assert_eq!(queue(&client, "jobs", &[]).await, url);
    let other = client.create_queue().queue_name("jobs").attributes(Name::VisibilityTimeout, "31");
    assert_eq!(code(other.send().await), "QueueAlreadyExists");
    let found = client.get_queue_url().queue_name("jobs").send().await.unwrap();
    assert_eq!(found.queue_url(), Some(url.as_str()));
    assert_eq!(client.list_queues().send().await.unwrap().queue_urls(), std::slice::from_ref(&url));
    let none = client.get_queue_url().queue_name("none").send().await;
    assert!(none.unwrap_err().into_service_error().is_queue_does_not_exist());
    for (name, attribute, value, refusal) in [
        ("a.fifo", Name::VisibilityTimeout, "30", "InvalidParameterValue"),
        ("a", Name::FifoQueue, "true", "InvalidParameterValue"),
        ("a", Name::DelaySeconds, "901", "InvalidAttributeValue"),
        ("a", Name::from("Colour"), "red", "InvalidAttributeName"),
        ("a b", Name::DelaySeconds, "9", "InvalidParameterValue"),
        (
            "a",
            Name::RedrivePolicy,
            r#"{"deadLetterTargetArn":"x:none","maxReceiveCount":1}"#,
            "InvalidParameterValue",
        ),
    ] {
        let request = client.create_queue().queue_name(name).attributes(attribute, value);
        assert_eq!(code(request.send().await), refusal, "{name} {value}");
    }
    let attributes = client.get_queue_attributes().queue_url(&url).attribute_names(Name::All);
    let attributes = attributes.send().await.unwrap().attributes.unwrap();
    assert_eq!(attributes[&Name::MaximumMessageSize], "1048576");
    assert_eq!(attributes[&Name::QueueArn], "arn:aws:sqs:us-east-1:000000000000:jobs");
}

/// API reference, SendMessage (1 MiB) and SendMessageBatch (ten entries, 1 MiB together); Developer
/// Guide, "Calculating the MD5 message digest for message attributes".
#[tokio::test]
async fn sizes_batches_and_checksums_are_as_documented() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    let big = "x".repeat(1_048_576);
    send(&client, &url, &big).await;
    let bigger = client.send_message().queue_url(&url).message_body(format!("{big}x"));
    assert_eq!(code(bigger.send().await), "InvalidParameterValue");
    let entry = |id: &str, body: &str| {
        SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().unwrap()
    };
    let batch =
        |entries| client.send_message_batch().queue_url(&url).set_entries(Some(entries)).send();
    let mixed = batch(vec![entry("good", "b"), entry("bad", "\u{1}")]).await.unwrap();
    assert_eq!(mixed.successful()[0].id(), "good");
    assert_eq!(mixed.failed()[0].code(), "InvalidMessageContents");
    for (entries, refusal) in [
        (vec![], "AWS.SimpleQueueService.EmptyBatchRequest"),
        (
            (0..11).map(|n| entry(&n.to_string(), "b")).collect(),
            "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
        ),
        (vec![entry("a", "b"), entry("a", "c")], "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"),
        (vec![entry("a!", "b")], "AWS.SimpleQueueService.InvalidBatchEntryId"),
        (vec![entry("a", &big), entry("b", "x")], "AWS.SimpleQueueService.BatchRequestTooLong"),
    ] {
        assert_eq!(code(batch(entries).await), refusal);
    }
    let value = MessageAttributeValue::builder().data_type("String").string_value("value");
    let sent = client.send_message().queue_url(&url).message_body("hello");
    let sent = sent.message_attributes("name", value.build().unwrap()).send().await.unwrap();
    assert_eq!(sent.md5_of_message_body(), Some("5d41402abc4b2a76b9719d911017c592"));
    // printf '\0\0\0\4name\0\0\0\6String\1\0\0\0\5value' | md5sum
    assert_eq!(sent.md5_of_message_attributes(), Some("25ada41cad9d6e55ad5a2b3d2da508a2"));
}

/// API reference, DeleteMessageBatch and PurgeQueue.
#[tokio::test(start_paused = true)]
async fn a_batch_delete_answers_each_entry_and_a_purge_empties_once_a_minute() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    send(&client, &url, "one").await;
    send(&client, &url, "two").await;
    let got = receive(&client, &url).await;
    let entry = |id: &str, handle: &str| {
        DeleteMessageBatchRequestEntry::builder().id(id).receipt_handle(handle).build().unwrap()
    };
    let request = client.delete_message_batch().queue_url(&url);
    let request = request.entries(entry("a", got[0].receipt_handle().unwrap()));
    let answer = request.entries(entry("b", "garbage")).send().await.unwrap();
    assert_eq!(
        (answer.successful().len(), answer.failed()[0].code()),
        (1, "ReceiptHandleIsInvalid")
    );
    let purge = || client.purge_queue().queue_url(&url).send();
    purge().await.unwrap();
    assert_eq!(cloud.queues().depth("jobs").unwrap(), super::Depth::default());
    assert_eq!(code(purge().await), "AWS.SimpleQueueService.PurgeQueueInProgress");
    cloud.clock().advance(60_000);
    purge().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_reopened_folder_has_every_acknowledged_message_and_forgets_no_deduplication() {
    let folder = Folder::new("queues");
    let open = |after_ms| {
        let clock = VirtualClock::starting_at(NOON_MS + after_ms);
        Cloud::open(Storage::Folder(folder.0.clone()), clock).unwrap()
    };
    let cloud = open(0);
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    let fifo = queue(&client, "jobs.fifo", &[(Name::FifoQueue, "true")]).await;
    for body in ["deleted", "in flight", "waiting"] {
        send(&client, &url, body).await;
    }
    let first = send_fifo(&client, &fifo, "g", "x").await;
    let two = client.receive_message().queue_url(&url).max_number_of_messages(2).send().await;
    delete(&client, &url, &two.unwrap().messages()[0]).await;
    drop((client, cloud));
    let cloud = open(10_000);
    let client = testing::sqs(&cloud);
    let back = receive(&client, &url).await;
    assert_eq!(bodies(&back), ["in flight", "waiting"], "its receiver ended with the cloud");
    assert_eq!(back[0].attributes().unwrap()[&System::ApproximateReceiveCount], "2");
    assert_eq!(send_fifo(&client, &fifo, "g", "x").await, first);
}

#[tokio::test]
async fn a_full_disk_refuses_the_message_and_keeps_the_rest() {
    let folder = Folder::new("full");
    let storage = Storage::Folder(folder.0.clone());
    let cloud = Cloud::open(storage, VirtualClock::starting_at(NOON_MS)).unwrap();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    send(&client, &url, "before").await;
    cloud.store().fill_disk();
    let refused = client.send_message().queue_url(&url).message_body("x".repeat(100_000));
    assert_eq!(code(refused.send().await), "InternalFailure");
    let kept: Vec<_> = cloud.queues().peek("jobs", 10).unwrap();
    assert_eq!(kept.iter().map(|message| message.body.as_str()).collect::<Vec<_>>(), ["before"]);
}
