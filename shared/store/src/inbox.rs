//! What one listener has done with one event: the row that makes handling it twice one effect.

use std::time::Duration;

use kernel::{EventId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::condition::Condition;
use crate::item::Stored;
use crate::key::{Key, PartitionKey, Scope};
use crate::planted::{self, Bug};
use crate::query::Query;
use crate::table::{EXPIRES_AT, INBOX, INBOX_FAILED, Table};
use crate::update::Update;

/// The label of the row's action in a change.
pub const LABEL: &str = "inbox";
/// How long a settled row is kept: 35 days, longer than its event is in the outbox, so that whatever
/// comes again from there is known to have been handled.
const KEPT: Duration = Duration::from_secs(35 * 24 * 3600);

/// How old an event may be so that its row, had it been handled, is there for certain: two days less.
pub const REMEMBERED: Duration = Duration::from_secs(33 * 24 * 3600);

/// Which listener, which event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxKey {
    listener: String,
    key: Key,
}

impl InboxKey {
    /// The row of an event at a listener; `part` is a replay's id, or what one event is split by.
    pub fn new(scope: &Scope, listener: &str, event: EventId, part: Option<&str>) -> Self {
        let pk = match part {
            Some(part) => scope.partition("INB", (listener, event, part)),
            None => scope.partition("INB", (listener, event)),
        };
        Self { listener: listener.to_owned(), key: Key::alone(pk) }
    }

    /// The row of a listener at this key.
    pub(crate) fn at(listener: &str, key: Key) -> Self {
        Self { listener: listener.to_owned(), key }
    }

    /// The row's primary key in [`INBOX`].
    pub fn key(&self) -> &Key {
        &self.key
    }
}

/// How far a listener is with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Claimed, until a moment.
    InProgress,
    /// Failed and to be tried again.
    Retry,
    /// Handled.
    Done,
    /// Given up; kept with its cause until an operator decides.
    Failed,
    /// Waiting behind a failed event of its aggregate.
    Parked,
    /// Passed over by an operator.
    Skipped,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InboxRow {
    #[serde(flatten)]
    pub key: Key,
    /// How far the listener is.
    pub state: State,
    /// Attempts begun.
    pub attempts: u32,
    /// Times it was put off because an earlier event was missing: none of them an attempt.
    #[serde(default)]
    pub waits: u32,
    /// The claim's token: every later write of its holder names it.
    pub claim: Option<String>,
    /// When the holder must be dead.
    #[serde(default, with = "kernel::time::ms_option", rename = "until_ms")]
    pub until: Option<Timestamp>,
    /// Why it last failed.
    pub last_error_code: Option<String>,
    /// Fingerprint of code and normalised message.
    pub last_error_fp: Option<String>,
    /// Why there was nothing to do.
    pub skip_reason: Option<String>,
    /// The trace of the last failure.
    pub trace_id: Option<String>,
    /// When it was settled.
    #[serde(default, with = "kernel::time::ms_option", rename = "consumed_at_ms")]
    pub consumed_at: Option<Timestamp>,
    /// Its place in [`INBOX_FAILED`], once given up.
    pub failed_pk: Option<PartitionKey>,
    /// When it was given up, in Unix milliseconds.
    pub failed_at_ms: Option<i64>,
    /// Where the event was kept in the outbox, once given up: it may be gone before this row.
    #[serde(default)]
    pub source: Option<Key>,
    /// When the row may go, in Unix seconds; nothing while failed or parked.
    pub expires_at: Option<i64>,
}

impl Stored for InboxRow {
    const TABLE: Table = INBOX;

    fn key(&self) -> Key {
        self.key.clone()
    }
}

/// What a stored row means for a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Settled before: acknowledge the delivery.
    Duplicate,
    /// Given up before: the dead letter may still be missing.
    GivenUp,
    /// Another delivery is at it: come back then.
    HeldUntil(Timestamp),
    /// To be handled; so many attempts were begun, and so many waits counted, before.
    Free { attempts: u32, waits: u32 },
}

/// What the row found for an event means at this moment. A holder whose time is over is dead.
pub fn meaning(row: Option<&InboxRow>, now: Timestamp) -> Meaning {
    let Some(row) = row else { return Meaning::Free { attempts: 0, waits: 0 } };
    match (row.state, row.until) {
        (State::InProgress, Some(until)) if until > now || planted::is(Bug::EternalClaim) => {
            Meaning::HeldUntil(until.max(now))
        }
        // A parked event that comes again was handed out: whether it is its turn, the cursor says.
        (State::InProgress | State::Retry | State::Parked, _) => {
            Meaning::Free { attempts: row.attempts, waits: row.waits }
        }
        (State::Failed, _) => Meaning::GivenUp,
        (State::Done | State::Skipped, _) => Meaning::Duplicate,
    }
}

/// What a failed attempt leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The stable error code.
    pub code: String,
    /// Fingerprint of code and normalised message.
    pub fingerprint: String,
    pub trace_id: Option<String>,
}

/// The `done` row, part of the effect's transaction. Without a claim it asks that nobody is at it;
/// with one, that the claim still is the caller's. The refusal is labelled [`LABEL`] and decides
/// before all others.
pub fn done(key: &InboxKey, attempts: u32, claim: Option<&str>, now: Timestamp) -> Change {
    settled(key, attempts, claim, None, now)
}

/// As [`done`], for an event there is nothing to do about.
pub fn skipped(
    key: &InboxKey,
    attempts: u32,
    claim: Option<&str>,
    reason: &str,
    now: Timestamp,
) -> Change {
    settled(key, attempts, claim, Some(reason), now)
}

fn settled(
    key: &InboxKey,
    attempts: u32,
    claim: Option<&str>,
    reason: Option<&str>,
    now: Timestamp,
) -> Change {
    let row = InboxRow {
        key: key.key.clone(),
        state: State::Done,
        attempts,
        waits: 0,
        claim: claim.map(str::to_owned),
        until: None,
        last_error_code: None,
        last_error_fp: None,
        skip_reason: reason.map(str::to_owned),
        trace_id: None,
        consumed_at: Some(now),
        failed_pk: None,
        failed_at_ms: None,
        source: None,
        expires_at: Some(now.plus(KEPT).seconds()),
    };
    let mut change = Change::new();
    let allowed = claim.map_or_else(|| unsettled(now), mine);
    change.put_when(&row, allowed).named(LABEL).decides_first();
    change
}

/// Claims the row until a moment, counting an attempt: allowed where there is none, where it is to
/// be tried again, or where the holder's time is over. The old row says why not.
pub fn claim(key: &InboxKey, token: &str, now: Timestamp, until: Timestamp) -> Update {
    let allowed = if planted::is(Bug::EternalClaim) { free() } else { unsettled(now) };
    Update::of(INBOX, key.key.clone())
        .set("state", State::InProgress)
        .set("claim", token)
        .set("until_ms", until.ms())
        .add("attempts", 1)
        .when(allowed)
}

/// Notes a failed attempt that will be repeated.
pub fn retry(key: &InboxKey, attempts: u32, claim: Option<&str>, failure: &Failure) -> Update {
    failing(key, State::Retry, attempts, claim, failure).remove("claim").remove("until_ms")
}

/// Counts a wait for an earlier event: no attempt.
pub fn waiting(key: &InboxKey, now: Timestamp) -> Update {
    Update::of(INBOX, key.key.clone())
        .set("state", State::Retry)
        .set_if_absent("attempts", 0)
        .add("waits", 1)
        .when(unsettled(now))
}

/// Notes that the event waits behind a failed one of its aggregate. Part of the transaction that
/// parks it.
pub fn parked(key: &InboxKey, now: Timestamp) -> Change {
    let update = Update::of(INBOX, key.key.clone())
        .set("state", State::Parked)
        .set_if_absent("attempts", 0)
        .when(unsettled(now));
    let mut change = Change::new();
    change.update(update).named(LABEL).decides_first();
    change
}

/// A dead letter → retry: an operator wants it tried again, from the first attempt. It stays in the
/// index [`INBOX_FAILED`] until it is settled, so that it is never lost from sight.
pub fn reopen(key: &InboxKey, now: Timestamp) -> Update {
    Update::of(INBOX, key.key.clone())
        .set("state", State::Retry)
        .set("attempts", 0)
        .set("waits", 0)
        .remove("claim")
        .remove("until_ms")
        .when(dead_letter(now))
}

/// A dead letter → skipped: an operator decided, for a reason.
pub fn pass(key: &InboxKey, reason: &str, now: Timestamp) -> Update {
    Update::of(INBOX, key.key.clone())
        .set("state", State::Skipped)
        .set("skip_reason", reason)
        .set_if_absent("attempts", 0)
        .set("consumed_at_ms", now.ms())
        .set(EXPIRES_AT, now.plus(KEPT).seconds())
        .remove("claim")
        .remove("until_ms")
        .remove("failed_pk")
        .remove("failed_at_ms")
        .when(dead_letter(now))
}

/// Notes that the listener gave up. The row stays, and stands in the index [`INBOX_FAILED`]. `source`
/// is where the event is in the outbox.
pub fn failed(
    key: &InboxKey,
    attempts: u32,
    claim: Option<&str>,
    failure: &Failure,
    source: &Key,
    now: Timestamp,
) -> Update {
    failing(key, State::Failed, attempts, claim, failure)
        .set("source", source)
        .set("failed_pk", dead(&key.listener))
        .set("failed_at_ms", now.ms())
        .remove("until_ms")
        .remove(EXPIRES_AT)
}

/// Notes that nobody can hand the event over any more, because its outbox row is gone: it stands in the
/// index [`INBOX_FAILED`], and whoever brings it from elsewhere has it handled.
pub fn out_of_reach(key: &InboxKey, source: &Key, now: Timestamp) -> Update {
    Update::of(INBOX, key.key.clone())
        .set_if_absent("state", State::Retry)
        .set_if_absent("attempts", 0)
        .set("last_error_code", "event_expired")
        .set("source", source)
        .set("failed_pk", dead(&key.listener))
        .set("failed_at_ms", now.ms())
        .when(free())
}

/// The events a listener gave up, oldest first.
pub fn dead_of(listener: &str) -> Query {
    Query::index(INBOX, INBOX_FAILED, dead(listener))
}

fn dead(listener: &str) -> PartitionKey {
    Scope::system().partition("DEAD", listener)
}

fn failing(
    key: &InboxKey,
    state: State,
    attempts: u32,
    claim: Option<&str>,
    failure: &Failure,
) -> Update {
    Update::of(INBOX, key.key.clone())
        .set("state", state)
        .set("attempts", attempts)
        .set("last_error_code", &failure.code)
        .set("last_error_fp", &failure.fingerprint)
        .set("trace_id", &failure.trace_id)
        .when(claim.map_or_else(free, mine))
}

fn mine(claim: &str) -> Condition {
    Condition::equal("claim", claim).and(Condition::equal("state", State::InProgress))
}

fn free() -> Condition {
    Condition::no_item().or(Condition::one_of("state", [State::Retry, State::Parked]))
}

/// Nobody is at it, or whoever was is dead.
fn unsettled(now: Timestamp) -> Condition {
    let in_progress = Condition::equal("state", State::InProgress);
    free().or(in_progress.and(Condition::at_most("until_ms", now.ms())))
}

/// Given up, or left open by crashes until its queue moved it aside.
fn dead_letter(now: Timestamp) -> Condition {
    Condition::equal("state", State::Failed).or(unsettled(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(state: State, until: Option<i64>) -> InboxRow {
        let scope = Scope::system();
        let key = InboxKey::new(&scope, "a.on_b", EventId::from_bytes([1; 16]), None);
        InboxRow {
            key: key.key,
            state,
            attempts: 3,
            waits: 2,
            claim: None,
            until: until.map(Timestamp::from_ms),
            last_error_code: None,
            last_error_fp: None,
            skip_reason: None,
            trace_id: None,
            consumed_at: None,
            failed_pk: None,
            failed_at_ms: None,
            source: None,
            expires_at: None,
        }
    }

    #[test]
    fn every_state_means_one_thing_to_a_delivery() {
        let now = Timestamp::from_ms(1_000);
        let table = [
            (State::InProgress, Some(1_001), Meaning::HeldUntil(Timestamp::from_ms(1_001))),
            (State::InProgress, Some(1_000), Meaning::Free { attempts: 3, waits: 2 }),
            (State::InProgress, None, Meaning::Free { attempts: 3, waits: 2 }),
            (State::Retry, None, Meaning::Free { attempts: 3, waits: 2 }),
            (State::Parked, None, Meaning::Free { attempts: 3, waits: 2 }),
            (State::Done, None, Meaning::Duplicate),
            (State::Failed, None, Meaning::GivenUp),
            (State::Skipped, None, Meaning::Duplicate),
        ];
        for (state, until, expected) in table {
            assert_eq!(meaning(Some(&row(state, until)), now), expected, "{state:?}");
        }
        assert_eq!(meaning(None, now), Meaning::Free { attempts: 0, waits: 0 });
    }
}
