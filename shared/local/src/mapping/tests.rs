use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lambda_events::event::dynamodb::Event as DynamoDbEvent;
use aws_lambda_events::event::sqs::SqsEvent;
use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::FutureExt;

use super::*;
use crate::Storage;
use crate::aws::dynamodb::TableSpec;
use crate::aws::sqs::{MessageAttribute, NewMessage, queue_arn};
use crate::clock::VirtualClock;
use crate::fault::{DeliveryFault, FaultPlan};
use crate::testing::{self, Folder, NOON_MS};

type Answers = dyn Fn(&Value) -> Result<Value, InvokeError> + Send + Sync;

/// Records every event and answers by a closure, after `takes` of (paused) time.
struct Script {
    events: Mutex<Vec<Value>>,
    running: Arc<Mutex<(usize, usize)>>,
    takes: Duration,
    answer: Box<Answers>,
}

impl Script {
    fn new(
        answer: impl Fn(&Value) -> Result<Value, InvokeError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Self::taking(Duration::ZERO, answer)
    }

    fn taking(
        takes: Duration,
        answer: impl Fn(&Value) -> Result<Value, InvokeError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let answer = Box::new(answer);
        Arc::new(Self { events: Mutex::default(), running: Arc::default(), takes, answer })
    }

    fn ok() -> Arc<Self> {
        Self::new(|_| Ok(Value::Null))
    }

    fn events(&self) -> Vec<Value> {
        self.events.lock().unwrap().clone()
    }

    /// The bodies, or item ids, of each event in order.
    fn batches(&self) -> Vec<Vec<String>> {
        self.events().iter().map(items).collect()
    }

    fn most_at_once(&self) -> usize {
        self.running.lock().unwrap().1
    }
}

fn items(event: &Value) -> Vec<String> {
    let records = event["Records"].as_array().unwrap().iter();
    records
        .map(|record| match record["body"].as_str() {
            Some(body) => body.to_owned(),
            None => record["dynamodb"]["NewImage"]["sk"]["S"].as_str().unwrap().to_owned(),
        })
        .collect()
}

impl Invoker for Script {
    fn invoke(&self, _: &str, event: Value) -> BoxFuture<'static, Result<Value, InvokeError>> {
        let answer = (self.answer)(&event);
        self.events.lock().unwrap().push(event);
        let (running, takes) = (self.running.clone(), self.takes);
        async move {
            {
                let mut running = running.lock().unwrap();
                running.0 += 1;
                running.1 = running.1.max(running.0);
            }
            tokio::time::sleep(takes).await;
            running.lock().unwrap().0 -= 1;
            answer
        }
        .boxed()
    }
}

fn send(cloud: &Cloud, queue: &str, body: &str) {
    let group = queue.ends_with(".fifo").then(|| body.chars().take(1).collect());
    let deduplication = group.as_ref().map(|_: &String| body.to_owned());
    let message = NewMessage { body: body.to_owned(), group, deduplication, ..Default::default() };
    cloud.queues().send(queue, message).unwrap();
}

fn mapped_queue(
    queue: &str,
    invoker: Arc<Script>,
    maximum_concurrency: usize,
) -> (Cloud, Mappings) {
    let cloud = testing::cloud();
    let fifo = queue.ends_with(".fifo").then(|| ("FifoQueue", "true".to_owned()));
    cloud.queues().ensure(queue, fifo).unwrap();
    let mappings = Mappings::new(&cloud, invoker);
    mappings
        .map_queue(QueueMapping {
            queue: queue.to_owned(),
            function: "user.on_event".to_owned(),
            batch_size: 10,
            maximum_concurrency,
            partial_failures: true,
        })
        .unwrap();
    (cloud, mappings)
}

/// Lambda Developer Guide, "Using Lambda with Amazon SQS": example events.
#[tokio::test(start_paused = true)]
async fn a_message_becomes_an_event_that_the_lambda_types_read_and_is_deleted() {
    let script = Script::ok();
    let (cloud, mappings) = mapped_queue("jobs", script.clone(), 2);
    let attributes = [("type".to_owned(), MessageAttribute::text("user.created"))].into();
    let message = NewMessage { body: "hello".to_owned(), attributes, ..Default::default() };
    let sent = cloud.queues().send("jobs", message).unwrap();
    mappings.quiesce().await;
    let event: SqsEvent = serde_json::from_value(script.events().remove(0)).unwrap();
    let record = &event.records[0];
    assert_eq!(record.message_id.as_deref(), Some(sent.id.as_str()));
    assert_eq!(record.body.as_deref(), Some("hello"));
    assert_eq!(record.attributes["ApproximateReceiveCount"], "1");
    assert_eq!(record.message_attributes["type"].string_value.as_deref(), Some("user.created"));
    assert_eq!(record.event_source_arn.as_deref(), Some(queue_arn("jobs").as_str()));
    assert_eq!(cloud.queues().depth("jobs").unwrap(), Default::default());
}

/// Lambda Developer Guide, "Implementing partial batch responses".
#[tokio::test(start_paused = true)]
async fn failed_items_come_again_after_their_visibility_and_others_do_not() {
    let script = Script::new(|event| {
        let bad = event["Records"].as_array().unwrap().iter().filter(|r| r["body"] == "bad");
        let failures: Vec<_> =
            bad.map(|r| serde_json::json!({ "itemIdentifier": r["messageId"] })).collect();
        Ok(serde_json::json!({ "batchItemFailures": failures }))
    });
    let (cloud, mappings) = mapped_queue("jobs", script.clone(), 1);
    for body in ["good", "bad", "fine"] {
        send(&cloud, "jobs", body);
    }
    mappings.quiesce().await;
    assert_eq!(script.batches(), [["good", "bad", "fine"]]);
    assert_eq!(cloud.queues().depth("jobs").unwrap().in_flight, 1);
    cloud.clock().advance(30_000);
    mappings.quiesce().await;
    assert_eq!(script.batches()[1..], [["bad"]]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_crashed_or_timed_out_invocation_deletes_nothing() {
    for error in [InvokeError::Failed("x".to_owned()), InvokeError::Crashed, InvokeError::TimedOut]
    {
        let script = Script::new(move |_| Err(error.clone()));
        let (cloud, mappings) = mapped_queue("jobs", script.clone(), 1);
        send(&cloud, "jobs", "m");
        mappings.quiesce().await;
        assert_eq!(cloud.queues().depth("jobs").unwrap().in_flight, 1);
        cloud.clock().advance(30_000);
        mappings.quiesce().await;
        assert_eq!(script.events().len(), 2);
    }
}

/// Lambda Developer Guide, "Configuring scaling behavior for SQS event source mappings".
#[tokio::test(start_paused = true)]
async fn no_more_invocations_run_at_once_than_allowed() {
    let script = Script::taking(Duration::from_secs(1), |_| Ok(Value::Null));
    let (cloud, mappings) = mapped_queue("jobs", script.clone(), 2);
    for number in 0..50 {
        send(&cloud, "jobs", &number.to_string());
    }
    mappings.quiesce().await;
    assert_eq!(script.most_at_once(), 2);
    assert_eq!(script.batches().iter().map(Vec::len).sum::<usize>(), 50);
    assert!(script.batches().iter().all(|batch| batch.len() <= 10));
}

/// Lambda Developer Guide, "Using Lambda with Amazon SQS": FIFO queues keep the order of a group.
#[tokio::test(start_paused = true)]
async fn a_fifo_group_is_handled_in_order_however_many_run_at_once() {
    let script = Script::taking(Duration::from_secs(1), |_| Ok(Value::Null));
    let (cloud, mappings) = mapped_queue("jobs.fifo", script.clone(), 50);
    for body in ["a1", "b1", "a2", "b2", "a3"] {
        send(&cloud, "jobs.fifo", body);
    }
    mappings.quiesce().await;
    let order: Vec<String> = script.batches().concat();
    for group in ["a", "b"] {
        let own: Vec<_> = order.iter().filter(|body| body.starts_with(group)).collect();
        let mut sorted = own.clone();
        sorted.sort();
        assert_eq!(own, sorted);
    }
    assert_eq!(order.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_delayed_message_is_dispatched_when_the_clock_gets_there() {
    let script = Script::ok();
    let (cloud, mappings) = mapped_queue("jobs", script.clone(), 1);
    let message = NewMessage { body: "m".to_owned(), delay_s: Some(60), ..Default::default() };
    cloud.queues().send("jobs", message).unwrap();
    mappings.quiesce().await;
    assert_eq!(script.events().len(), 0);
    assert_eq!(cloud.clock().now_ms(), NOON_MS);
    cloud.clock().advance(60_000);
    mappings.quiesce().await;
    assert_eq!(script.events().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_disabled_mapping_waits_and_a_stopped_one_ends() {
    let script = Script::ok();
    let (cloud, mappings) = mapped_queue("jobs", script.clone(), 1);
    mappings.enable("user.on_event", false);
    send(&cloud, "jobs", "m");
    mappings.quiesce().await;
    assert_eq!(script.events().len(), 0);
    mappings.enable("user.on_event", true);
    mappings.quiesce().await;
    assert_eq!(script.events().len(), 1);
    mappings.stop();
    send(&cloud, "jobs", "n");
    mappings.quiesce().await;
    assert_eq!(script.events().len(), 1);
}

fn outbox_mapping() -> StreamMapping {
    StreamMapping {
        table: "talaria-outbox".to_owned(),
        function: "platform.relay".to_owned(),
        batch_size: 100,
        parallelization: 10,
        filter: Some(serde_json::json!({"dynamodb": {"NewImage": {"status": {"S": ["pending"]}}}})),
        retries: 3,
        max_age_ms: 3_600_000,
        bisect: true,
        partial_failures: true,
    }
}

fn outbox(cloud: &Cloud) -> aws_sdk_dynamodb::Client {
    let spec = TableSpec { stream: true, ..TableSpec::named("talaria-outbox") };
    cloud.tables().ensure(&spec).unwrap();
    testing::dynamodb(cloud)
}

async fn put(client: &aws_sdk_dynamodb::Client, pk: &str, sk: &str, status: &str) {
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let request = client.put_item().table_name("talaria-outbox").item("pk", text(pk));
    request.item("sk", text(sk)).item("status", text(status)).send().await.unwrap();
}

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

#[tokio::test]
async fn a_mapping_to_nothing_is_refused_with_its_name() {
    let cloud = testing::cloud();
    let mappings = Mappings::new(&cloud, Script::ok());
    let none = QueueMapping {
        queue: "none".to_owned(),
        function: "f".to_owned(),
        batch_size: 1,
        maximum_concurrency: 1,
        partial_failures: true,
    };
    assert!(mappings.map_queue(none).unwrap_err().to_string().contains("none"));
    assert!(mappings.map_stream(outbox_mapping()).is_err());
    outbox(&cloud);
    let filter = Some(serde_json::json!({"dynamodb": "pending"}));
    let bad = mappings.map_stream(StreamMapping { filter, ..outbox_mapping() });
    assert!(matches!(bad, Err(MappingError::BadFilter { .. })));
}

#[tokio::test(start_paused = true)]
async fn each_delivery_fault_does_what_its_name_says() {
    // (fault, invocations, receive count of the last one, messages left in flight)
    let cases = [
        (DeliveryFault::Twice, 2, "1", 0),
        (DeliveryFault::Late(500), 1, "1", 0),
        (DeliveryFault::Lost, 0, "", 1),
        (DeliveryFault::EarlyVisibility, 2, "2", 0),
    ];
    for (fault, invocations, receives, left) in cases {
        let script = Script::taking(Duration::from_secs(1), |_| Ok(Value::Null));
        let (cloud, mappings) = mapped_queue("jobs", script.clone(), 2);
        cloud.faults().inject_delivery(FaultPlan::Nth { n: 1, fault });
        send(&cloud, "jobs", "m");
        mappings.quiesce().await;
        let events = script.events();
        assert_eq!(events.len(), invocations, "{fault:?}");
        if let Some(event) = events.last() {
            let attributes = &event["Records"][0]["attributes"];
            assert_eq!(attributes["ApproximateReceiveCount"], receives, "{fault:?}");
        }
        assert_eq!(cloud.queues().depth("jobs").unwrap().in_flight, left, "{fault:?}");
        assert_eq!(cloud.faults().fired_deliveries().len(), 1);
    }
}
