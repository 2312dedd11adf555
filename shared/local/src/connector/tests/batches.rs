use aws_sdk_dynamodb::types::{KeysAndAttributes, PutRequest, WriteRequest};
use aws_sdk_sns::types::PublishBatchRequestEntry;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, SendMessageBatchRequestEntry};

use super::*;

/// Refuses the entry at this position of the first call of an invocation.
async fn refused_at<F: Future>(cloud: &Cloud, position: u64, calls: F) -> F::Output {
    let fault = Fault::EntryRefused(position);
    cloud.faults().inject(FaultPlan::Nth { n: 1, fault });
    let output = Invocation::new("platform.relay", "r").run(calls).await.unwrap();
    assert_eq!(cloud.faults().schedule().calls, [(1, fault)]);
    output
}

#[tokio::test]
async fn one_entry_of_a_publish_batch_is_refused_for_the_services_fault_and_the_others_are_out() {
    let cloud = testing::cloud();
    let client = testing::sns(&cloud);
    let topic = client.create_topic().name("events").send().await.unwrap().topic_arn.unwrap();
    cloud.queues().ensure("q", []).unwrap();
    let arn = crate::aws::sqs::queue_arn("q");
    let subscribe = client.subscribe().topic_arn(&topic).protocol("sqs").endpoint(arn);
    subscribe.attributes("RawMessageDelivery", "true").send().await.unwrap();
    let entry = |id: &str| PublishBatchRequestEntry::builder().id(id).message(id).build().unwrap();
    let batch = || {
        let request = client.publish_batch().topic_arn(&topic);
        let entries = ["a", "b", "c"].map(entry).to_vec();
        request.set_publish_batch_request_entries(Some(entries)).send()
    };
    let answer = refused_at(&cloud, 1, batch()).await.unwrap();
    let done: Vec<_> = answer.successful().iter().filter_map(|done| done.id()).collect();
    assert_eq!(done, ["a", "c"]);
    let failed = &answer.failed()[0];
    assert_eq!((failed.id(), failed.sender_fault()), ("b", false));
    let bodies: Vec<_> =
        cloud.queues().peek("q", 10).unwrap().into_iter().map(|message| message.body).collect();
    assert_eq!(bodies, ["a", "c"]);
    let next = Invocation::new("platform.relay", "r").run(batch()).await.unwrap().unwrap();
    assert_eq!(next.successful().len(), 3, "once");
}

#[tokio::test]
async fn one_entry_of_a_queue_batch_is_refused_and_a_single_call_passes_unharmed() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    cloud.queues().ensure("q", []).unwrap();
    let entry =
        |id: &str| SendMessageBatchRequestEntry::builder().id(id).message_body(id).build().unwrap();
    let entries = || Some(vec![entry("a"), entry("b")]);
    let send = client.send_message_batch().queue_url("q").set_entries(entries()).send();
    let answer = refused_at(&cloud, 1, send).await.unwrap();
    assert_eq!((answer.successful()[0].id(), answer.failed()[0].id()), ("a", "b"));
    assert!(!answer.failed()[0].sender_fault());
    let got = client.receive_message().queue_url("q").send().await.unwrap();
    let delete = DeleteMessageBatchRequestEntry::builder().id("a");
    let delete = delete.receipt_handle(got.messages()[0].receipt_handle().unwrap());
    let delete = client.delete_message_batch().queue_url("q").entries(delete.build().unwrap());
    cloud.faults().reset();
    let answer = refused_at(&cloud, 1, delete.send()).await.unwrap();
    assert_eq!(answer.failed()[0].id(), "a", "an entry alone in its batch can be refused too");
    assert_eq!(cloud.queues().depth("q").unwrap().in_flight, 1);
    cloud.faults().reset();
    let single = client.send_message().queue_url("q").message_body("c").send();
    refused_at(&cloud, 1, single).await.unwrap();
    assert_eq!(cloud.queues().depth("q").unwrap().waiting, 1);
}

#[tokio::test]
async fn one_entry_of_a_table_batch_stays_unprocessed_and_can_be_sent_again() {
    let (cloud, client) = orders();
    let write = |pk: &str| {
        let put = PutRequest::builder().item("pk", text(pk)).item("sk", text("1"));
        WriteRequest::builder().put_request(put.build().unwrap()).build()
    };
    let writes = ["T#a#0", "T#a#1", "T#a#2"].map(write).to_vec();
    let batch = |writes: Vec<WriteRequest>| {
        client.batch_write_item().request_items("talaria-orders", writes).send()
    };
    let answer = refused_at(&cloud, 1, batch(writes)).await.unwrap();
    let left = answer.unprocessed_items.unwrap().remove("talaria-orders").unwrap();
    assert_eq!(left.len(), 1);
    let there = [exists(&client, "T#a#0").await, exists(&client, "T#a#1").await];
    assert_eq!(there, [true, false]);
    batch(left.clone()).await.unwrap();
    assert!(exists(&client, "T#a#1").await);
    cloud.faults().reset();
    let alone = refused_at(&cloud, 1, batch(left)).await.unwrap();
    assert!(alone.unprocessed_items.is_none_or(|left| left.is_empty()));

    let key = |pk: &str| [("pk".to_owned(), text(pk)), ("sk".to_owned(), text("1"))].into();
    let keys = ["T#a#0", "T#a#1", "T#a#2"].map(key).to_vec();
    let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true);
    let keys = keys.build().unwrap();
    cloud.faults().reset();
    let read = client.batch_get_item().request_items("talaria-orders", keys).send();
    let answer = refused_at(&cloud, 1, read).await.unwrap();
    assert_eq!(answer.responses.unwrap()["talaria-orders"].len(), 2);
    let left = &answer.unprocessed_keys.unwrap()["talaria-orders"];
    assert_eq!(left.keys()[0]["pk"], text("T#a#1"));
    assert_eq!(left.consistent_read(), Some(true), "options stay with the key");
}
