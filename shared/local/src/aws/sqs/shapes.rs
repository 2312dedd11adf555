//! Requests in AWS JSON 1.0, as far as we read them (SQS API reference, "Actions").

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{MessageAttributes, SqsError, queue_name};
use crate::aws::Request;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OfQueue {
    pub queue_url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NamedQueue {
    pub queue_url: Option<String>,
    pub queue_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NameAndAttributes {
    #[serde(alias = "QueueUrl")]
    pub queue_name: String,
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Send {
    pub message_body: String,
    #[serde(default)]
    pub delay_seconds: Option<i64>,
    #[serde(default)]
    pub message_attributes: MessageAttributes,
    #[serde(default)]
    pub message_system_attributes: MessageAttributes,
    #[serde(default)]
    pub message_group_id: Option<String>,
    #[serde(default)]
    pub message_deduplication_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Entries<Entry> {
    pub queue_url: String,
    pub entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SendEntry {
    pub id: String,
    #[serde(flatten)]
    pub send: Send,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Receipt {
    #[serde(default)]
    pub id: String,
    pub receipt_handle: String,
    #[serde(default)]
    pub visibility_timeout: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Receive {
    pub queue_url: String,
    #[serde(default)]
    pub max_number_of_messages: Option<i64>,
    #[serde(default)]
    pub visibility_timeout: Option<i64>,
    #[serde(default)]
    pub wait_time_seconds: Option<i64>,
    #[serde(default)]
    pub message_system_attribute_names: Vec<String>,
    /// The older name of the same list.
    #[serde(default)]
    pub attribute_names: Vec<String>,
    #[serde(default)]
    pub message_attribute_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Move {
    pub source_arn: String,
    #[serde(default)]
    pub destination_arn: Option<String>,
    #[serde(default)]
    pub max_number_of_messages_per_second: Option<i64>,
}

/// Reads a request; says which parameter is missing.
pub(super) fn read<T: DeserializeOwned>(request: &Request) -> Result<T, SqsError> {
    serde_json::from_slice(&request.body).map_err(|error| {
        let text = error.to_string();
        match text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
            Some(field) => SqsError::Missing(field.to_owned()),
            None => SqsError::Invalid(text),
        }
    })
}

/// The queue a wire request is about.
pub(crate) fn queue_of(request: &Request) -> Option<String> {
    let asked: NamedQueue = serde_json::from_slice(&request.body).ok()?;
    asked.queue_url.or(asked.queue_name).map(|reference| queue_name(&reference).to_owned())
}
