use aws_lambda_events::event::dynamodb::Event as DynamoDbEvent;
use serde_json::json;

use super::*;
use crate::Storage;
use crate::clock::VirtualClock;
use crate::testing::Folder;

/// Lambda Developer Guide, "Process DynamoDB records with Lambda": example event, filters.
#[tokio::test(start_paused = true)]
async fn a_write_becomes_a_stream_event_unless_the_filter_drops_it() {
    let cloud = testing::cloud();
    let client = outbox(&cloud);
    let script = Script::ok();
    let mappings = Mappings::new(&cloud, script.clone());
    mappings.map_stream(outbox_mapping()).unwrap();
    put(&client, "T#a", "1", "pending").await;
    put(&client, "T#a", "2", "sent").await;
    mappings.quiesce().await;
    assert_eq!(script.batches(), [["1"]]);
    let event: DynamoDbEvent = serde_json::from_value(script.events().remove(0)).unwrap();
    assert_eq!(event.records[0].event_name, "INSERT");
    assert_eq!(event.records[0].aws_region, "us-east-1");
    assert!(event.records[0].event_source_arn.as_deref().unwrap().contains("talaria-outbox"));
}

/// Lambda Developer Guide, "Using Lambda with DynamoDB Streams": bisect, retries, partial failures.
#[tokio::test(start_paused = true)]
async fn a_poison_record_is_isolated_tried_four_times_and_given_up() {
    let cloud = testing::cloud();
    let client = outbox(&cloud);
    let script = Script::new(|event| match items(event).contains(&"bad".to_owned()) {
        true => Err(InvokeError::Failed("poison".to_owned())),
        false => Ok(Value::Null),
    });
    let mappings = Mappings::new(&cloud, script.clone());
    for sk in ["1", "bad", "3", "4"] {
        put(&client, "T#a", sk, "pending").await;
    }
    mappings.map_stream(StreamMapping { parallelization: 1, ..outbox_mapping() }).unwrap();
    mappings.quiesce().await;
    let alone = script.batches().iter().filter(|batch| **batch == ["bad"]).count();
    assert_eq!(alone, 4);
    let handled = |sk: &str| {
        script
            .batches()
            .iter()
            .any(|b| b.contains(&sk.to_owned()) && !b.contains(&"bad".to_owned()))
    };
    assert!(handled("1") && handled("3") && handled("4"));
    let given_up = mappings.discarded();
    assert_eq!((given_up.len(), given_up[0].reason), (1, "retries"));
}

#[tokio::test(start_paused = true)]
async fn a_partial_failure_repeats_from_the_first_failed_record() {
    let cloud = testing::cloud();
    let client = outbox(&cloud);
    let failed_once = Mutex::new(false);
    let script = Script::new(move |event| {
        let records = event["Records"].as_array().unwrap();
        let second = records.iter().find(|r| r["dynamodb"]["NewImage"]["sk"]["S"] == "2");
        let mut failed_once = failed_once.lock().unwrap();
        match second.filter(|_| !std::mem::replace(&mut *failed_once, true)) {
            None => Ok(Value::Null),
            Some(record) => {
                let id = &record["dynamodb"]["SequenceNumber"];
                Ok(serde_json::json!({ "batchItemFailures": [{ "itemIdentifier": id }] }))
            }
        }
    });
    for sk in ["1", "2", "3"] {
        put(&client, "T#a", sk, "pending").await;
    }
    let mappings = Mappings::new(&cloud, script.clone());
    mappings.map_stream(StreamMapping { parallelization: 1, ..outbox_mapping() }).unwrap();
    mappings.quiesce().await;
    assert_eq!(script.batches(), [vec!["1", "2", "3"], vec!["2", "3"]]);
}

#[tokio::test(start_paused = true)]
async fn a_restart_goes_on_after_the_last_record_handled() {
    let folder = Folder::new("streams");
    let run = |sk: &'static str| {
        let storage = Storage::Folder(folder.0.clone());
        async move {
            let cloud = Cloud::open(storage, VirtualClock::from_system()).unwrap();
            let client = outbox(&cloud);
            let script = Script::ok();
            let mappings = Mappings::new(&cloud, script.clone());
            put(&client, "T#a", sk, "pending").await;
            mappings.map_stream(outbox_mapping()).unwrap();
            mappings.quiesce().await;
            mappings.stop();
            tokio::task::yield_now().await;
            script.batches().concat()
        }
    };
    assert_eq!(run("1").await, ["1"]);
    assert_eq!(run("2").await, ["2"]);
}

/// Lambda Developer Guide, "Retry attempts for DynamoDB event sources": without bisect the whole
/// batch is tried again, `MaximumRetryAttempts` times after the first, then given up.
#[tokio::test(start_paused = true)]
async fn a_batch_that_is_not_split_is_tried_again_as_a_whole_and_then_given_up() {
    for retries in [0, 3] {
        let cloud = testing::cloud();
        let client = outbox(&cloud);
        let script = Script::new(|_| Err(InvokeError::Failed("always".to_owned())));
        let mappings = Mappings::new(&cloud, script.clone());
        put(&client, "T#a", "1", "pending").await;
        put(&client, "T#a", "2", "pending").await;
        let mapping =
            StreamMapping { bisect: false, parallelization: 1, retries, ..outbox_mapping() };
        mappings.map_stream(mapping).unwrap();
        mappings.quiesce().await;
        assert_eq!(script.batches(), vec![["1", "2"]; 1 + retries as usize]);
        assert_eq!(mappings.discarded().len(), 2);
    }
}

/// Lambda API reference, CreateEventSourceMapping, `MaximumRecordAgeInSeconds`: older records are
/// given up unseen; the age counts from the write.
#[tokio::test(start_paused = true)]
async fn a_record_older_than_the_maximum_age_is_given_up() {
    let cloud = testing::cloud();
    let client = outbox(&cloud);
    let script = Script::ok();
    let mappings = Mappings::new(&cloud, script.clone());
    put(&client, "T#a", "old", "pending").await;
    cloud.clock().advance(1_000);
    put(&client, "T#a", "young", "pending").await;
    cloud.clock().advance(3_600_000);
    mappings.map_stream(outbox_mapping()).unwrap();
    mappings.quiesce().await;
    assert_eq!(script.batches(), [["young"]]);
    let given_up = mappings.discarded();
    assert_eq!((given_up.len(), given_up[0].reason), (1, "age"));
}

/// Lambda Developer Guide, "Configuring partial batch response with DynamoDB and Lambda": of
/// several failed records the lowest is the checkpoint; an answer that cannot be read fails the
/// batch.
#[tokio::test(start_paused = true)]
async fn the_lowest_failed_record_is_the_checkpoint_and_a_garbled_answer_fails_all() {
    let named = |sequence: &Value| json!({ "itemIdentifier": sequence });
    for (garbled, second) in [(false, vec!["2", "3", "4"]), (true, vec!["1", "2", "3", "4"])] {
        let cloud = testing::cloud();
        let client = outbox(&cloud);
        let runs = Mutex::new(0);
        let script = Script::new(move |event| {
            let mut runs = runs.lock().unwrap();
            *runs += 1;
            let sequence = |at: usize| &event["Records"][at]["dynamodb"]["SequenceNumber"];
            Ok(match (*runs, garbled) {
                (1, false) => {
                    json!({ "batchItemFailures": [named(sequence(3)), named(sequence(1))] })
                }
                (1, true) => json!({ "batchItemFailures": [named(&json!(""))] }),
                _ => Value::Null,
            })
        });
        for sk in ["1", "2", "3", "4"] {
            put(&client, "T#a", sk, "pending").await;
        }
        let mappings = Mappings::new(&cloud, script.clone());
        let mapping = StreamMapping { bisect: false, parallelization: 1, ..outbox_mapping() };
        mappings.map_stream(mapping).unwrap();
        mappings.quiesce().await;
        assert_eq!(script.batches(), [vec!["1", "2", "3", "4"], second]);
    }
}

/// Lambda API reference, CreateEventSourceMapping, `ParallelizationFactor`: several batches at
/// once, and still every item's records in order.
#[tokio::test(start_paused = true)]
async fn records_of_one_item_stay_in_order_however_many_batches_run_at_once() {
    let cloud = testing::cloud();
    let client = outbox(&cloud);
    let script = Script::taking(Duration::from_secs(1), |_| Ok(Value::Null));
    let mappings = Mappings::new(&cloud, script.clone());
    for round in 0..3 {
        for item in 0..8 {
            let text = |value: String| AttributeValue::S(value);
            let update = client.update_item().table_name("talaria-outbox");
            let update = update.key("pk", text("T#a".to_owned())).key("sk", text(item.to_string()));
            let update = update.update_expression("SET #s = :s, n = :n");
            let update = update.expression_attribute_names("#s", "status");
            let update = update.expression_attribute_values(":s", text("pending".to_owned()));
            let round = AttributeValue::N(round.to_string());
            update.expression_attribute_values(":n", round).send().await.unwrap();
        }
    }
    mappings.map_stream(StreamMapping { batch_size: 1, ..outbox_mapping() }).unwrap();
    mappings.quiesce().await;
    assert!((2..=10).contains(&script.most_at_once()), "{}", script.most_at_once());
    for item in (0..8).map(|item| item.to_string()) {
        let events = script.events();
        let images = events.iter().map(|event| &event["Records"][0]["dynamodb"]["NewImage"]);
        let own = images.filter(|image| image["sk"]["S"] == item);
        let rounds: Vec<_> = own.map(|image| image["n"]["N"].as_str().unwrap()).collect();
        assert_eq!(rounds, ["0", "1", "2"], "item {item}");
    }
}
