//! Ranges of events, sent to one listener again.

use kernel::{ReplayId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

/// Which of the range's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Only {
    /// Every one, again: under inbox rows of the replay's own, whatever the order of their
    /// entities.
    All,
    /// Those the listener gave up, however long ago; and, of events that only the archive still
    /// keeps, those that wait behind one it gave up.
    Failed,
    /// Those of which the listener has no record. What it handled is on record for 33 days
    /// at least: a range that begins earlier is refused.
    Missing,
}

/// What to send again.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayStart {
    pub listener: String,
    /// Canonical names or aliases; all the listener hears where empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// Events committed from here on, at most 400 days ago …
    pub from: Timestamp,
    /// … and before this: at most 31 days later. A future end is now.
    pub to: Timestamp,
    pub tenant_id: TenantId,
    #[serde(default = "live")]
    pub livemode: bool,
    pub only: Only,
    /// Events a second, 1 to 200.
    #[serde(default = "usual_rate")]
    pub rate_per_s: u32,
}

fn live() -> bool {
    true
}

fn usual_rate() -> u32 {
    50
}

/// Which replay.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayGet {
    pub replay_id: ReplayId,
}

/// How far a replay is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayState {
    /// Waits for its first chunk.
    Created,
    Running,
    Done,
    Cancelled,
    /// Given up, with a code.
    Failed,
}

impl ReplayState {
    /// Whether it has ended.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled | Self::Failed)
    }
}

/// A replay as it is.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct ReplayView {
    pub replay_id: ReplayId,
    pub state: ReplayState,
    pub listener: String,
    pub types: Vec<String>,
    pub tenant_id: TenantId,
    pub livemode: bool,
    pub from: Timestamp,
    pub to: Timestamp,
    pub only: Only,
    pub rate_per_s: u32,
    /// Chunks of at most 100 events that are done.
    pub chunks: u64,
    /// Events of the range that were looked at; one that the archive holds twice counts twice.
    pub seen: u64,
    pub sent: u64,
    /// Events left alone: of another type, or not of the wanted kind.
    pub passed_over: u64,
    /// Files and lines of the archive that could not be read; the log of `platform.replay_run`
    /// names them.
    #[serde(default)]
    pub unreadable: u64,
    pub operator: String,
    pub reason: String,
    pub started_at: Timestamp,
    pub updated_at: Timestamp,
}
