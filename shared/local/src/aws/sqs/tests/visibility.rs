use super::*;
use crate::testing::{self, NOON_MS};

const NOT_IN_FLIGHT: &str = "AWS.SimpleQueueService.MessageNotInflight";

/// SQS Developer Guide, "Amazon SQS visibility timeout"; SQS API reference, CreateQueue,
/// `VisibilityTimeout`: 30 seconds unless the queue says otherwise.
#[tokio::test(start_paused = true)]
async fn a_received_message_is_hidden_for_the_queues_timeout_thirty_seconds_by_default() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    for (name, attributes, hidden_ms) in [
        ("default", vec![], 30_000),
        ("long", vec![(Name::VisibilityTimeout, "300")], 300_000),
        ("none", vec![(Name::VisibilityTimeout, "0")], 0),
    ] {
        let url = queue(&client, name, &attributes).await;
        send(&client, &url, "one").await;
        assert_eq!(receive(&client, &url).await.len(), 1, "{name}");
        if hidden_ms > 0 {
            cloud.clock().advance(hidden_ms - 1);
            assert_eq!(receive(&client, &url).await.len(), 0, "{name}");
            cloud.clock().advance(1);
        }
        assert_eq!(receive(&client, &url).await.len(), 1, "{name}");
    }
}

/// SQS API reference, ReceiveMessage, `VisibilityTimeout`: overrides the queue's for this receive.
#[tokio::test(start_paused = true)]
async fn a_receive_may_set_its_own_timeout_within_twelve_hours() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    send(&client, &url, "one").await;
    let receive_for =
        |seconds| client.receive_message().queue_url(&url).visibility_timeout(seconds).send();
    assert_eq!(receive_for(5).await.unwrap().messages().len(), 1);
    cloud.clock().advance(4_999);
    assert_eq!(receive_for(5).await.unwrap().messages().len(), 0);
    cloud.clock().advance(1);
    assert_eq!(receive_for(43_200).await.unwrap().messages().len(), 1);
    for seconds in [-1, 43_201] {
        assert_eq!(code(receive_for(seconds).await), "InvalidParameterValue", "{seconds}");
    }
}

/// SQS API reference, ReceiveMessage, `ApproximateReceiveCount`, `SentTimestamp`,
/// `ApproximateFirstReceiveTimestamp`.
#[tokio::test(start_paused = true)]
async fn every_receive_counts_and_the_first_one_and_the_sending_keep_their_time() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    let id = send(&client, &url, "one").await;
    cloud.clock().advance(1_000);
    for count in 1..=3 {
        let got = receive(&client, &url).await;
        let attributes = got[0].attributes().unwrap();
        assert_eq!(got[0].message_id(), Some(id.as_str()));
        assert_eq!(receives(&got[0]), count.to_string());
        assert_eq!(attributes[&System::SentTimestamp], NOON_MS.to_string());
        let first = (NOON_MS + 1_000).to_string();
        assert_eq!(attributes[&System::ApproximateFirstReceiveTimestamp], first);
        cloud.clock().advance(30_000);
    }
}

/// SQS Developer Guide, "Amazon SQS visibility timeout", "Setting and adjusting the visibility
/// timeout"; SQS API reference, ChangeMessageVisibility: the new timeout counts from the call.
#[tokio::test(start_paused = true)]
async fn a_changed_timeout_counts_from_the_change_and_zero_shows_the_message_at_once() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    send(&client, &url, "one").await;
    let handle = receive(&client, &url).await[0].receipt_handle.clone().unwrap();
    let change = |seconds| {
        let request = client.change_message_visibility().queue_url(&url).receipt_handle(&handle);
        request.visibility_timeout(seconds).send()
    };
    cloud.clock().advance(20_000);
    change(60).await.unwrap();
    cloud.clock().advance(59_999);
    assert_eq!(receive(&client, &url).await.len(), 0);
    change(0).await.unwrap();
    let again = receive(&client, &url).await;
    assert_eq!(receives(&again[0]), "2");
    assert_eq!(code(change(10).await), NOT_IN_FLIGHT, "the older handle holds nothing any more");
}

/// SQS Developer Guide, "Amazon SQS visibility timeout": twelve hours in all, from the receive;
/// extending does not begin them anew.
#[tokio::test(start_paused = true)]
async fn twelve_hours_count_from_the_receive_however_often_they_are_extended() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    send(&client, &url, "one").await;
    let handle = receive(&client, &url).await[0].receipt_handle.clone().unwrap();
    let change = |seconds| {
        let request = client.change_message_visibility().queue_url(&url).receipt_handle(&handle);
        request.visibility_timeout(seconds).send()
    };
    change(43_200).await.unwrap();
    cloud.clock().advance(1);
    assert_eq!(code(change(43_200).await), "InvalidParameterValue");
    cloud.clock().advance(3_599_999);
    assert_eq!(code(change(39_601).await), "InvalidParameterValue");
    change(39_600).await.unwrap();
    assert_eq!(code(change(-1).await), "InvalidParameterValue");
    cloud.clock().advance(39_600_000 - 1);
    assert_eq!(receive(&client, &url).await.len(), 0);
    cloud.clock().advance(1);
    let again = receive(&client, &url).await;
    let handle = again[0].receipt_handle().unwrap();
    let fresh = client.change_message_visibility().queue_url(&url).receipt_handle(handle);
    fresh.visibility_timeout(43_200).send().await.unwrap();
}

/// SQS API reference, ChangeMessageVisibility, "Errors": a message that is not in flight, one that
/// is gone, and a handle that never was.
#[tokio::test(start_paused = true)]
async fn the_timeout_of_a_visible_a_deleted_or_an_unknown_message_cannot_be_changed() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    send(&client, &url, "one").await;
    let got = receive(&client, &url).await;
    let change = |handle: &str| {
        let request = client.change_message_visibility().queue_url(&url).receipt_handle(handle);
        request.visibility_timeout(10).send()
    };
    let handle = got[0].receipt_handle().unwrap();
    cloud.clock().advance(30_000);
    assert_eq!(code(change(handle).await), NOT_IN_FLIGHT);
    delete(&client, &url, &got[0]).await;
    assert_eq!(code(change(handle).await), "InvalidParameterValue");
    assert_eq!(code(change("garbage").await), "ReceiptHandleIsInvalid");
}

/// SQS API reference, DeleteMessage: only the most recent receipt handle deletes; an older one is
/// answered with success and deletes nothing; deleting twice is harmless.
#[tokio::test(start_paused = true)]
async fn an_older_receipt_handle_is_accepted_and_deletes_nothing() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    send(&client, &url, "one").await;
    let first = receive(&client, &url).await;
    cloud.clock().advance(30_000);
    let second = receive(&client, &url).await;
    assert_ne!(first[0].receipt_handle(), second[0].receipt_handle());
    delete(&client, &url, &first[0]).await;
    cloud.clock().advance(30_000);
    assert_eq!(cloud.queues().depth("jobs").unwrap().waiting, 1);
    delete(&client, &url, &second[0]).await;
    assert_eq!(
        cloud.queues().depth("jobs").unwrap().waiting,
        0,
        "the latest handle deletes, also after its timeout"
    );
    delete(&client, &url, &second[0]).await;
    let garbage = client.delete_message().queue_url(&url).receipt_handle("x").send().await;
    assert_eq!(code(garbage), "ReceiptHandleIsInvalid");
}

/// SQS API reference, GetQueueAttributes, `ApproximateNumberOfMessages…`.
#[tokio::test(start_paused = true)]
async fn the_counts_tell_visible_hidden_and_delayed_messages_apart() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    for body in ["one", "two", "three"] {
        send(&client, &url, body).await;
    }
    let later = client.send_message().queue_url(&url).message_body("later").delay_seconds(60);
    later.send().await.unwrap();
    receive_up_to(&client, &url, 1).await;
    let request = client.get_queue_attributes().queue_url(&url).attribute_names(Name::All);
    let attributes = request.send().await.unwrap().attributes.unwrap();
    let counts = [
        Name::ApproximateNumberOfMessages,
        Name::ApproximateNumberOfMessagesNotVisible,
        Name::ApproximateNumberOfMessagesDelayed,
    ]
    .map(|name| attributes[&name].as_str());
    assert_eq!(counts, ["2", "1", "1"]);
}
