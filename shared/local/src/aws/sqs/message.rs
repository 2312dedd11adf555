//! A message: what was sent, where it stands, its checksums and its attributes on receipt.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::SqsError;

/// A message attribute as on the wire (SQS Developer Guide, "Amazon SQS message metadata").
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MessageAttribute {
    /// `String`, `Number` or `Binary`, with an optional custom label after a dot.
    pub data_type: String,
    /// The value of a `String` or `Number`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub string_value: Option<String>,
    /// The value of a `Binary`, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary_value: Option<String>,
}

impl MessageAttribute {
    /// A `String` attribute.
    pub fn text(value: impl Into<String>) -> Self {
        let string_value = Some(value.into());
        Self { data_type: "String".to_owned(), string_value, binary_value: None }
    }

    /// Bytes this attribute's value counts.
    fn value_bytes(&self) -> Vec<u8> {
        match (&self.string_value, &self.binary_value) {
            (Some(text), _) => text.as_bytes().to_vec(),
            (None, Some(encoded)) => STANDARD.decode(encoded).unwrap_or_default(),
            (None, None) => Vec::new(),
        }
    }
}

/// Attributes by name.
pub type MessageAttributes = BTreeMap<String, MessageAttribute>;

/// What a sender gives.
#[derive(Clone, Debug, Default)]
pub struct NewMessage {
    /// The body, one byte at least.
    pub body: String,
    /// At most ten attributes.
    pub attributes: MessageAttributes,
    /// Seconds before it becomes visible, 0–900; `None`: the queue's own. Not for FIFO queues.
    pub delay_s: Option<i64>,
    /// Message group: order on FIFO queues, fairness on standard ones.
    pub group: Option<String>,
    /// Deduplication id; FIFO queues only.
    pub deduplication: Option<String>,
    /// `AWSTraceHeader` system attribute.
    pub trace: Option<String>,
    /// How often it is delivered by a standard queue; 1, or 2 for an injected duplicate.
    pub copies: usize,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Place {
    /// Not visible yet.
    Delayed,
    /// To be received.
    Waiting,
    /// Received and hidden.
    InFlight,
}

/// A stored message.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message {
    pub(super) sequence: u64,
    /// Message id, a UUID.
    pub id: String,
    /// The body.
    pub body: String,
    /// Attributes.
    pub attributes: MessageAttributes,
    /// When it was sent, Unix milliseconds; kept by a move to a standard dead-letter queue.
    pub sent_at_ms: i64,
    /// Message group.
    pub group: Option<String>,
    /// Deduplication id.
    pub deduplication: Option<String>,
    pub(super) trace: Option<String>,
    /// How often it was received.
    pub receives: u32,
    pub(super) first_received_at_ms: Option<i64>,
    pub(super) received_at_ms: i64,
    pub(super) hidden_until_ms: i64,
    pub(super) place: Place,
    /// Name of the queue it was dead-lettered from.
    pub dead_letter_source: Option<String>,
}

/// A message in the hands of a consumer.
#[derive(Clone, Debug)]
pub struct Received {
    /// The message as it was received.
    pub message: Message,
    /// The handle to delete it or change its visibility.
    pub receipt_handle: String,
}

impl Message {
    /// The row key: sorts as the messages do.
    pub(super) fn key(&self) -> String {
        format!("{:020}", self.sequence)
    }

    /// `SequenceNumber` of FIFO messages: 20 digits, increasing.
    pub(super) fn sequence_number(&self) -> String {
        format!("{:020}", self.sequence)
    }

    /// System attributes as `ReceiveMessage` returns them.
    pub(crate) fn system_attributes(&self, fifo: bool) -> BTreeMap<&'static str, String> {
        let mut found = BTreeMap::from([
            ("ApproximateReceiveCount", self.receives.to_string()),
            ("SenderId", "AIDALOCAL".to_owned()),
            ("SentTimestamp", self.sent_at_ms.to_string()),
        ]);
        if let Some(first) = self.first_received_at_ms {
            found.insert("ApproximateFirstReceiveTimestamp", first.to_string());
        }
        if let Some(group) = &self.group {
            found.insert("MessageGroupId", group.clone());
        }
        if let Some(deduplication) = &self.deduplication {
            found.insert("MessageDeduplicationId", deduplication.clone());
        }
        if fifo {
            found.insert("SequenceNumber", self.sequence_number());
        }
        if let Some(trace) = &self.trace {
            found.insert("AWSTraceHeader", trace.clone());
        }
        if let Some(source) = &self.dead_letter_source {
            found.insert("DeadLetterQueueSourceArn", super::queue_arn(source));
        }
        found
    }
}

/// Size of a message in the sense of the limits: body, and each attribute's name, type and value.
pub(crate) fn size_bytes(body: &str, attributes: &MessageAttributes) -> usize {
    let attribute = |(name, attribute): (&String, &MessageAttribute)| {
        name.len() + attribute.data_type.len() + attribute.value_bytes().len()
    };
    body.len() + attributes.iter().map(attribute).sum::<usize>()
}

/// MD5 of a body, hex.
pub(crate) fn md5_of_body(body: &str) -> String {
    format!("{:x}", md5::compute(body.as_bytes()))
}

/// MD5 of attributes (Developer Guide, "Calculating the MD5 message digest for message
/// attributes"): sorted by name, each part with its length before it.
pub(crate) fn md5_of_attributes(attributes: &MessageAttributes) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut digested = Vec::new();
    for (name, attribute) in attributes {
        let transport = if attribute.binary_value.is_some() { 2 } else { 1 };
        digest_part(&mut digested, name.as_bytes());
        digest_part(&mut digested, attribute.data_type.as_bytes());
        digested.push(transport);
        digest_part(&mut digested, &attribute.value_bytes());
    }
    Some(format!("{:x}", md5::compute(digested)))
}

fn digest_part(digested: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    digested.extend_from_slice(&length.to_be_bytes());
    digested.extend_from_slice(bytes);
}

/// A receipt handle: names queue, message and which of its receipts this is.
pub(super) fn receipt_handle(queue: &str, message: &Message) -> String {
    let text = format!("{queue} {} {}", message.sequence, message.receives);
    URL_SAFE_NO_PAD.encode(text)
}

/// Reads a handle of `queue` as (sequence, receipt number).
pub(super) fn read_handle(queue: &str, handle: &str) -> Result<(u64, u32), SqsError> {
    let bytes = URL_SAFE_NO_PAD.decode(handle).map_err(|_| SqsError::BadHandle)?;
    let text = String::from_utf8(bytes).map_err(|_| SqsError::BadHandle)?;
    let mut parts = text.split(' ');
    if parts.next() != Some(queue) {
        return Err(SqsError::BadHandle);
    }
    let sequence = parts.next().and_then(|part| part.parse().ok());
    let receipt = parts.next().and_then(|part| part.parse().ok());
    sequence.zip(receipt).ok_or(SqsError::BadHandle)
}
