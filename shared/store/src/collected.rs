//! Events that wait to be handled many at once: one row for each listener and event, and one head for
//! each listener, tenant and mode, which is due when the next batch is.
//!
//! A head that was handed out stays due, a quarter of an hour later, until the job it was handed to has
//! put it to rest: a hand-out that was lost is made again.

use std::time::Duration;

use kernel::{EventId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::condition::Condition;
use crate::inbox::{self, InboxKey, State};
use crate::item::{Places, Stored};
use crate::key::{Key, PartitionKey, Scope, SortKey};
use crate::lease::Lease;
use crate::outbox::due_partition;
use crate::query::Query;
use crate::table::{DUE, INBOX, PLATFORM, Table};
use crate::update::Update;

/// The word of `due_kind` by which a sweep tells heads from other timers.
pub const DUE_KIND: &str = "collected";
/// The label of the deletions in the transaction of a batch's effect.
pub const LABEL: &str = "collected";
/// Heads of one hand-out: with the check of the lease, what a transaction takes.
pub const HANDED_OUT_MAX: usize = 99;
/// When a hand-out is made again, unless its job has finished.
const AGAIN_AFTER: Duration = Duration::from_secs(15 * 60);
/// How long an event is kept from when it is due, and from every attempt at it alone: 14 days, as long as
/// in a queue.
const KEPT: Duration = Duration::from_secs(14 * 24 * 3600);
/// A hand-out may come this much later than its tick.
const LATE: Duration = Duration::from_secs(24 * 3600);
/// The longest time between two hand-outs: an event is handed out twice at least before it expires.
pub const GAP_MAX: Duration = KEPT.saturating_sub(LATE);
/// Why an attempt failed that never came to an end: its function was killed.
pub const CRASHED: &str = "crashed";

/// One event that waits for a listener.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Collected {
    #[serde(flatten)]
    pub key: Key,
    pub event_id: EventId,
    /// The event as it was received.
    pub envelope: String,
    /// Attempts begun at it alone.
    pub attempts: u32,
    /// Whether it was given up before: its failed inbox row is settled with it.
    #[serde(default)]
    pub again: bool,
    /// Why it last failed.
    pub last_error_code: Option<String>,
    /// When it was collected.
    #[serde(with = "kernel::time::ms", rename = "collected_at_ms")]
    pub collected_at: Timestamp,
    /// When the row may go, in Unix seconds.
    pub expires_at: i64,
}

impl Stored for Collected {
    const TABLE: Table = PLATFORM;

    fn key(&self) -> Key {
        self.key.clone()
    }
}

/// The batches of one listener in one tenant and mode.
#[derive(Clone, Debug, PartialEq)]
pub struct Batches {
    tenant: TenantId,
    livemode: bool,
    listener: String,
}

impl Batches {
    pub fn new(tenant: TenantId, livemode: bool, listener: &str) -> Self {
        Self { tenant, livemode, listener: listener.to_owned() }
    }

    /// The head's primary key in [`PLATFORM`].
    pub fn head(&self) -> Key {
        Key::alone(self.partition())
    }

    /// Keeps an event for the batch that is due at `tick`, or earlier where one is due already. Keeping
    /// it twice is keeping it once.
    pub fn keep(&self, event: EventId, envelope: &str, tick: Timestamp, now: Timestamp) -> Change {
        self.kept(event, envelope, tick, now, false)
    }

    /// As [`keep`](Self::keep), for an event that was given up before and is to be tried again. Refused,
    /// labelled [`inbox::LABEL`], where that is settled by now.
    pub fn keep_again(
        &self,
        event: EventId,
        envelope: &str,
        tick: Timestamp,
        now: Timestamp,
    ) -> Change {
        let mut change = self.kept(event, envelope, tick, now, true);
        let tried = Condition::equal("state", State::Retry);
        change.check(INBOX, self.inbox(event).key().clone(), tried).named(inbox::LABEL);
        change
    }

    fn kept(
        &self,
        event: EventId,
        envelope: &str,
        tick: Timestamp,
        now: Timestamp,
        again: bool,
    ) -> Change {
        let row = Collected {
            key: Key::new(self.partition(), event.to_string()),
            event_id: event,
            envelope: envelope.to_owned(),
            attempts: 0,
            again,
            last_error_code: None,
            collected_at: now,
            expires_at: tick.max(now).plus(KEPT).seconds(),
        };
        let mut change = Change::new();
        change.put_when(&row, Condition::no_item().or(Condition::some_item()));
        change.update(
            Update::of(PLATFORM, self.head())
                .set("due_kind", DUE_KIND)
                .set("tenant_id", self.tenant)
                .set("livemode", self.livemode)
                .set("listener", &self.listener)
                .set("due_pk", due_partition(&self.head()))
                .set_if_absent("due_at_ms", tick.ms())
                .add("v", 1),
        );
        change
    }

    /// The inbox row of an event, once it was given up.
    pub fn inbox(&self, event: EventId) -> InboxKey {
        InboxKey::new(&self.scope(), &self.listener, event, None)
    }

    /// The events that wait, oldest first, from behind this one.
    pub fn behind(&self, event: Option<EventId>, most: usize) -> Query {
        let query = Query::table(PLATFORM, self.partition()).limit(most);
        match event {
            Some(event) => query.above(event.to_string()),
            // The head's own sort key stands before every event's.
            None => query.above(SortKey::alone().text().unwrap_or_default()),
        }
    }

    fn partition(&self) -> PartitionKey {
        self.scope().partition("COL", &self.listener)
    }

    fn scope(&self) -> Scope {
        Scope::tenant(self.tenant).mode(self.livemode)
    }
}

/// Takes events off the waiting ones, and no more. Refused, labelled [`LABEL`], where one of them was
/// taken before.
pub fn taken(events: &[Collected]) -> Change {
    let mut change = Change::new();
    for event in events {
        let waiting = Condition::some_item();
        change.delete(PLATFORM, event.key.clone()).when(waiting).named(LABEL).decides_first();
    }
    change
}

impl Batches {
    /// As [`taken`], for events that are handled, together with the effect of that: one that was given
    /// up before has its inbox row settled too.
    pub fn handled(&self, events: &[Collected], now: Timestamp) -> Change {
        let again = events.iter().filter(|event| event.again);
        let settled = again
            .map(|event| inbox::done(&self.inbox(event.event_id), event.attempts + 1, None, now));
        settled.fold(taken(events), Change::append)
    }
}

impl Collected {
    /// Counts an attempt at this event alone, before it is made: one that kills its function counts too.
    /// Refused where another delivery is at it.
    pub fn trying(&self, now: Timestamp) -> Update {
        Update::of(PLATFORM, self.key.clone())
            .set("attempts", self.attempts + 1)
            .set("last_error_code", CRASHED)
            .set("expires_at", now.plus(KEPT).seconds())
            .when(Condition::equal("attempts", self.attempts))
    }

    /// Takes back that attempt: there was nothing to do yet.
    pub fn untried(&self) -> Update {
        Update::of(PLATFORM, self.key.clone())
            .set("attempts", self.attempts)
            .set("last_error_code", &self.last_error_code)
            .set("expires_at", self.expires_at)
            .when(Condition::equal("attempts", self.attempts + 1))
    }

    /// Whether it could be gone at the next hand-out, which is due at `tick`.
    pub fn is_last_chance(&self, tick: Timestamp) -> bool {
        self.expires_at < tick.plus(LATE).seconds()
    }

    /// Notes that the listener failed on this event alone.
    pub fn failing(&self, code: &str) -> Update {
        Update::of(PLATFORM, self.key.clone())
            .set("attempts", self.attempts + 1)
            .set("last_error_code", code)
            .when(Condition::some_item())
    }
}

/// The head of a listener's batches in one tenant and mode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    #[serde(flatten)]
    pub key: Key,
    pub due_kind: String,
    pub tenant_id: TenantId,
    pub livemode: bool,
    pub listener: String,
    /// Grows with every event that is kept.
    #[serde(rename = "v")]
    pub version: u64,
    /// The number of the last hand-out.
    #[serde(default)]
    pub run: u64,
    /// Whether that hand-out's job is still to finish.
    #[serde(default)]
    pub open: bool,
    /// Whether a run has begun and not ended.
    #[serde(default)]
    pub begun: bool,
    /// When the next batch is due.
    #[serde(default, with = "kernel::time::ms_option", rename = "due_at_ms")]
    pub due_at: Option<Timestamp>,
}

impl Stored for Head {
    const TABLE: Table = PLATFORM;

    fn key(&self) -> Key {
        self.key.clone()
    }

    fn index(&self, places: &mut Places) {
        if let Some(due_at) = self.due_at {
            places.put(&DUE, due_partition(&self.key), due_at.ms());
        }
    }
}

/// Hands out these heads (at most [`HANDED_OUT_MAX`]), under the sweep's lease.
///
/// This is the write that the fencing number is for. The heads are moved together, and a condition on
/// each would let one that has changed refuse them all; so nothing but the lease says that they are
/// still to be handed out. A holder that slept past its lease would hand out again what its follower has
/// handed out, and open a batch that is closed.
pub fn hand_out(heads: &[Head], lease: &Lease, now: Timestamp) -> Change {
    let mut change = Change::new();
    lease.guard(&mut change);
    for head in heads {
        change.update(
            Update::of(PLATFORM, head.key.clone())
                .set("run", head.run + 1)
                .set("open", true)
                .set("due_pk", due_partition(&head.key))
                .set("due_at_ms", now.plus(AGAIN_AFTER).ms()),
        );
    }
    change
}

impl Head {
    /// Whether the job of hand-out number `run` has something to do.
    pub fn is_open(&self, run: u64) -> bool {
        self.open && self.run == run
    }

    /// Notes that a run begins, before it does anything. Refused where another hand-out was made.
    pub fn begin(&self) -> Update {
        Update::of(PLATFORM, self.key.clone())
            .set("begun", true)
            .when(Condition::equal("run", self.run).and(Condition::equal("open", true)))
    }

    /// Notes that a run ends in good order and is to go on.
    pub fn pause(&self) -> Update {
        Update::of(PLATFORM, self.key.clone())
            .remove("begun")
            .when(Condition::equal("run", self.run))
    }

    /// Puts the head to rest: everything that was kept before it was read is handled. Refused where
    /// something new was kept meanwhile, or another hand-out was made.
    pub fn rest(&self) -> Update {
        let unchanged = Condition::equal("v", self.version);
        self.closed().remove("due_pk").remove("due_at_ms").when(unchanged)
    }

    /// Closes the hand-out, and makes the rest due at `tick`. Refused where another one was made.
    pub fn postpone(&self, tick: Timestamp) -> Update {
        self.closed().set("due_pk", due_partition(&self.key)).set("due_at_ms", tick.ms())
    }

    fn closed(&self) -> Update {
        Update::of(PLATFORM, self.key.clone())
            .set("open", false)
            .remove("begun")
            .when(Condition::equal("run", self.run))
    }
}
