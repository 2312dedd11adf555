//! Timers: events that are announced later. A handler schedules them with its commit; `events::firing`
//! announces them.
//!
//! The events of a timer are events of the timer itself: their entity is [`EntityKind::Schedule`], their
//! subject `schedule/<sch_…>`, and their sequence the number of events it has announced. That keeps the
//! sequence dense without touching any other aggregate; what a timer is about stands in the data. The
//! entity has no order, so only listeners that ask for none hear them.

use std::time::Duration;

use interface::{Envelope, Event, EventSpec, Fact};
use kernel::cron::Recurrence;
use kernel::{EntityKind, EntityRef, Error, ScheduleId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
pub use store::schedule::Misfire;
use store::schedule::{PRECISE_LEAD, Plan, TimerKey};
use store::{Key, Update};

use crate::call::caller::InTenant;
use crate::call::ctx::Ctx;

/// The job that fires precise timers.
pub(crate) const FIRE: &str = "platform.schedule_fire";

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

    pub(crate) fn spec(&self) -> EventSpec {
        self.spec
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

/// Whether the next sweep might come too late for a precise timer.
pub(crate) fn is_soon(due_at: Timestamp, now: Timestamp) -> bool {
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

    /// Has the timer fired at `due_at`, to the second.
    pub(crate) async fn fire_at(&self, due: &Due, due_at: Timestamp) -> Result<(), Error> {
        let left_s = due_at.since(self.now()).as_millis().div_ceil(1_000);
        let delay_s = u32::try_from(left_s).unwrap_or(u32::MAX);
        self.enqueue(FIRE, due, delay_s).await
    }
}
