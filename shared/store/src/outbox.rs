//! Outbox rows: a committed event on its way to the topics. Each transition is one conditional
//! update; which one is due is the relay's decision.

use std::time::Duration;

use kernel::{EntityRef, EventId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::error::StoreError;
use crate::item::{Places, Stored};
use crate::key::{Key, PartitionKey, Scope, SortKey, shard_of};
use crate::query::Query;
use crate::store::Store;
use crate::table::{DUE, OUTBOX, OUTBOX_FAILED, TENANT_DAY, Table};

/// The number of partitions the due index is spread over.
pub const DUE_SHARDS: u64 = 16;
/// How long the committing function has to publish before others may: its inline doorbell.
const GRACE: Duration = Duration::from_millis(500);
/// When the sweeper first looks at a row that no doorbell settled.
pub(crate) const DUE_AFTER: Duration = Duration::from_secs(30);
/// How many rows the relay reads at once.
const RUN_PAGE: usize = 25;
/// The most rows one run has; the rest is the next doorbell's.
pub const RUN_MAX: usize = 500;

/// How far an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// To be published.
    Pending,
    /// Claimed by a relay, until a moment.
    Processing,
    /// Published: settled.
    Sent,
    /// Given up; its aggregate waits for an operator.
    Failed,
    /// Passed over: settled.
    Skipped,
}

impl Status {
    /// Whether the row is done with: published or passed over.
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Sent | Self::Skipped)
    }
}

/// Who rang for a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bell {
    /// The committing function, right after its commit.
    Inline,
    /// The table's stream.
    Stream,
    /// The sweep of every minute.
    Sweeper,
}

/// An event at the moment of its commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Birth {
    /// The tenant's scope, with mode.
    pub scope: Scope,
    /// The aggregate.
    pub subject: EntityRef,
    /// Its number among the aggregate's events, from 1.
    pub sequence: u64,
    pub event_id: EventId,
    /// The type's canonical name.
    pub kind: String,
    pub major: u16,
    /// The announcing module.
    pub module: String,
    /// Whether the aggregate's events arrive in sequence.
    pub ordered: bool,
    pub priority: String,
    /// Whether tenants may see it.
    pub public: bool,
    pub facet: Option<String>,
    /// The exact bytes to publish.
    pub envelope: String,
    pub traceparent: Option<String>,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutboxRow {
    #[serde(flatten)]
    pub key: Key,
    /// Its number among the aggregate's events, from 1.
    pub sequence: u64,
    /// The event's id, also the sort key of the day index.
    pub event_id: EventId,
    /// The type's canonical name.
    #[serde(rename = "type")]
    pub kind: String,
    /// The major version of its data.
    pub major: u16,
    /// The aggregate.
    pub subject: EntityRef,
    /// `<tenant>/<l|t>/<entity_type>/<entity_id>`: the message group of ordered events.
    pub partitionkey: String,
    /// The announcing module.
    pub module: String,
    /// Whether the aggregate's events arrive in sequence.
    pub ordered: bool,
    /// How urgent the listeners' work is.
    pub priority: String,
    /// Whether tenants may see it.
    pub public: bool,
    /// Only listeners of this facet hear it.
    pub facet: Option<String>,
    /// The exact bytes to publish.
    pub envelope: String,
    /// The public object as of this event, at most 20 KB of JSON.
    pub object_snapshot: Option<String>,
    /// How far it is.
    pub status: Status,
    /// Claims by relays, counted before publishing.
    pub attempts: u32,
    /// Nobody else may claim it before: at first the grace of the inline doorbell.
    #[serde(with = "kernel::time::ms", rename = "claimed_until_ms")]
    pub claimed_until: Timestamp,
    /// The fencing token of the relay that holds it.
    pub claim: Option<String>,
    /// When it may be tried again after a refusal.
    #[serde(default, with = "kernel::time::ms_option", rename = "next_attempt_at_ms")]
    pub next_attempt_at: Option<Timestamp>,
    /// Why it was last refused.
    pub last_error_code: Option<String>,
    /// Fingerprint of code and normalised message.
    pub last_error_fp: Option<String>,
    /// Why it was passed over.
    #[serde(default)]
    pub skip_reason: Option<String>,
    /// The committing span (W3C trace context).
    pub traceparent: Option<String>,
    /// When it was committed.
    #[serde(with = "kernel::time::ms", rename = "created_at_ms")]
    pub created_at: Timestamp,
    /// When the topics accepted it.
    #[serde(default, with = "kernel::time::ms_option", rename = "published_at_ms")]
    pub published_at: Option<Timestamp>,
    /// Who published it.
    pub bell: Option<Bell>,
    /// Raised by every retry and replay by an operator.
    pub replay_no: u32,
    /// The test clock it is bound to.
    pub clock_id: Option<String>,
    /// The partition of the tenant's day index, sorted by `event_id`.
    day_pk: PartitionKey,
    /// When the sweeper looks at it; nothing once settled or failed.
    #[serde(default, with = "kernel::time::ms_option", rename = "due_at_ms")]
    pub due_at: Option<Timestamp>,
}

impl Stored for OutboxRow {
    const TABLE: Table = OUTBOX;

    fn key(&self) -> Key {
        self.key.clone()
    }

    fn index(&self, places: &mut Places) {
        if let Some(due_at) = self.due_at {
            places.put(&DUE, due_partition(&self.key), due_at.ms());
        }
    }
}

impl Birth {
    /// The value of the message attribute `type`: the name, with `@major` from major 2 on.
    pub fn topic_type(&self) -> String {
        topic_type(&self.kind, self.major)
    }
}

fn topic_type(kind: &str, major: u16) -> String {
    match major {
        0 | 1 => kind.to_owned(),
        major => format!("{kind}@{major}"),
    }
}

impl OutboxRow {
    /// The value of the message attribute `type`: the name, with `@major` from major 2 on.
    pub fn topic_type(&self) -> String {
        topic_type(&self.kind, self.major)
    }

    /// The row of an event that is committed now: pending, left to the inline doorbell for 500 ms,
    /// due for the sweeper after 30 s.
    pub fn born(birth: &Birth, now: Timestamp) -> Self {
        let Birth { scope, subject, .. } = birth;
        Self {
            key: key_of(scope, subject, birth.sequence),
            sequence: birth.sequence,
            event_id: birth.event_id,
            kind: birth.kind.clone(),
            major: birth.major,
            subject: subject.clone(),
            partitionkey: partitionkey(scope, subject),
            module: birth.module.clone(),
            ordered: birth.ordered,
            priority: birth.priority.clone(),
            public: birth.public,
            facet: birth.facet.clone(),
            envelope: birth.envelope.clone(),
            object_snapshot: None,
            status: Status::Pending,
            attempts: 0,
            claimed_until: now.plus(GRACE),
            claim: None,
            next_attempt_at: None,
            last_error_code: None,
            last_error_fp: None,
            skip_reason: None,
            traceparent: birth.traceparent.clone(),
            created_at: now,
            published_at: None,
            bell: None,
            replay_no: 0,
            clock_id: None,
            day_pk: day_partition(scope, &now.day(), birth.public),
            due_at: Some(now.plus(DUE_AFTER)),
        }
    }

    /// With the public object as of this event.
    #[must_use]
    pub fn with_snapshot(mut self, json: String) -> Self {
        self.object_snapshot = Some(json);
        self
    }

    /// Bound to a test clock.
    #[must_use]
    pub fn on_clock(mut self, clock_id: String) -> Self {
        self.clock_id = Some(clock_id);
        self
    }

    /// The tenant, as the message group of the unordered topic names it.
    pub fn tenant(&self) -> &str {
        self.partitionkey.split('/').next().unwrap_or_default()
    }

    /// Creates the row; the sequence number must be free.
    pub fn into_change(self) -> Change {
        let mut change = Change::new();
        change.create(&self);
        change
    }
}

/// The key of an aggregate's n-th event.
pub fn key_of(scope: &Scope, subject: &EntityRef, sequence: u64) -> Key {
    let pk = scope.partition("AGG", (subject.kind().as_str(), subject.id()));
    Key { pk, sk: SortKey::sequence(sequence) }
}

/// Which event of which entity stands at this key.
pub fn place_of(key: &Key) -> Option<(EntityRef, u64)> {
    let mut parts = key.pk.text().ok()?.rsplit('#');
    let (id, kind) = (parts.next()?, parts.next()?);
    let subject = format!("{kind}/{id}").parse().ok()?;
    Some((subject, key.sk.text().ok()?.parse().ok()?))
}

/// The rows of one shard that were due by now, oldest first; keys only.
pub fn due(shard: u64, now: Timestamp) -> Query {
    Query::index(OUTBOX, DUE, due_shard(shard)).up_to(now.ms())
}

/// The events of this type that were given up, oldest first; keys only.
pub fn failed_of(kind: &str) -> Query {
    Query::index(OUTBOX, OUTBOX_FAILED, failed_partition(kind))
}

/// A tenant's events of a UTC day (`2026-11-21`), oldest first; keys and type only.
pub fn of_day(scope: &Scope, day: &str, public: bool) -> Query {
    Query::index(OUTBOX, TENANT_DAY, day_partition(scope, day, public))
}

/// The unsettled rows of an ordered aggregate around a sequence, in order: from the first that is
/// not settled, at most [`RUN_MAX`]. Whoever publishes them in this order keeps the order. None where
/// more than that many lie before the sequence: they are carried from an earlier one on.
///
/// # Errors
/// [`StoreError`].
pub async fn unsettled_run(
    store: &Store,
    aggregate: &PartitionKey,
    sequence: u64,
) -> Result<Vec<OutboxRow>, StoreError> {
    let around = SortKey::sequence(sequence);
    let around = around.text()?;
    let rows = Query::table(OUTBOX, aggregate.clone()).limit(RUN_PAGE);
    let mut run: Vec<OutboxRow> = Vec::new();
    let mut back = rows.clone().up_to(around).descending();
    'back: loop {
        if run.len() >= RUN_MAX {
            return Ok(Vec::new());
        }
        let page = store.query::<OutboxRow>(&back).await?;
        for row in page.items {
            if row.status.is_settled() {
                break 'back;
            }
            run.push(row);
        }
        if page.next.is_none() {
            break;
        }
        back = back.after(page.next);
    }
    run.reverse();
    let mut ahead = rows.above(around);
    while run.len() < RUN_MAX {
        let page = store.query::<OutboxRow>(&ahead).await?;
        let before = run.len();
        run.extend(page.items.into_iter().filter(|row| !row.status.is_settled()));
        // Behind a whole page of settled rows there are only such that have doorbells of their own.
        if page.next.is_none() || run.len() == before {
            break;
        }
        ahead = ahead.after(page.next);
    }
    run.truncate(RUN_MAX);
    Ok(run)
}

/// Where a row stands in the due index.
pub fn due_partition(key: &Key) -> PartitionKey {
    match key.pk.text() {
        Ok(pk) => due_shard(shard_of(pk, DUE_SHARDS)),
        Err(_) => key.pk.clone(),
    }
}

pub(crate) fn failed_partition(kind: &str) -> PartitionKey {
    Scope::system().partition("FAILED", kind)
}

/// One shard of the due index, of any table that has it.
pub fn due_shard(shard: u64) -> PartitionKey {
    Scope::system().partition("DUE", &format!("{shard:02}"))
}

fn day_partition(scope: &Scope, day: &str, public: bool) -> PartitionKey {
    scope.partition(if public { "EVT" } else { "EVI" }, day)
}

fn partitionkey(scope: &Scope, subject: &EntityRef) -> String {
    let owner: Vec<_> = scope.segments().skip(1).collect();
    format!("{}/{subject}", owner.join("/"))
}
