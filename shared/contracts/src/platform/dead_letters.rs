//! What listeners gave up, and the listeners themselves.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use super::EventAddress;

/// Which listeners.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ListenerList {
    /// Only this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listener: Option<String>,
}

/// One listener as configured, and how it is.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct ListenerLine {
    pub listener: String,
    pub types: Vec<String>,
    pub ordered: bool,
    pub priority: String,
    pub tries: u32,
    pub backoff_s: Vec<u32>,
    /// `block`, `skip` or `park`.
    pub on_exhausted: String,
    /// Events it gave up, at most 1,000 counted.
    pub failed: u64,
    /// Failed events that hold up their aggregates.
    pub blocked: u64,
    /// Messages in its queue, those being handled included; absent where the queue does not answer.
    pub waiting: Option<u64>,
    /// Messages in its dead-letter queue; absent where the queue does not answer.
    pub dead_letters: Option<u64>,
}

/// Whose dead letters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DeadLettersOf {
    pub listener: String,
}

/// An event a listener gave up, or a message its queue moved aside.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct DeadLetter {
    /// `event show`, `dlq retry` and `dlq skip` take it; absent where the message is no event.
    pub event: Option<EventAddress>,
    /// `exhausted`: given up after its tries. `crashed`: the queue moved the message aside, because
    /// the function crashed or timed out again and again. `unreadable`: the message is no event.
    pub cause: String,
    /// The replay it failed in.
    pub replay_id: Option<String>,
    pub attempts: u32,
    pub error_code: Option<String>,
    pub error_fingerprint: Option<String>,
    pub trace_id: Option<String>,
    /// Absent where the inbox does not say.
    pub failed_at: Option<Timestamp>,
}

/// Which dead letters to hand out again.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DeadLetterRetry {
    pub listener: String,
    /// At most 100; the oldest 100 where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventAddress>,
}

/// Which dead letter to pass over.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DeadLetterSkip {
    pub listener: String,
    /// Without one, every message of the dead-letter queue that is no event, as far as it is among
    /// the first 200: it is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventAddress>,
}
