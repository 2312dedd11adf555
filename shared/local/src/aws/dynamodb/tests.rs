use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};

use super::*;
use crate::testing::{self, Folder, NOON_MS};
use crate::{Cloud, OpenError, Storage};

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn outbox() -> TableSpec {
    TableSpec {
        indexes: vec![IndexSpec {
            name: "due".to_owned(),
            partition_key: "due_pk".to_owned(),
            sort_key: Some(("due_at_ms".to_owned(), KeyType::Number)),
            projection: Projection::KeysOnly,
        }],
        ttl_attribute: Some("expires_at".to_owned()),
        stream: true,
        ..TableSpec::named("talaria-outbox")
    }
}

async fn put(client: &Client, pk: &str, expires_at: i64) {
    client
        .put_item()
        .table_name("talaria-outbox")
        .item("pk", text(pk))
        .item("sk", text("1"))
        .item("due_pk", text("T#_sys#DUE#00"))
        .item("due_at_ms", AttributeValue::N("5".to_owned()))
        .item("expires_at", AttributeValue::N(expires_at.to_string()))
        .send()
        .await
        .unwrap();
}

async fn count(client: &Client) -> i32 {
    client.scan().table_name("talaria-outbox").send().await.unwrap().count
}

/// Developer Guide, "Working with queries": an index is queried like a table.
#[tokio::test]
async fn a_declared_table_answers_the_sdk_through_its_index() {
    let cloud = testing::cloud();
    cloud.tables().ensure(&outbox()).unwrap();
    let client = testing::dynamodb(&cloud);
    put(&client, "T#a#1", 0).await;
    let found = client
        .query()
        .table_name("talaria-outbox")
        .index_name("due")
        .key_condition_expression("due_pk = :p AND due_at_ms <= :now")
        .expression_attribute_values(":p", text("T#_sys#DUE#00"))
        .expression_attribute_values(":now", AttributeValue::N("10".to_owned()))
        .send()
        .await
        .unwrap();
    assert_eq!(found.items()[0]["pk"], text("T#a#1"));
}

/// API reference, TransactWriteItems: `CancellationReasons` has one entry per action, with the old
/// item where `ReturnValuesOnConditionCheckFailure` asked for it.
#[tokio::test]
async fn a_canceled_transaction_returns_the_old_item_and_changes_nothing() {
    let cloud = testing::cloud();
    cloud.tables().ensure(&outbox()).unwrap();
    let client = testing::dynamodb(&cloud);
    put(&client, "T#a#1", 7).await;
    let action = |pk: &str| {
        let put = Put::builder()
            .table_name("talaria-outbox")
            .item("pk", text(pk))
            .item("sk", text("1"))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .unwrap();
        TransactWriteItem::builder().put(put).build()
    };
    let answer = client
        .transact_write_items()
        .transact_items(action("T#a#2"))
        .transact_items(action("T#a#1"))
        .send()
        .await;
    let error = answer.unwrap_err().into_service_error();
    let TransactWriteItemsError::TransactionCanceledException(canceled) = error else {
        panic!("{error:?}")
    };
    let reasons = canceled.cancellation_reasons();
    assert_eq!(reasons[0].code(), Some("None"));
    assert_eq!(reasons[1].code(), Some("ConditionalCheckFailed"));
    let old = reasons[1].item().unwrap();
    assert_eq!(old["expires_at"], AttributeValue::N("7".to_owned()));
    assert_eq!(count(&client).await, 1);
}

/// Developer Guide, "Using time to live (TTL)": epoch seconds, number type; older than five years
/// is ignored.
#[tokio::test(start_paused = true)]
async fn an_expired_item_is_gone_after_the_sweep_and_others_stay() {
    let cloud = testing::cloud();
    cloud.tables().ensure(&outbox()).unwrap();
    let client = testing::dynamodb(&cloud);
    let noon_s = NOON_MS / 1000;
    put(&client, "soon", noon_s + 60).await;
    put(&client, "later", noon_s + 120).await;
    put(&client, "ancient", 1).await;
    assert_eq!(cloud.tables().sweep_expired().await.unwrap(), 0);
    cloud.clock().advance(60_000);
    assert_eq!(cloud.tables().sweep_expired().await.unwrap(), 1);
    assert_eq!(count(&client).await, 2);
}

/// Developer Guide, "Change data capture for DynamoDB Streams": records of one item in order, each
/// once, with the view the stream was made with.
#[tokio::test]
async fn a_write_rings_the_bell_and_appears_once_on_the_stream() {
    let cloud = testing::cloud();
    cloud.tables().ensure(&outbox()).unwrap();
    let client = testing::dynamodb(&cloud);
    let mut bell = cloud.tables().bell("talaria-outbox");
    put(&client, "T#a#1", 0).await;
    put(&client, "T#a#1", 1).await;
    assert!(bell.has_changed().unwrap());
    bell.mark_unchanged();
    let records = cloud.tables().stream_after("talaria-outbox", None, 100).unwrap();
    let names: Vec<_> = records.iter().map(|r| r.event["eventName"].as_str().unwrap()).collect();
    assert_eq!(names, ["INSERT", "MODIFY"]);
    assert_eq!(records[1].event["dynamodb"]["NewImage"]["expires_at"]["N"], "1");
    assert_eq!(records[1].event["dynamodb"].get("OldImage"), None);
    let after = Some(records[0].sequence_number.as_str());
    assert_eq!(cloud.tables().stream_after("talaria-outbox", after, 100).unwrap().len(), 1);
    client
        .get_item()
        .table_name("talaria-outbox")
        .key("pk", text("T#a#1"))
        .key("sk", text("1"))
        .send()
        .await
        .unwrap();
    assert!(!bell.has_changed().unwrap(), "a read does not ring");
}

#[test]
fn ensuring_again_is_harmless_and_other_keys_are_refused() {
    let cloud = testing::cloud();
    let plain = TableSpec::named("talaria-outbox");
    cloud.tables().ensure(&plain).unwrap();
    cloud.tables().ensure(&outbox()).unwrap();
    cloud.tables().ensure(&outbox()).unwrap();
    assert_eq!(cloud.tables().keys_of("talaria-outbox").unwrap().index_keys["due"], "due_pk");
    let other = TableSpec { sort_key: None, ..plain };
    let error = cloud.tables().ensure(&other).unwrap_err().to_string();
    assert!(error.contains("pk and sk"), "{error}");
}

#[tokio::test]
async fn a_reopened_folder_has_what_was_written_and_one_owner() {
    let folder = Folder::new("tables");
    let open = || {
        let clock = crate::clock::VirtualClock::starting_at(NOON_MS);
        Cloud::open(Storage::Folder(folder.0.clone()), clock)
    };
    let cloud = open().unwrap();
    cloud.tables().ensure(&outbox()).unwrap();
    let client = testing::dynamodb(&cloud);
    put(&client, "T#a#1", 0).await;
    assert!(matches!(open(), Err(OpenError::InUse { .. })));
    drop((client, cloud));
    let cloud = open().unwrap();
    cloud.tables().ensure(&outbox()).unwrap();
    assert_eq!(count(&testing::dynamodb(&cloud)).await, 1);
    drop(cloud);
    std::fs::write(folder.0.join("VERSION"), "0\n").unwrap();
    let error = open().err().unwrap().to_string();
    assert!(error.contains("--memory"), "{error}");
}
