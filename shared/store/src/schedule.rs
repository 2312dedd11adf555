//! Scheduled events: an event that is announced later, once or again and again. The row is its own
//! queue entry: who schedules writes it in their own transaction, who fires it changes it together with
//! the outbox row of the event.
//!
//! A key names one timer of a module and tenant. Scheduling never reads: each way to schedule is one
//! unconditional update that means the same whether a timer of the key is scheduled, over or was never
//! there. That works because a timer that is over keeps nothing of its plan.
//!
//! `due_at_ms` is when the sweep looks at the row, `fire_at_ms` when it fires. They differ for precise
//! timers, which are looked at early, and for debounced ones: putting one off again moves `fire_at_ms`
//! alone, and the sweep that finds it waiting moves `due_at_ms` after it.

mod occurrence;

use std::time::Duration;

use kernel::cron::Recurrence;
use kernel::{ScheduleId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::condition::Condition;
use crate::item::{Places, Stored};
use crate::key::{Key, PartitionKey, Scope, escaped};
use crate::outbox::{due_partition, due_shard};
use crate::planted::{self, Bug};
use crate::query::Query;
use crate::table::{DUE, EXPIRES_AT, PLATFORM, Table};
use crate::update::Update;
pub use occurrence::{CATCH_UP_MAX, ON_TIME, Step};

/// The word of `due_kind` by which a sweep tells these rows from other timers.
pub const DUE_KIND: &str = "scheduled_event";
/// The label of the row's action in a change.
pub const LABEL: &str = "schedule";
/// How long before its time a precise timer is handed to a delayed message.
pub const PRECISE_LEAD: Duration = Duration::from_secs(75);
/// Attempts to fire before a timer is given up.
pub const ATTEMPTS_MAX: u32 = 10;
/// How long a row is kept once its timer is over: 30 days.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// How a timer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Its last event is committed.
    Fired,
    /// Called off; nothing fires after that is committed.
    Cancelled,
    /// It could not be fired, see the last error.
    Failed,
}

/// What becomes of runs a recurring timer has missed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Misfire {
    /// Any number of them are one event.
    #[default]
    FireOnce,
    /// They are passed over; a run is missed once it is [`ON_TIME`] late.
    Skip,
    /// Each is an event of its own; the newest [`CATCH_UP_MAX`] of them.
    CatchUp,
}

/// What a timer does when its time comes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The event's canonical name.
    #[serde(rename = "type")]
    pub kind: String,
    pub major: u16,
    pub priority: String,
    /// Whether tenants may see it.
    pub public: bool,
    /// The envelope to announce, complete but for id, time, subject and sequence.
    pub envelope: String,
    /// The times of a timer that fires again and again.
    pub recurrence: Option<Recurrence>,
    #[serde(default)]
    pub misfire: Misfire,
    /// Whether it fires to the second, not to the minute.
    #[serde(default)]
    pub precise: bool,
}

impl Plan {
    fn looks_at(&self, fire_at: Timestamp) -> Timestamp {
        if self.precise { fire_at.minus(PRECISE_LEAD) } else { fire_at }
    }
}

/// Which timer: a key of a module, inside one tenant and mode.
#[derive(Clone, Debug, PartialEq)]
pub struct TimerKey {
    tenant: TenantId,
    livemode: bool,
    module: String,
    name: String,
}

impl TimerKey {
    /// The timer of this name. A name may be any text that is not empty.
    pub fn new(tenant: TenantId, livemode: bool, module: &str, name: &str) -> Self {
        Self { tenant, livemode, module: module.to_owned(), name: name.to_owned() }
    }

    /// The row's primary key in [`PLATFORM`].
    pub fn key(&self) -> Key {
        let scope = Scope::tenant(self.tenant).mode(self.livemode);
        Key::alone(scope.partition("SCH", (&self.module, escaped(&self.name))))
    }

    /// Schedules; leaves a timer that is scheduled already as it is.
    pub fn put(&self, id: ScheduleId, plan: &Plan, fire_at: Timestamp) -> Update {
        self.scheduled(id)
            .set_if_absent("plan", plan)
            .set_if_absent("fire_at_ms", fire_at.ms())
            .set_if_absent("due_at_ms", plan.looks_at(fire_at).ms())
    }

    /// Schedules in the place of whatever is scheduled.
    pub fn replace(&self, id: ScheduleId, plan: &Plan, fire_at: Timestamp) -> Update {
        self.scheduled(id)
            .set("plan", plan)
            .set("fire_at_ms", fire_at.ms())
            .set("due_at_ms", plan.looks_at(fire_at).ms())
            .remove("max_due_at_ms")
    }

    /// Schedules, or puts a scheduled timer off to `fire_at`, at most to the `latest` of its first call.
    /// The plan of the last call counts. All calls of one key have to wait equally long: where a later
    /// call waits less, the timer can be as late as the first wait.
    pub fn debounce(
        &self,
        id: ScheduleId,
        plan: &Plan,
        fire_at: Timestamp,
        latest: Timestamp,
    ) -> Update {
        let first = fire_at.min(latest);
        self.scheduled(id)
            .set("plan", plan)
            .set("fire_at_ms", fire_at.ms())
            .set_if_absent("max_due_at_ms", latest.ms())
            .set_if_absent("due_at_ms", plan.looks_at(first).ms())
    }

    /// Calls the timer off. Does nothing to one that is over; of one that never was, it leaves a
    /// cancelled row for as long as any other.
    pub fn cancel(&self, id: ScheduleId, now: Timestamp) -> Update {
        without_plan(self.named(id))
            .set_if_absent("ended", Ending::Cancelled)
            .set_if_absent("ended_at_ms", now.ms())
            .set_if_absent(EXPIRES_AT, now.plus(KEPT).seconds())
    }

    fn scheduled(&self, id: ScheduleId) -> Update {
        self.named(id)
            .set("due_pk", due_partition(&self.key()))
            .set("attempts", 0)
            .remove("ended")
            .remove("ended_at_ms")
            .remove("last_error_code")
            .remove(EXPIRES_AT)
    }

    /// The id, and with it the count of events, is that of the first call: the events of one timer are
    /// one dense sequence, however often it is scheduled anew.
    fn named(&self, id: ScheduleId) -> Update {
        Update::of(PLATFORM, self.key())
            .set("due_kind", DUE_KIND)
            .set("tenant_id", self.tenant)
            .set("livemode", self.livemode)
            .set("module", &self.module)
            .set("name", &self.name)
            .set_if_absent("id", id)
            .add("v", 1)
    }
}

/// The rows of one shard that have come due in the platform's own table, oldest first; keys only. They are
/// timers of every kind, which their `due_kind` tells apart.
pub fn due(shard: u64, now: Timestamp) -> Query {
    Query::index(PLATFORM, DUE, due_shard(shard)).up_to(now.ms())
}

fn without_plan(update: Update) -> Update {
    ["plan", "fire_at_ms", "max_due_at_ms", "due_pk", "due_at_ms"]
        .into_iter()
        .fold(update, Update::remove)
}

/// One row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduledEvent {
    #[serde(flatten)]
    pub key: Key,
    pub due_kind: String,
    /// Also the subject of its events.
    pub id: ScheduleId,
    pub tenant_id: TenantId,
    pub livemode: bool,
    /// The module that scheduled it.
    pub module: String,
    /// Its name within the module.
    pub name: String,
    /// Grows with every write.
    #[serde(rename = "v")]
    pub version: u64,
    /// How many events it has announced: the sequence of the last.
    #[serde(default)]
    pub fired: u64,
    /// Failed attempts to fire.
    #[serde(default)]
    pub attempts: u32,
    /// Why the last attempt failed.
    pub last_error_code: Option<String>,
    /// Nothing while it is scheduled.
    pub ended: Option<Ending>,
    #[serde(default, with = "kernel::time::ms_option", rename = "ended_at_ms")]
    pub ended_at: Option<Timestamp>,
    /// What it does when its time comes; nothing once it is over.
    pub plan: Option<Plan>,
    /// When it fires, unless `max_due_at` is earlier.
    #[serde(default, with = "kernel::time::ms_option", rename = "fire_at_ms")]
    pub fire_at: Option<Timestamp>,
    /// The latest a debounced timer can be put off to.
    #[serde(default, with = "kernel::time::ms_option", rename = "max_due_at_ms")]
    pub max_due_at: Option<Timestamp>,
    /// When the sweep looks at it.
    #[serde(default, with = "kernel::time::ms_option", rename = "due_at_ms")]
    pub looked_at: Option<Timestamp>,
    /// Its place in the due index.
    pub due_pk: Option<PartitionKey>,
}

impl Stored for ScheduledEvent {
    const TABLE: Table = PLATFORM;

    fn key(&self) -> Key {
        self.key.clone()
    }

    fn index(&self, places: &mut Places) {
        if let Some(at) = self.looked_at {
            places.put(&DUE, due_partition(&self.key), at.ms());
        }
    }
}

impl ScheduledEvent {
    /// When it fires; nothing where it is over.
    pub fn due_at(&self) -> Option<Timestamp> {
        let fire_at = self.fire_at.filter(|_| self.ended.is_none())?;
        Some(self.max_due_at.map_or(fire_at, |latest| fire_at.min(latest)))
    }

    /// Whether it fires to the second.
    pub fn is_precise(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.precise)
    }

    /// What is to be done about it now.
    pub fn step(&self, now: Timestamp) -> Step {
        match (&self.plan, self.due_at()) {
            (Some(plan), Some(due_at)) => occurrence::step(plan, due_at, now),
            _ => Step::Over,
        }
    }

    /// scheduled → scheduled for `next`, or fired where there is none: part of the transaction that
    /// announces `events` of them. Refused, labelled [`LABEL`], where anything has changed since the row
    /// was read, above all where it was cancelled or has fired.
    pub fn fire(&self, events: u64, next: Option<Timestamp>, now: Timestamp) -> Update {
        let fired = self.update().add("fired", i128::from(events)).set("attempts", 0);
        let fired = fired.remove("last_error_code");
        let fired = match (next, &self.plan) {
            (Some(next), Some(plan)) => fired
                .remove("max_due_at_ms")
                .set("fire_at_ms", next.ms())
                .set("due_at_ms", plan.looks_at(next).ms())
                .set("due_pk", due_partition(&self.key)),
            _ => ended(fired, Ending::Fired, now),
        };
        if planted::is(Bug::CancelledTimerFires) { fired } else { fired.when(self.unchanged()) }
    }

    /// Has the sweep look again when the timer, put off meanwhile, is due.
    pub fn look_again(&self, due_at: Timestamp) -> Update {
        let looks_at = self.plan.as_ref().map_or(due_at, |plan| plan.looks_at(due_at));
        self.update().set("due_at_ms", looks_at.ms()).when(self.unchanged())
    }

    /// Notes that firing failed for a reason that will not go away by itself; scheduled → failed with
    /// the last of [`ATTEMPTS_MAX`] attempts.
    pub fn fail(&self, code: &str, now: Timestamp) -> Update {
        let attempts = self.attempts + 1;
        let noted = self.update().set("attempts", attempts).set("last_error_code", code);
        let noted = noted.when(self.unchanged());
        if attempts < ATTEMPTS_MAX { noted } else { ended(noted, Ending::Failed, now) }
    }

    /// Due now: the next sweep fires it.
    pub fn bring_forward(&self, now: Timestamp) -> Update {
        let update = self.update().set("fire_at_ms", now.ms()).set("due_at_ms", now.ms());
        update.when(self.unchanged())
    }

    /// scheduled → cancelled: nothing fires once this is committed.
    pub fn cancel(&self, now: Timestamp) -> Update {
        ended(self.update(), Ending::Cancelled, now).when(self.unchanged())
    }

    fn update(&self) -> Update {
        Update::of(PLATFORM, self.key.clone()).add("v", 1)
    }

    /// Every write raises the version, so this also says that the timer is still scheduled and due.
    fn unchanged(&self) -> Condition {
        Condition::equal("v", self.version).and(Condition::absent("ended"))
    }
}

fn ended(update: Update, ending: Ending, now: Timestamp) -> Update {
    without_plan(update)
        .set("ended", ending)
        .set("ended_at_ms", now.ms())
        .set(EXPIRES_AT, now.plus(KEPT).seconds())
}
