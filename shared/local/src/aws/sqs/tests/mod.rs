//! Conformance: what the SQS documentation promises, asked through the real SDK client. Every test
//! names the page it holds us to.

mod batches;
mod delay;
mod durability;
mod fifo;
mod messages;
mod queues;
mod redrive;
mod visibility;

use std::collections::HashMap;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{
    Message as SdkMessage, MessageAttributeValue, MessageSystemAttributeName as System,
    QueueAttributeName as Name,
};

async fn queue(client: &Client, name: &str, attributes: &[(Name, &str)]) -> String {
    let attributes: HashMap<_, _> =
        attributes.iter().map(|(name, value)| (name.clone(), (*value).to_owned())).collect();
    let request = client.create_queue().queue_name(name).set_attributes(Some(attributes));
    request.send().await.unwrap().queue_url.unwrap()
}

async fn fifo_queue(client: &Client, name: &str, attributes: &[(Name, &str)]) -> String {
    let attributes = [&[(Name::FifoQueue, "true")], attributes].concat();
    queue(client, name, &attributes).await
}

async fn send(client: &Client, url: &str, body: &str) -> String {
    let request = client.send_message().queue_url(url).message_body(body);
    request.send().await.unwrap().message_id.unwrap()
}

/// Sends to a group, the body being the deduplication id.
async fn send_fifo(client: &Client, url: &str, group: &str, body: &str) -> String {
    let request = client.send_message().queue_url(url).message_body(body);
    let request = request.message_group_id(group).message_deduplication_id(body);
    request.send().await.unwrap().message_id.unwrap()
}

async fn receive(client: &Client, url: &str) -> Vec<SdkMessage> {
    receive_up_to(client, url, 10).await
}

async fn receive_up_to(client: &Client, url: &str, limit: i32) -> Vec<SdkMessage> {
    let request = client.receive_message().queue_url(url).max_number_of_messages(limit);
    let request = request.message_system_attribute_names(System::All);
    request.message_attribute_names("All").send().await.unwrap().messages.unwrap_or_default()
}

fn bodies(messages: &[SdkMessage]) -> Vec<&str> {
    messages.iter().map(|message| message.body().unwrap()).collect()
}

fn receives(message: &SdkMessage) -> &str {
    &message.attributes().unwrap()[&System::ApproximateReceiveCount]
}

async fn delete(client: &Client, url: &str, message: &SdkMessage) {
    let handle = message.receipt_handle().unwrap();
    client.delete_message().queue_url(url).receipt_handle(handle).send().await.unwrap();
}

fn text(value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder().data_type("String").string_value(value).build().unwrap()
}

fn code<T: std::fmt::Debug, E: ProvideErrorMetadata, R>(
    result: Result<T, SdkError<E, R>>,
) -> String {
    match result {
        Ok(answer) => panic!("expected a refusal, got {answer:?}"),
        Err(error) => error.code().unwrap_or("none").to_owned(),
    }
}
