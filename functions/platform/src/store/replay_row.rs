//! A replay as stored: what it goes through, how far it is, and when somebody has to look after it.

use std::time::Duration;

use contracts::platform::{Only, ReplayState, ReplayView};
use kernel::{ReplayId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use store::{DUE, Key, PLATFORM, Places, Stored, Table, outbox};

use super::keys;
use crate::domain::walk::{Position, Range};

/// The word of `due_kind` by which a sweep tells these rows from other timers.
pub const DUE_KIND: &str = "replay";
/// How long a replay and its chunks are kept: 90 days.
const KEPT: Duration = Duration::from_secs(90 * 24 * 3600);

/// One replay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplayRow {
    #[serde(flatten)]
    pub key: Key,
    pub due_kind: String,
    pub replay_id: ReplayId,
    pub state: ReplayState,
    pub listener: String,
    pub types: Vec<String>,
    pub tenant_id: TenantId,
    pub livemode: bool,
    #[serde(flatten)]
    pub range: Range,
    pub only: Only,
    pub rate_per_s: u32,
    /// Number of the chunk that comes next, from 0.
    pub chunk: u64,
    pub position: Position,
    pub seen: u64,
    pub sent: u64,
    pub passed_over: u64,
    /// Files and lines of the archive that could not be read.
    #[serde(default)]
    pub unreadable: u64,
    /// How often it was started again without getting on.
    pub restarts: u32,
    pub operator: String,
    pub reason: String,
    #[serde(with = "kernel::time::ms", rename = "started_at_ms")]
    pub started_at: Timestamp,
    #[serde(with = "kernel::time::ms", rename = "updated_at_ms")]
    pub updated_at: Timestamp,
    /// When it is stale unless it got on; nothing once it is over.
    #[serde(default, with = "kernel::time::ms_option", rename = "due_at_ms")]
    pub due_at: Option<Timestamp>,
    /// Unix seconds.
    pub expires_at: i64,
}

impl Stored for ReplayRow {
    const TABLE: Table = PLATFORM;

    fn key(&self) -> Key {
        self.key.clone()
    }

    fn index(&self, places: &mut Places) {
        if let Some(due_at) = self.due_at {
            places.put(&DUE, outbox::due_partition(&self.key), due_at.ms());
        }
    }
}

/// One chunk that is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChunkRow {
    #[serde(flatten)]
    pub key: Key,
    pub number: u64,
    /// Where it began.
    pub position: Position,
    pub seen: u64,
    pub sent: u64,
    #[serde(with = "kernel::time::ms", rename = "done_at_ms")]
    pub done_at: Timestamp,
    /// Unix seconds.
    pub expires_at: i64,
}

impl Stored for ChunkRow {
    const TABLE: Table = PLATFORM;

    fn key(&self) -> Key {
        self.key.clone()
    }
}

/// The guard of a listener and tenant: there while a replay runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunningRow {
    #[serde(flatten)]
    pub key: Key,
    pub replay_id: ReplayId,
}

impl Stored for RunningRow {
    const TABLE: Table = PLATFORM;

    fn key(&self) -> Key {
        self.key.clone()
    }
}

impl ReplayRow {
    /// The guard it runs under.
    pub fn running(&self) -> RunningRow {
        let key = keys::running(&self.listener, self.tenant_id, self.livemode);
        RunningRow { key, replay_id: self.replay_id }
    }

    /// The row of the chunk that comes next, done now.
    pub fn chunk_row(&self, seen: u64, sent: u64, now: Timestamp) -> ChunkRow {
        ChunkRow {
            key: keys::chunk(self.replay_id, self.chunk),
            number: self.chunk,
            position: self.position.clone(),
            seen,
            sent,
            done_at: now,
            expires_at: kept_until(now),
        }
    }

    /// As operators see it.
    pub fn view(self) -> ReplayView {
        ReplayView {
            replay_id: self.replay_id,
            state: self.state,
            listener: self.listener,
            types: self.types,
            tenant_id: self.tenant_id,
            livemode: self.livemode,
            from: self.range.from,
            to: self.range.to,
            only: self.only,
            rate_per_s: self.rate_per_s,
            chunks: self.chunk,
            seen: self.seen,
            sent: self.sent,
            passed_over: self.passed_over,
            unreadable: self.unreadable,
            operator: self.operator,
            reason: self.reason,
            started_at: self.started_at,
            updated_at: self.updated_at,
        }
    }
}

/// When a row written now may go, in Unix seconds.
pub fn kept_until(now: Timestamp) -> i64 {
    now.plus(KEPT).seconds()
}
