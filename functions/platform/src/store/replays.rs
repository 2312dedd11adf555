//! Replays: each step is one transaction on the chunk it was decided for.

use std::time::Duration;

use contracts::platform::{REPLAY_RUNNING, ReplayState};
use kernel::{Error, ReplayId, Timestamp};
use store::{Change, Condition, Consistency, DUE, NotCommitted, PLATFORM, Store, Token, Update};

use super::keys;
use super::replay_row::ReplayRow;
use crate::domain::chunk::Chunk;
use crate::domain::replay::pause_s;

/// A replay that does not get on for so long is started again.
const STALE: Duration = Duration::from_secs(300);
/// Restarts without getting on before a replay is given up.
const RESTARTS_MAX: u32 = 10;

/// Every replay.
pub struct Replays<'a> {
    store: &'a Store,
}

impl<'a> Replays<'a> {
    pub fn of(store: &'a Store) -> Self {
        Self { store }
    }

    /// A replay as it is.
    pub async fn get(&self, id: ReplayId) -> Result<Option<ReplayRow>, Error> {
        Ok(self.store.get(&keys::replay(id), Consistency::Strong).await?)
    }

    /// Begins a replay; refused while another of the same listener and tenant runs.
    pub fn begun(row: &ReplayRow) -> Change {
        let mut change = Change::new();
        change.create(&row.running()).refused_as(REPLAY_RUNNING.error());
        change.create(row);
        change
    }

    /// Ends a replay that is not over, and lets the next one begin.
    pub fn ended(row: &ReplayRow, state: ReplayState, now: Timestamp) -> Change {
        let going = Condition::one_of("state", [ReplayState::Created, ReplayState::Running]);
        let update = Update::of(PLATFORM, row.key.clone())
            .set("state", state)
            .set("updated_at_ms", now.ms())
            .remove(DUE.partition())
            .remove(DUE.sort())
            .when(going);
        let mut change = Change::new();
        change.update(update);
        change.delete(PLATFORM, row.running().key);
        change
    }

    /// Writes down that a chunk is done; nothing where another run was faster or the replay is
    /// over.
    pub async fn advance(
        &self,
        row: &ReplayRow,
        chunk: &Chunk,
        sent: u64,
        now: Timestamp,
    ) -> Result<Option<ReplayRow>, Error> {
        let mut after = row.clone();
        after.chunk += 1;
        after.seen += chunk.seen;
        after.sent += sent;
        after.passed_over += chunk.seen.saturating_sub(sent);
        after.unreadable += chunk.unreadable;
        after.restarts = 0;
        after.updated_at = now;
        let mut change = Change::new();
        match &chunk.next {
            Some(next) => {
                let pause = u64::from(pause_s(sent, row.rate_per_s));
                after.state = ReplayState::Running;
                after.position = next.clone();
                after.due_at = Some(now.plus(STALE + Duration::from_secs(pause)));
            }
            None => {
                after.state = ReplayState::Done;
                after.due_at = None;
                change.delete(PLATFORM, row.running().key);
            }
        }
        change.put_when(&after, unmoved(row));
        change.create(&row.chunk_row(chunk.seen, sent, now));
        self.commit(change, row, now).await.map(|done| done.then_some(after))
    }

    /// Notes that a stale replay is started again, or gives it up; nothing where it got on.
    pub async fn restarted(
        &self,
        row: &ReplayRow,
        now: Timestamp,
    ) -> Result<Option<ReplayRow>, Error> {
        if row.restarts >= RESTARTS_MAX {
            let change = Self::ended(row, ReplayState::Failed, now);
            return self.commit(change, row, now).await.map(|_| None);
        }
        let mut after = row.clone();
        after.restarts += 1;
        after.due_at = Some(now.plus(STALE));
        let mut change = Change::new();
        change.put_when(&after, unmoved(row));
        self.commit(change, row, now).await.map(|done| done.then_some(after))
    }

    async fn commit(&self, change: Change, row: &ReplayRow, now: Timestamp) -> Result<bool, Error> {
        let token = format!("{} {} {}", row.replay_id, row.chunk, now.ms());
        match self.store.commit(change, &Token::of(token.as_bytes(), 0)).await {
            Ok(_) => Ok(true),
            Err(NotCommitted::Refused { .. }) => Ok(false),
            Err(fault) => Err(fault.into()),
        }
    }
}

/// When a new replay is stale unless its first chunk is done.
pub fn first_due(now: Timestamp, wait: Duration) -> Timestamp {
    now.plus(STALE + wait)
}

/// The replay is where it was read, and goes on.
fn unmoved(row: &ReplayRow) -> Condition {
    Condition::equal("chunk", row.chunk)
        .and(Condition::equal("restarts", row.restarts))
        .and(Condition::one_of("state", [ReplayState::Created, ReplayState::Running]))
}
