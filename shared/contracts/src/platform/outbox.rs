//! Events on their way to the topics, and those that did not get there.

use kernel::{EventId, Timestamp};
use serde::{Deserialize, Serialize};

use super::EventAddress;

/// Which part of the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unpublished {
    /// Given up.
    Failed,
    /// Due, and not published yet.
    Pending,
}

/// Which rows.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OutboxPart {
    pub status: Unpublished,
    /// Only this type, canonical or alias; for failed rows all types are searched where absent.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct OutboxLine {
    /// Where it is; `event show`, `outbox retry` and `outbox skip` take it.
    pub event: EventAddress,
    pub event_id: EventId,
    #[serde(rename = "type")]
    pub kind: String,
    pub status: String,
    pub attempts: u32,
    pub replay_no: u32,
    pub error_code: Option<String>,
    pub error_fingerprint: Option<String>,
    pub committed_at: Timestamp,
    /// When the sweeper looks at it; absent for failed rows.
    pub due_at: Option<Timestamp>,
}

/// Failed rows, by name or by type.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OutboxChoice {
    /// At most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventAddress>,
    /// The oldest 100 of this type, canonical or alias.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}
