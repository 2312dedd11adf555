//! One event and everything that became of it.

use kernel::{EntityRef, EventId, ReplayId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::EventAddress;

/// Which event.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EventShow {
    pub event: EventAddress,
    /// Shows what the listeners did under this replay instead of the first delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay_id: Option<ReplayId>,
}

/// The story of an event across every hop.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct EventStory {
    pub event_id: EventId,
    /// Where it is: its tenant, mode, entity and number.
    pub address: EventAddress,
    #[serde(rename = "type")]
    pub kind: String,
    pub major: u16,
    /// Whether the entity's events arrive in sequence.
    pub ordered: bool,
    /// Whether tenants may see it.
    pub public: bool,
    /// `pending`, `processing`, `sent`, `failed` or `skipped`.
    pub status: String,
    /// Who published it: `inline`, `stream` or `sweeper`.
    pub bell: Option<String>,
    /// Claims by relays since it was born or last reset.
    pub attempts: u32,
    /// How often operators had it published again.
    pub replay_no: u32,
    pub error_code: Option<String>,
    pub committed_at: Timestamp,
    pub published_at: Option<Timestamp>,
    /// From commit to the topics.
    pub commit_to_publish_ms: Option<u64>,
    pub correlation_id: Option<String>,
    /// The event whose handling caused this one.
    pub causation_id: Option<EventId>,
    pub trace_id: Option<String>,
    /// As published.
    pub envelope: Value,
    /// Every listener that hears its type.
    pub listeners: Vec<HeardBy>,
    /// Events its handling caused, as far as they are among the tenant's next events of the same
    /// day.
    pub caused: Vec<CausedEvent>,
    /// The search for caused events ended here; absent where it reached the end of the day.
    pub caused_searched_until: Option<Timestamp>,
}

/// What one listener did with the event.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct HeardBy {
    pub listener: String,
    pub ordered: bool,
    /// `in_progress`, `retry`, `done`, `failed`, `parked`, `skipped`; absent where it was not
    /// handled yet, or so long ago that the row is gone.
    pub state: Option<String>,
    pub attempts: u32,
    pub error_code: Option<String>,
    pub error_fingerprint: Option<String>,
    /// Why there was nothing to do.
    pub skip_reason: Option<String>,
    /// The trace of the last failure.
    pub trace_id: Option<String>,
    pub consumed_at: Option<Timestamp>,
    /// From the topics to the end of its handling.
    pub publish_to_consumed_ms: Option<u64>,
    /// From the commit to the end of its handling.
    pub commit_to_consumed_ms: Option<u64>,
    /// The failed event that holds up the entity at this listener.
    pub blocked_by: Option<EventId>,
}

/// An event that was announced while this one was handled.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct CausedEvent {
    pub event: EventAddress,
    #[serde(rename = "type")]
    pub kind: String,
    pub subject: EntityRef,
    pub status: String,
    /// From the commit of this event to the commit of that one.
    pub after_ms: u64,
}

/// Which event, and for whom.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EventReplay {
    pub event: EventAddress,
    /// The only listener that gets it; everybody where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listener: Option<String>,
    /// Handles it again although it was handled, and whatever its entity's order says. Needs a
    /// listener.
    #[serde(default)]
    pub force: bool,
}
