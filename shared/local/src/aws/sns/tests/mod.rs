//! Conformance: what the SNS documentation promises, asked through the real SDK client. Every test
//! names the page it holds us to.

mod batches;
mod delivery;
mod durability;
mod fifo;
mod filters;
mod topics;

use std::collections::HashMap;

use aws_sdk_sns::Client;
use aws_sdk_sns::error::ProvideErrorMetadata;
use aws_sdk_sns::types::MessageAttributeValue;

use crate::Cloud;
use crate::aws::sqs::{Message, queue_arn};

fn value(kind: &str, value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder().data_type(kind).string_value(value).build().unwrap()
}

fn text(text: &str) -> MessageAttributeValue {
    value("String", text)
}

/// Makes a queue; one whose name says so is FIFO.
fn queue(cloud: &Cloud, name: &str) {
    let fifo = name.ends_with(".fifo").then(|| ("FifoQueue", "true".to_owned()));
    cloud.queues().ensure(name, fifo).unwrap();
}

/// Makes a topic; one whose name says so is FIFO.
async fn topic(client: &Client, name: &str, attributes: &[(&str, &str)]) -> String {
    let fifo = name.ends_with(".fifo").then_some(("FifoTopic", "true"));
    let attributes = attributes.iter().copied().chain(fifo);
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let request = client.create_topic().name(name).set_attributes(Some(attributes.collect()));
    request.send().await.unwrap().topic_arn.unwrap()
}

/// Subscribes a queue, raw unless `more` says otherwise.
async fn subscribe(client: &Client, topic: &str, queue: &str, more: &[(&str, &str)]) -> String {
    let mut attributes = HashMap::from([("RawMessageDelivery".to_owned(), "true".to_owned())]);
    attributes.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let request = client.subscribe().topic_arn(topic).protocol("sqs").endpoint(queue_arn(queue));
    let answer = request.set_attributes(Some(attributes)).send().await.unwrap();
    answer.subscription_arn.unwrap()
}

fn messages(cloud: &Cloud, queue: &str) -> Vec<Message> {
    cloud.queues().peek(queue, 100).unwrap()
}

fn bodies(cloud: &Cloud, queue: &str) -> Vec<String> {
    messages(cloud, queue).into_iter().map(|message| message.body).collect()
}
