use super::*;
use crate::testing;

/// SQS Developer Guide, "FIFO queue delivery logic", "Receiving messages": as many messages of one
/// group as possible first, then of others; each group in the order it was sent.
#[tokio::test(start_paused = true)]
async fn a_receive_takes_one_group_in_order_before_it_takes_from_another() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = fifo_queue(&client, "jobs.fifo", &[]).await;
    for body in ["a1", "b1", "a2", "b2", "a3"] {
        send_fifo(&client, &url, &body[..1], body).await;
    }
    assert_eq!(bodies(&receive(&client, &url).await), ["a1", "a2", "a3", "b1", "b2"]);
}

/// SQS Developer Guide, "FIFO queue delivery logic": no more messages of a group are returned until
/// those in flight are deleted or visible again; other groups go on.
#[tokio::test(start_paused = true)]
async fn a_group_is_blocked_while_any_of_its_messages_is_in_flight_and_others_are_not() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = fifo_queue(&client, "jobs.fifo", &[]).await;
    for body in ["a1", "a2", "a3", "b1"] {
        send_fifo(&client, &url, &body[..1], body).await;
    }
    let two = receive_up_to(&client, &url, 2).await;
    assert_eq!(bodies(&two), ["a1", "a2"]);
    assert_eq!(bodies(&receive(&client, &url).await), ["b1"]);
    delete(&client, &url, &two[0]).await;
    assert_eq!(receive(&client, &url).await.len(), 0, "a2 is still in flight");
    delete(&client, &url, &two[1]).await;
    assert_eq!(bodies(&receive(&client, &url).await), ["a3"]);
}

/// SQS Developer Guide, "FIFO queue delivery logic", "Retrying multiple times": a message that
/// becomes visible again comes before its successors.
#[tokio::test(start_paused = true)]
async fn a_message_given_back_keeps_its_place_before_its_successors() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = fifo_queue(&client, "jobs.fifo", &[]).await;
    for body in ["a1", "a2", "a3"] {
        send_fifo(&client, &url, "a", body).await;
    }
    let one = receive_up_to(&client, &url, 1).await;
    let back = client.change_message_visibility().queue_url(&url);
    let back = back.receipt_handle(one[0].receipt_handle().unwrap()).visibility_timeout(0);
    back.send().await.unwrap();
    let again = receive(&client, &url).await;
    assert_eq!(bodies(&again), ["a1", "a2", "a3"]);
    assert_eq!((receives(&again[0]), receives(&again[1])), ("2", "1"));
    cloud.clock().advance(30_000);
    assert_eq!(bodies(&receive(&client, &url).await), ["a1", "a2", "a3"]);
}

/// SQS API reference, DeleteMessage: on a FIFO queue a handle whose timeout is over deletes nothing
/// and is refused.
#[tokio::test(start_paused = true)]
async fn an_expired_handle_cannot_delete_from_a_fifo_queue() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = fifo_queue(&client, "jobs.fifo", &[]).await;
    send_fifo(&client, &url, "a", "a1").await;
    let got = receive(&client, &url).await;
    cloud.clock().advance(30_000);
    let handle = got[0].receipt_handle().unwrap();
    let expired = client.delete_message().queue_url(&url).receipt_handle(handle).send().await;
    assert_eq!(code(expired), "InvalidParameterValue");
    assert_eq!(bodies(&receive(&client, &url).await), ["a1"]);
}

/// SQS Developer Guide, "Exactly-once processing in Amazon SQS": five minutes, also after the
/// message was received and deleted (SQS API reference, SendMessage, `MessageDeduplicationId`).
#[tokio::test(start_paused = true)]
async fn a_repeated_deduplication_id_is_accepted_but_not_delivered_for_five_minutes() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = fifo_queue(&client, "jobs.fifo", &[]).await;
    let first = send_fifo(&client, &url, "a", "x").await;
    assert_eq!(send_fifo(&client, &url, "b", "x").await, first, "the scope is the queue");
    let got = receive(&client, &url).await;
    delete(&client, &url, &got[0]).await;
    cloud.clock().advance(299_999);
    assert_eq!(send_fifo(&client, &url, "a", "x").await, first, "a repeat does not prolong");
    assert_eq!(receive(&client, &url).await.len(), 0);
    cloud.clock().advance(1);
    assert_ne!(send_fifo(&client, &url, "a", "x").await, first);
    assert_eq!(receive(&client, &url).await.len(), 1);
}

/// SQS API reference, CreateQueue, `DeduplicationScope`: `messageGroup` or `queue`.
#[tokio::test(start_paused = true)]
async fn deduplication_within_the_group_leaves_other_groups_alone() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let scope = [(Name::DeduplicationScope, "messageGroup")];
    let url = fifo_queue(&client, "jobs.fifo", &scope).await;
    let first = send_fifo(&client, &url, "a", "x").await;
    assert_eq!(send_fifo(&client, &url, "a", "x").await, first);
    assert_ne!(send_fifo(&client, &url, "b", "x").await, first);
    assert_eq!(receive(&client, &url).await.len(), 2);
}

/// SQS API reference, CreateQueue, `FifoThroughputLimit`: `perMessageGroupId` only together with
/// the deduplication scope `messageGroup`; both attributes are for FIFO queues only.
#[tokio::test]
async fn throughput_per_group_needs_deduplication_per_group() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let (scope, limit) = (Name::DeduplicationScope, Name::FifoThroughputLimit);
    let create = |name: &str, attributes: Vec<(Name, &str)>| {
        let attributes = attributes.into_iter().map(|(name, value)| (name, value.to_owned()));
        let request = client.create_queue().queue_name(name);
        request.set_attributes(Some(attributes.collect())).send()
    };
    let fifo = || (Name::FifoQueue, "true");
    for refused in [
        vec![fifo(), (limit.clone(), "perMessageGroupId")],
        vec![fifo(), (limit.clone(), "perMessageGroupId"), (scope.clone(), "queue")],
        vec![fifo(), (limit.clone(), "perGroup")],
        vec![fifo(), (scope.clone(), "group")],
        vec![fifo(), (Name::ContentBasedDeduplication, "yes")],
    ] {
        let answer = create("a.fifo", refused.clone()).await;
        assert_eq!(code(answer), "InvalidAttributeValue", "{refused:?}");
    }
    for attribute in [(scope.clone(), "queue"), (limit.clone(), "perQueue")] {
        assert_eq!(code(create("a", vec![attribute]).await), "InvalidAttributeName");
    }
    let good = vec![fifo(), (limit.clone(), "perMessageGroupId"), (scope.clone(), "messageGroup")];
    let url = create("a.fifo", good).await.unwrap().queue_url.unwrap();
    let back = client.set_queue_attributes().queue_url(&url).attributes(scope, "queue");
    assert_eq!(code(back.send().await), "InvalidAttributeValue");
}

/// SQS API reference, SendMessage, `SequenceNumber`: large, non-consecutive, increasing within a
/// group; 128 bits, hence 20 digits; a duplicate is answered with the first message's.
#[tokio::test(start_paused = true)]
async fn sequence_numbers_rise_and_a_duplicate_has_the_first_ones() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = fifo_queue(&client, "jobs.fifo", &[]).await;
    let send = |id: &str| {
        let request = client.send_message().queue_url(&url).message_body("x");
        request.message_group_id("g").message_deduplication_id(id).send()
    };
    let mut numbers = Vec::new();
    for id in ["1", "2", "3", "1"] {
        numbers.push(send(id).await.unwrap().sequence_number.unwrap());
    }
    assert!(numbers.iter().all(|number| number.len() == 20), "{numbers:?}");
    assert!(numbers[0] < numbers[1] && numbers[1] < numbers[2], "{numbers:?}");
    assert_eq!(numbers[3], numbers[0]);
    let received = receive(&client, &url).await;
    let received: Vec<_> =
        received.iter().map(|m| m.attributes().unwrap()[&System::SequenceNumber].clone()).collect();
    assert_eq!(received, numbers[..3]);
}

/// SQS API reference, SendMessage, `MessageDeduplicationId`: required unless the queue deduplicates
/// by content; then a SHA-256 of the body, not of the attributes; a given id overrides it.
#[tokio::test(start_paused = true)]
async fn without_content_based_deduplication_an_id_is_required_and_with_it_the_body_counts() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = fifo_queue(&client, "jobs.fifo", &[]).await;
    let bare = client.send_message().queue_url(&url).message_body("x").message_group_id("g");
    assert_eq!(code(bare.clone().send().await), "InvalidParameterValue");
    let on = client.set_queue_attributes().queue_url(&url);
    on.attributes(Name::ContentBasedDeduplication, "true").send().await.unwrap();
    let first = bare.clone().send().await.unwrap().message_id;
    let other_attributes = bare.clone().message_attributes("k", text("v")).send().await.unwrap();
    assert_eq!(other_attributes.message_id, first);
    let own_id = bare.clone().message_deduplication_id("own").send().await.unwrap();
    assert_ne!(own_id.message_id, first);
    // sha256("x")
    let hash = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    let same = bare.message_body("y").message_deduplication_id(hash).send().await.unwrap();
    assert_eq!(same.message_id, first, "the generated id is the hash itself");
    let received = receive(&client, &url).await;
    assert_eq!(received[0].attributes().unwrap()[&System::MessageDeduplicationId], hash);
    assert_eq!(received[0].attributes().unwrap()[&System::MessageGroupId], "g");
}

/// SQS API reference, SendMessage, `MessageGroupId` and `MessageDeduplicationId`: required on FIFO
/// queues; 128 letters, digits and punctuation.
#[tokio::test]
async fn group_and_deduplication_ids_are_checked() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = fifo_queue(&client, "jobs.fifo", &[]).await;
    let no_group = client.send_message().queue_url(&url).message_body("y");
    let no_group = no_group.message_deduplication_id("d");
    assert_eq!(code(no_group.send().await), "MissingParameter");
    let with = |group: &str, id: &str| {
        let request = client.send_message().queue_url(&url).message_body("y");
        request.message_group_id(group).message_deduplication_id(id).send()
    };
    let (longest, too_long) = ("g".repeat(128), "g".repeat(129));
    for (group, id) in
        [(too_long.as_str(), "d"), ("g", too_long.as_str()), ("a b", "d"), ("é", "d")]
    {
        assert_eq!(code(with(group, id).await), "InvalidParameterValue", "{group} {id}");
    }
    with(&longest, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~").await.unwrap();
}

/// SQS Developer Guide, "Amazon SQS fair queues": a group id on a standard queue names the tenant;
/// it orders and blocks nothing. A deduplication id is for FIFO queues only.
#[tokio::test(start_paused = true)]
async fn a_standard_queue_keeps_the_group_id_blocks_nothing_and_refuses_a_deduplication_id() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    let grouped = client.send_message().queue_url(&url).message_body("x").message_group_id("acme");
    grouped.clone().send().await.unwrap();
    grouped.clone().send().await.unwrap();
    let got = receive_up_to(&client, &url, 1).await;
    assert_eq!(got[0].attributes().unwrap()[&System::MessageGroupId], "acme");
    assert_eq!(receive(&client, &url).await.len(), 1, "its neighbour is not held back");
    let refused = grouped.message_deduplication_id("d").send().await;
    assert_eq!(code(refused), "InvalidParameterValue");
}
