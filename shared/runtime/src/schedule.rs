//! Timers: events that are announced later. A handler schedules them with its commit; the platform fires
//! them.
//!
//! The events of a timer are events of the timer itself: their entity is [`EntityKind::Schedule`], their
//! subject `schedule/<sch_…>`, and their sequence the number of events it has announced. That keeps the
//! sequence dense without touching any other aggregate; what a timer is about stands in the data. The
//! entity has no order, so only listeners that ask for none hear them.

use std::time::Duration;

use interface::{Envelope, Event, EventSpec, Fact};
use kernel::cron::Recurrence;
use kernel::{EntityKind, EntityRef, Error, EventId, ScheduleId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use store::outbox::{Birth, OutboxRow};
use store::planted::{self, Bug};
pub use store::schedule::Misfire;
use store::schedule::{self, PRECISE_LEAD, Plan, ScheduledEvent, Step, TimerKey};
use store::{Change, Consistency, Key, NotCommitted, Scope, StoreError, Token, Update};

use crate::caller::{InTenant, System};
use crate::ctx::Ctx;
use crate::log::Line;
use crate::relay;

/// The job that fires precise timers.
pub(crate) const FIRE: &str = "platform.schedule_fire";
/// Tries to fire a timer that keeps changing under our hands.
const TRIES: u32 = 5;

/// A timer to be scheduled, see [`Commit::scheduling`](crate::Commit::scheduling).
#[derive(Debug)]
pub struct Timer {
    key: String,
    when: When,
    spec: EventSpec,
    data: Result<serde_json::Value, Error>,
    misfire: Misfire,
    precise: bool,
    replaces: bool,
}

#[derive(Debug)]
enum When {
    At(Timestamp),
    Recurring(Recurrence),
    Quiet { wait: Duration, most: Duration },
}

impl Timer {
    /// Announces the event at `due_at`, or with the next sweep where that is past. A timer of this key
    /// that is scheduled already stays as it is.
    pub fn at<D: Fact>(key: impl ToString, due_at: Timestamp, event: &Event<D>, data: &D) -> Self {
        Self::new(key.to_string(), When::At(due_at), event, data)
    }

    /// Announces the event again and again. A timer of this key that is scheduled already stays as it is.
    pub fn recurring<D: Fact>(
        key: impl ToString,
        times: Recurrence,
        event: &Event<D>,
        data: &D,
    ) -> Self {
        Self::new(key.to_string(), When::Recurring(times), event, data)
    }

    /// Announces the event once nothing has scheduled this key for `wait`, at the latest `most` after
    /// the first call. The data of the last call counts. All calls of a key wait equally long.
    pub fn debounced<D: Fact>(
        key: impl ToString,
        wait: Duration,
        most: Duration,
        event: &Event<D>,
        data: &D,
    ) -> Self {
        Self::new(key.to_string(), When::Quiet { wait, most }, event, data)
    }

    fn new<D: Fact>(key: String, when: When, event: &Event<D>, data: &D) -> Self {
        let name = event.spec.name;
        let data =
            serde_json::to_value(data).map_err(|fault| Error::internal(format!("{name}: {fault}")));
        let misfire = Misfire::default();
        Self { key, when, spec: event.spec, data, misfire, precise: false, replaces: false }
    }

    /// Takes the place of a timer of this key that is scheduled already.
    #[must_use]
    pub fn replacing(mut self) -> Self {
        self.replaces = true;
        self
    }

    /// Does this about runs that were missed; only recurring timers miss any.
    #[must_use]
    pub fn misfiring(mut self, misfire: Misfire) -> Self {
        self.misfire = misfire;
        self
    }

    /// Fires to the second rather than to the minute.
    #[must_use]
    pub fn precise(mut self) -> Self {
        self.precise = true;
        self
    }
}

/// A message of the job that fires precise timers.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Due {
    /// Says whose rows the job may touch, as in an event.
    pub tenantid: TenantId,
    /// The timer's row.
    pub key: Key,
}

/// A timer as it goes into a commit.
pub(crate) struct Scheduled {
    pub update: Update,
    pub soon: Option<Soon>,
}

/// A precise timer that is due so soon that the next sweep might come late.
pub(crate) struct Soon {
    due: Due,
    due_at: Timestamp,
}

impl<Who: InTenant> Ctx<Who> {
    /// What schedules this timer; refused where the event is none of a timer, or too large.
    pub(crate) fn scheduled(&self, timer: Timer) -> Result<Scheduled, Error> {
        let Timer { key, when, spec, data, misfire, precise, replaces } = timer;
        if spec.entity != EntityKind::Schedule {
            let name = spec.name;
            return Err(Error::internal(format!(
                "{name} is no event of a timer's: no entity of it"
            )));
        }
        let now = self.now();
        let id: ScheduleId = self.new_id();
        let subject = EntityRef::new(EntityKind::Schedule, id);
        let origin = self.origin();
        let envelope = Envelope::new(&spec, self.new_id(), subject, 0, now, &origin, data?);
        let mut plan = Plan {
            kind: spec.name.to_owned(),
            major: spec.major,
            priority: spec.priority.as_str().to_owned(),
            public: spec.public,
            envelope: envelope.to_bytes().map_err(|fault| Error::internal(fault.to_string()))?,
            recurrence: None,
            misfire,
            precise,
        };
        let timer = self.timer_key(&key);
        let (update, due_at) = match when {
            When::Quiet { wait, most } => {
                let (fire_at, latest) = (now.plus(wait), now.plus(most));
                (timer.debounce(id, &plan, fire_at, latest), fire_at.min(latest))
            }
            When::At(due_at) if replaces => (timer.replace(id, &plan, due_at), due_at),
            When::At(due_at) => (timer.put(id, &plan, due_at), due_at),
            When::Recurring(times) => {
                let never = || Error::internal(format!("timer {key} has no time to come"));
                let due_at = times.next(now).ok_or_else(never)?;
                plan.recurrence = Some(times);
                let update = match replaces {
                    true => timer.replace(id, &plan, due_at),
                    false => timer.put(id, &plan, due_at),
                };
                (update, due_at)
            }
        };
        let due = Due { tenantid: self.tenant(), key: timer.key() };
        let soon = (precise && is_soon(due_at, now)).then_some(Soon { due, due_at });
        Ok(Scheduled { update, soon })
    }

    /// What calls off the timer of this key.
    pub(crate) fn cancelled(&self, key: &str) -> Update {
        self.timer_key(key).cancel(self.new_id(), self.now())
    }

    fn timer_key(&self, key: &str) -> TimerKey {
        let function = self.call.function;
        let module = function.split_once('.').map_or(function, |(module, _)| module);
        TimerKey::new(self.who.tenant(), self.who.livemode(), module, key)
    }
}

fn due_of(row: &ScheduledEvent) -> Due {
    Due { tenantid: row.tenant_id, key: row.key.clone() }
}

fn is_soon(due_at: Timestamp, now: Timestamp) -> bool {
    due_at <= now.plus(PRECISE_LEAD)
}

impl<Who> Ctx<Who> {
    /// Sends precise timers that were just committed on their way. The result is ignored: the sweep
    /// finds them too, within its minute.
    pub(crate) async fn send_soon(&self, timers: &[Soon]) {
        for timer in timers {
            let _ = self.fire_at(&timer.due, timer.due_at).await;
        }
    }

    async fn fire_at(&self, due: &Due, due_at: Timestamp) -> Result<(), Error> {
        let left_s = due_at.since(self.now()).as_millis().div_ceil(1_000);
        let delay_s = u32::try_from(left_s).unwrap_or(u32::MAX);
        self.enqueue(FIRE, due, delay_s).await
    }
}

impl Ctx<System> {
    /// Fires the timer of this row where it is due, sends it on where it is precise and due soon, and
    /// has the sweep look again later where it was put off. Early, late and double calls are harmless:
    /// the transaction that fires asks that nothing has changed since `row` was read.
    ///
    /// A timer that cannot be fired is tried by as many sweeps as it has attempts, then given up.
    pub async fn fire(&self, row: ScheduledEvent) -> Result<(), Error> {
        let key = row.key.clone();
        let mut found = Some(row);
        for _ in 0..TRIES {
            let Some(row) = found else { return Ok(()) };
            if self.take_step(&row).await? {
                return Ok(());
            }
            found = self.store().get(&key, Consistency::Strong).await?;
        }
        Err(StoreError::Conflict.into())
    }

    /// Fires the timer a message is about.
    pub async fn fire_due(&self, due: &Due) -> Result<(), Error> {
        match self.store().get::<ScheduledEvent>(&due.key, Consistency::Strong).await? {
            Some(row) => self.fire(row).await,
            None => Ok(()),
        }
    }

    /// True where the step is taken; false where the row has changed under it.
    async fn take_step(&self, row: &ScheduledEvent) -> Result<bool, Error> {
        let now = self.now();
        match row.step(now) {
            Step::Over => Ok(true),
            Step::Wait(due_at) if row.is_precise() && is_soon(due_at, now) => {
                self.fire_at(&due_of(row), due_at).await.map(|()| true)
            }
            Step::Wait(due_at) => {
                let written = self.store().update(row.look_again(due_at)).await?;
                Ok(written.done().is_some())
            }
            Step::Fire { events, next } => self.announce(row, events, next).await,
        }
    }

    async fn announce(
        &self,
        row: &ScheduledEvent,
        events: u64,
        next: Option<Timestamp>,
    ) -> Result<bool, Error> {
        let now = self.now();
        let births: Result<Vec<Birth>, String> =
            (1..=events).map(|nth| self.birth_of(row, row.fired + nth)).collect();
        let births = match births {
            Ok(births) => births,
            Err(fault) => return self.give_up(row, "unreadable_event", &fault).await,
        };
        let mut change = Change::new();
        change.update(row.fire(events, next, now)).named(schedule::LABEL);
        if planted::is(Bug::TimerOutsideTransaction) && !births.is_empty() {
            let fired = self.store().commit(change, &Token::of(&self.random::<16>(), 0)).await;
            if fired.is_err() {
                return Ok(false);
            }
            change = Change::new();
        }
        for birth in &births {
            change = change.append(OutboxRow::born(birth, now).into_change());
        }
        match self.store().commit(change, &Token::of(&self.random::<16>(), 0)).await {
            Ok(_) => {}
            Err(NotCommitted::Conflict) => return Ok(false),
            Err(NotCommitted::Refused { label: Some(schedule::LABEL), .. }) => return Ok(false),
            Err(NotCommitted::Refused { .. }) => {
                return self.give_up(row, "sequence_taken", "its next sequence is taken").await;
            }
            Err(NotCommitted::Failed(fault)) => {
                return self.give_up(row, "invalid_request", &fault.to_string()).await;
            }
            Err(open) => return Err(open.into()),
        }
        relay::ring_inline(&self.call, &births).await;
        if let Some(next) = next.filter(|next| row.is_precise() && is_soon(*next, now)) {
            self.fire_at(&due_of(row), next).await?;
        }
        Ok(true)
    }

    fn birth_of(&self, row: &ScheduledEvent, sequence: u64) -> Result<Birth, String> {
        let plan = row.plan.as_ref().ok_or("a scheduled row without a plan")?;
        let template = Envelope::parse(&plan.envelope).map_err(|fault| fault.to_string())?;
        let subject = EntityRef::new(EntityKind::Schedule, row.id);
        let mode = if row.livemode { 'l' } else { 't' };
        let event_id: EventId = self.new_id();
        let envelope = Envelope {
            id: event_id,
            time: self.now(),
            sequence: format!("{sequence:020}"),
            partitionkey: format!("{}/{mode}/{subject}", row.tenant_id),
            subject: subject.clone(),
            ..template
        };
        let module = plan.kind.split('.').next().unwrap_or_default();
        Ok(Birth {
            scope: Scope::tenant(row.tenant_id).mode(row.livemode),
            subject,
            sequence,
            event_id,
            kind: plan.kind.clone(),
            major: plan.major,
            module: module.to_owned(),
            ordered: false,
            priority: plan.priority.clone(),
            public: plan.public,
            facet: None,
            traceparent: envelope.traceparent.clone(),
            envelope: envelope.to_bytes().map_err(|fault| fault.to_string())?,
        })
    }

    async fn give_up(&self, row: &ScheduledEvent, code: &str, why: &str) -> Result<bool, Error> {
        let line = Line::error("a timer could not be fired")
            .with("schedule_id", row.id.to_string())
            .with("error_code", code)
            .with("error", why);
        self.log(line);
        let written = self.store().update(row.fail(code, self.now())).await?;
        Ok(written.done().is_some())
    }
}
