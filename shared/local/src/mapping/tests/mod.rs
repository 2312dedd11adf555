//! Conformance: what the Lambda documentation promises about event source mappings. Every test
//! names the page it holds us to, where there is one.

mod faults;
mod queues;
mod refusals;
mod streams;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::FutureExt;

use super::*;
use crate::aws::dynamodb::TableSpec;
use crate::aws::sqs::NewMessage;
use crate::testing;

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

fn queue_mapping(queue: &str) -> QueueMapping {
    QueueMapping {
        queue: queue.to_owned(),
        function: "user.on_event".to_owned(),
        batch_size: 10,
        maximum_concurrency: 2,
        partial_failures: true,
    }
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
    mappings.map_queue(QueueMapping { maximum_concurrency, ..queue_mapping(queue) }).unwrap();
    (cloud, mappings)
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
