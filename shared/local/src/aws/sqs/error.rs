//! Why SQS refuses, in the words and codes the SDKs know.

use bytes::Bytes;
use serde_json::json;

use crate::aws::Answer;
use crate::aws::request::JSON_1_0;
use crate::state::StoreError;

/// Why a queue operation was refused (SQS API reference, "Errors" of each action).
#[derive(Debug, thiserror::Error)]
pub enum SqsError {
    /// No queue of that name.
    #[error("The specified queue does not exist.")]
    NoSuchQueue,
    /// The queue exists with other attributes.
    #[error("A queue already exists with the same name and a different value for attribute {0}")]
    OtherAttributes(String),
    /// The handle is not one of this queue.
    #[error("The input receipt handle is invalid.")]
    BadHandle,
    /// The message is not in flight under this handle.
    #[error("The specified message isn't in flight.")]
    NotInFlight,
    /// A required parameter is absent.
    #[error("The request must contain the parameter {0}.")]
    Missing(String),
    /// A parameter's value is not allowed; says which and why.
    #[error("{0}")]
    Invalid(String),
    /// No attribute of that name.
    #[error("Unknown Attribute {0}.")]
    UnknownAttribute(String),
    /// The attribute cannot have that value.
    #[error("Invalid value for the parameter {0}.")]
    BadAttribute(String),
    /// The body has characters outside of XML 1.0's set.
    #[error("The message contains characters outside the allowed set.")]
    BadContents,
    /// A batch without entries.
    #[error("There should be at least one entry in the batch request.")]
    EmptyBatch,
    /// A batch of more than ten.
    #[error("Maximum number of entries per request are 10. You have sent {0}.")]
    TooManyEntries(usize),
    /// Two entries with one id.
    #[error("Id {0} repeated.")]
    RepeatedId(String),
    /// An entry id with other characters than letters, digits, hyphen, underscore, or over 80.
    #[error("A batch entry id can only contain alphanumeric characters, hyphens and underscores.")]
    BadEntryId,
    /// The entries together are over the limit.
    #[error("Batch requests cannot be longer than {0} bytes.")]
    BatchTooLong(usize),
    /// Too many messages in flight.
    #[error("The queue has reached its limit of in-flight messages.")]
    OverLimit,
    /// Purged less than a minute ago.
    #[error("Only one PurgeQueue operation is allowed every 60 seconds.")]
    PurgeInProgress,
    /// No such move task or source.
    #[error("The resource that you specified for the SourceArn parameter doesn't exist.")]
    NoSuchResource,
    /// A move to a queue of the other kind.
    #[error("Messages move between queues of one kind only, standard or FIFO.")]
    OtherKind,
    /// An operation the local cloud does not offer.
    #[error("The local cloud does not offer the SQS operation {0}.")]
    Unsupported(String),
    /// The state file cannot be written; nothing happened.
    #[error("{0}")]
    Broken(String),
}

impl From<StoreError> for SqsError {
    fn from(error: StoreError) -> Self {
        Self::Broken(error.to_string())
    }
}

impl SqsError {
    /// (shape name, code of the older query protocol, HTTP status). SDKs match on the second.
    pub(super) fn codes(&self) -> (&'static str, &'static str, u16) {
        match self {
            Self::NoSuchQueue => {
                ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", 400)
            }
            Self::OtherAttributes(_) => ("QueueNameExists", "QueueAlreadyExists", 400),
            Self::BadHandle => ("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 404),
            Self::NotInFlight => {
                ("MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight", 400)
            }
            Self::Missing(_) => ("MissingParameter", "MissingParameter", 400),
            Self::Invalid(_) => ("InvalidParameterValue", "InvalidParameterValue", 400),
            Self::UnknownAttribute(_) => ("InvalidAttributeName", "InvalidAttributeName", 400),
            Self::BadAttribute(_) => ("InvalidAttributeValue", "InvalidAttributeValue", 400),
            Self::BadContents => ("InvalidMessageContents", "InvalidMessageContents", 400),
            Self::EmptyBatch => {
                ("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest", 400)
            }
            Self::TooManyEntries(_) => (
                "TooManyEntriesInBatchRequest",
                "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
                400,
            ),
            Self::RepeatedId(_) => {
                ("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400)
            }
            Self::BadEntryId => {
                ("InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId", 400)
            }
            Self::BatchTooLong(_) => {
                ("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", 400)
            }
            Self::OverLimit => ("OverLimit", "OverLimit", 403),
            Self::PurgeInProgress => {
                ("PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress", 403)
            }
            Self::NoSuchResource => ("ResourceNotFoundException", "ResourceNotFoundException", 404),
            Self::OtherKind | Self::Unsupported(_) => {
                ("UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation", 400)
            }
            Self::Broken(_) => ("InternalFailure", "InternalFailure", 500),
        }
    }

    pub(super) fn answer(&self) -> Answer {
        let (shape, code, status) = self.codes();
        answer(status, shape, code, &self.to_string())
    }
}

/// An error answer whose shape and code are the same word.
pub(crate) fn error_answer(status: u16, code: &str, message: &str) -> Answer {
    answer(status, code, code, message)
}

fn answer(status: u16, shape: &str, code: &str, message: &str) -> Answer {
    let fault = if status >= 500 { "Receiver" } else { "Sender" };
    let body = json!({ "__type": format!("com.amazonaws.sqs#{shape}"), "message": message });
    Answer {
        status,
        content_type: JSON_1_0,
        headers: vec![("x-amzn-query-error", format!("{code};{fault}"))],
        body: Bytes::from(body.to_string()),
        error: Some(shape.to_owned()),
    }
}
