//! Listeners of mode `scheduled`: their events are collected, and handed over many at once at the times
//! of a cadence.
//!
//! One shared listener, [`COLLECTOR`], hears everything that is collected anywhere; which events that
//! are, [`subscribe`] reads from all module tables. The sweep of timers hands a batch out as a message to
//! the listener's own job queue, and the job takes the events off together with their effect.

mod run;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use interface::{Envelope, Event, EventSpec};
use kernel::cron::Recurrence;
use kernel::{Error, ErrorKind, Problem, TenantId, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::collected::{self, Batches, HANDED_OUT_MAX, Head};
use store::lease::{self, Lease};
use store::{Change, NotCommitted, Token};

use crate::caller::{InTenant, System, Worker};
use crate::commit::Commit;
use crate::ctx::Ctx;
use crate::entry::Handler;
use crate::event::{Outcome, Received};
use crate::module::{Listening, Module};
use crate::row::{LISTENER_TIMEOUT_S, Row, Trigger};

/// The listener that collects for all others.
pub const COLLECTOR: &str = "platform.on_scheduled_event";
/// Another sweep has taken over; a later one goes on where this one stopped.
pub const LEASE_LOST: Problem =
    Problem::new(ErrorKind::Conflict, "lease_lost", "another sweep has taken over");
/// The most events of one run.
pub const BATCH_MAX: u32 = 500;
const BATCH: u32 = 100;
/// Attempts at an event alone before it is put aside.
const TRIES: u32 = 5;
/// The longest cadence: a day.
const MINUTES_MAX: u32 = 24 * 60;

/// When a listener's batches are handed out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cadence {
    /// Every so many minutes, 1 to 1,440, counted from midnight UTC of 1 January 1970.
    Minutes(u32),
    /// The times of an expression in a time zone.
    Cron {
        /// Six fields, as EventBridge has them.
        cron: Cow<'static, str>,
        /// An IANA name.
        zone: Cow<'static, str>,
    },
}

impl Cadence {
    /// The times of six fields in the zone of this IANA name.
    pub const fn cron(cron: &'static str, zone: &'static str) -> Self {
        Self::Cron { cron: Cow::Borrowed(cron), zone: Cow::Borrowed(zone) }
    }

    /// The first time after this instant; `None` where the cadence is none, or over.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Minutes(minutes @ 1..=MINUTES_MAX) => {
                let step_ms = i64::from(*minutes) * 60_000;
                Some(Timestamp::from_ms((after.ms().div_euclid(step_ms) + 1) * step_ms))
            }
            Self::Minutes(_) => None,
            Self::Cron { cron, zone } => Recurrence::parse(cron, zone).ok()?.next(after),
        }
    }

    /// Whether it ever pauses for so long that what waits could expire, as seen from each midnight UTC of
    /// `days` days from `first` on.
    pub fn pauses_too_long(&self, first: Timestamp, days: u32) -> bool {
        let day = Duration::from_secs(24 * 3_600);
        let most = collected::GAP_MAX.saturating_sub(day);
        (0..days)
            .map(|n| first.plus(day * n))
            .any(|midnight| self.next(midnight).is_some_and(|tick| tick.since(midnight) > most))
    }

    fn is_valid(&self) -> bool {
        match self {
            Self::Minutes(minutes) => (1..=MINUTES_MAX).contains(minutes),
            Self::Cron { cron, zone } => Recurrence::parse(cron, zone).is_ok(),
        }
    }
}

/// How events are collected for a listener.
#[derive(Clone, Debug)]
pub struct Collecting {
    pub events: Vec<EventSpec>,
    /// Majors of those events it understands.
    pub accepts: Vec<u16>,
    pub cadence: Cadence,
    /// Events of one run, 1 to 500.
    pub batch: u32,
    /// Attempts at an event alone before it is put aside.
    pub tries: u32,
}

impl Collecting {
    /// Whether it can be carried out: a cadence, a batch and an event.
    pub(crate) fn is_valid(&self) -> bool {
        let sized = (1..=BATCH_MAX).contains(&self.batch);
        sized && self.cadence.is_valid() && !self.events.is_empty()
    }

    /// The values of the message attribute `type` of its events.
    pub(crate) fn types(&self) -> Vec<String> {
        let listening = Listening::to(self.events.clone());
        Listening { accepts: self.accepts.clone(), ..listening }.types()
    }
}

/// A batch that is due: the message of its job.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct HandOut {
    /// Says whose rows the job may touch, as in an event.
    pub tenantid: TenantId,
    pub livemode: bool,
    pub listener: String,
    /// The number of the hand-out: each is worked through once.
    pub run: u64,
    /// The time of the cadence it is for.
    #[serde(with = "kernel::time::ms", rename = "due_at_ms")]
    pub due_at: Timestamp,
}

/// Handles an event many at once, at the times of a cadence.
///
/// The handler is given events of one tenant and mode, oldest first. What it commits with
/// [`Ctx::apply`] takes them off the waiting ones in the same transaction, so each is handled once. It
/// may be given fewer at a time than the batch has: as many as fit one transaction beside the row's
/// `max_writes`, in which what it announces counts too. Where it fails on several, or kills its function,
/// it is given each of them alone; one it fails on five times is put aside as failed. So is one that it
/// still answers [`Outcome::Wait`] to when the event would expire, two weeks after it was due first.
pub fn collect<D, H, F>(id: &'static str, event: &Event<D>, cadence: Cadence, handler: H) -> Row
where
    D: DeserializeOwned + Send + 'static,
    H: Fn(Ctx<Worker>, Vec<Received<D>>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Outcome, Error>> + Send + 'static,
{
    let events = vec![event.spec];
    let collecting = Collecting { events, accepts: vec![1], cadence, batch: BATCH, tries: TRIES };
    let mut row = Row::new(id, Trigger::Job, LISTENER_TIMEOUT_S, run::entry(handler));
    row.collects = Some(collecting);
    row.one_at_a_time().writes([store::PLATFORM, store::INBOX])
}

/// Hears what is collected for others: the one listener [`COLLECTOR`].
pub fn collector<H, F>(handler: H) -> Row
where
    H: Fn(Ctx<Worker>, Envelope) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Outcome, Error>> + Send + 'static,
{
    // Whether a major is understood is for the listener to say that the event is collected for.
    let entry = Handler::Listener(Box::new(move |call, who, envelope, _| {
        Ok(Box::pin(handler(Ctx { call, who }, envelope)))
    }));
    let trigger = Trigger::Listener(Listening::to(Vec::new()));
    Row::new(COLLECTOR, trigger, LISTENER_TIMEOUT_S, Arc::new(entry))
        .tries(10, [5, 30, 120])
        .writes([store::PLATFORM])
}

/// Subscribes the collector to everything that is collected in these modules, which are all there are.
/// Where nothing is, there is no collector.
#[must_use]
pub fn subscribe(mut modules: Vec<Module>) -> Vec<Module> {
    let rows = modules.iter().flat_map(|module| &module.rows);
    let collecting: Vec<Collecting> = rows.filter_map(|row| row.collects.clone()).collect();
    let mut heard: Vec<EventSpec> = Vec::new();
    for spec in collecting.iter().flat_map(|one| &one.events) {
        if !heard.iter().any(|known| known.name == spec.name) {
            heard.push(*spec);
        }
    }
    let mut accepts: Vec<u16> = collecting.iter().flat_map(|one| one.accepts.clone()).collect();
    accepts.sort_unstable();
    accepts.dedup();
    for module in &mut modules {
        module.rows.retain(|row| row.id != COLLECTOR || !heard.is_empty());
        let found = module.rows.iter_mut().find(|row| row.id == COLLECTOR);
        if let Some(listening) = found.and_then(Row::listening_mut) {
            (listening.events, listening.accepts) = (heard.clone(), accepts.clone());
        }
    }
    modules
}

impl Ctx<Worker> {
    /// Keeps the event for every listener it is collected for. Running twice is safe: keeping an event
    /// twice is keeping it once, and the inbox row is in the same transaction.
    pub async fn keep(&self, event: &Envelope) -> Result<Outcome, Error> {
        let (now, kind) = (self.now(), topic_type(event));
        let text = event.to_bytes().map_err(|fault| Error::internal(fault.to_string()))?;
        let mut change = Change::new();
        for listener in self.ports().backbone().collecting(&kind) {
            // A cadence that is over hands out at once.
            let tick = listener.cadence.next(now).unwrap_or(now);
            let batches =
                Batches::new(self.tenant(), self.who.livemode(), &listener.hearing.listener);
            change = change.append(batches.keep(event.id, &text, tick, now));
        }
        if change.is_empty() {
            return Ok(Outcome::Skip("collected_for_nobody"));
        }
        self.apply(Commit::of(change)).await.map(|()| Outcome::Done)
    }
}

fn topic_type(event: &Envelope) -> String {
    match event.dataschema.rsplit(':').next() {
        None | Some("0" | "1") => event.kind.clone(),
        Some(major) => format!("{}@{major}", event.kind),
    }
}

impl Ctx<System> {
    /// Hands out the batches of these heads to the jobs of their listeners, under the sweep's lease.
    /// The heads move before the messages are sent: a hand-out that is lost in between is made again by
    /// a later sweep, and one time of a cadence is never handed out twice.
    pub async fn hand_out(&self, heads: &[Head], lease: &Lease) -> Result<(), Error> {
        let now = self.now();
        let mut sent = Ok(());
        for heads in heads.chunks(HANDED_OUT_MAX) {
            let change = collected::hand_out(heads, lease, now);
            match self.store().commit(change, &Token::of(&self.random::<16>(), 0)).await {
                Ok(_) => {}
                Err(NotCommitted::Refused { label: Some(lease::LABEL), .. }) => {
                    return Err(LEASE_LOST.error());
                }
                Err(fault) => return Err(fault.into()),
            }
            for head in heads {
                let message = HandOut {
                    tenantid: head.tenant_id,
                    livemode: head.livemode,
                    listener: head.listener.clone(),
                    run: head.run + 1,
                    due_at: head.due_at.unwrap_or(now),
                };
                sent = sent.and(self.enqueue(&head.listener, &message, 0).await);
            }
        }
        sent
    }
}

#[cfg(test)]
mod tests {
    use interface::ops::{ACTION_PERFORMED, ActionPerformed, OUTBOX_STALLED};

    use super::*;

    use crate::backbone::Backbone;
    use crate::module::Group;
    use crate::wiring::{Lane, LaneError};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn modules(cadence: Cadence, batch: u32) -> Vec<Module> {
        let hears = |id, event: &Event<_>, cadence| {
            collect(id, event, cadence, |_, _: Vec<Received<ActionPerformed>>| async {
                Ok(Outcome::Done)
            })
        };
        let counts = hears("stats.on_registered", &ACTION_PERFORMED, cadence).batch(batch);
        let again = hears("stats.on_newcomer", &ACTION_PERFORMED, Cadence::Minutes(60));
        let collector = collector(|_, _| async { Ok(Outcome::Done) });
        vec![
            Module::new("stats", Group::Engagement, "Counts.", [counts, again]),
            Module::new("platform", Group::Engagement, "Carries.", [collector]),
        ]
    }

    #[test]
    fn ticks_are_those_of_the_cadence() {
        let rows = [
            (Cadence::Minutes(5), "2030-06-01T12:00:00Z", Some("2030-06-01T12:05:00Z")),
            (Cadence::Minutes(5), "2030-06-01T12:04:59.999Z", Some("2030-06-01T12:05:00Z")),
            (Cadence::Minutes(1_440), "2030-06-01T12:00:00Z", Some("2030-06-02T00:00:00Z")),
            (Cadence::Minutes(0), "2030-06-01T12:00:00Z", None),
            (Cadence::Minutes(1_441), "2030-06-01T12:00:00Z", None),
            (
                Cadence::cron("0 6 * * ? *", "Europe/Berlin"),
                "2030-06-01T12:00:00Z",
                Some("2030-06-02T04:00:00Z"),
            ),
            (Cadence::cron("0 6 * * ? *", "Europe/Atlantis"), "2030-06-01T12:00:00Z", None),
        ];
        for (cadence, now, tick) in rows {
            assert_eq!(cadence.next(at(now)), tick.map(at), "{cadence:?} after {now}");
        }
    }

    #[test]
    fn a_cadence_may_pause_for_twelve_days() {
        let rows = [
            (Cadence::Minutes(1_440), false),
            (Cadence::cron("0 6 ? * MON *", "Europe/Berlin"), false),
            (Cadence::cron("0 6 1,11,21 * ? *", "UTC"), false),
            (Cadence::cron("0 6 1,15 * ? *", "UTC"), true),
            (Cadence::cron("0 6 1 * ? *", "UTC"), true),
            (Cadence::cron("0/5 * * 1-6 ? *", "UTC"), true),
            (Cadence::cron("0 6 * * ? 2030", "UTC"), false),
        ];
        for (cadence, too_long) in rows {
            let first = at("2030-01-01T00:00:00Z");
            assert_eq!(cadence.pauses_too_long(first, 366), too_long, "{cadence:?}");
        }
    }

    #[test]
    fn the_collector_hears_whatever_is_collected_and_is_gone_where_nothing_is() {
        let modules = subscribe(modules(Cadence::Minutes(5), 100));
        let platform = modules.iter().find(|module| module.name == "platform").unwrap();
        let lane = Lane::of(platform, platform.row(COLLECTOR).unwrap()).unwrap().unwrap();
        assert_eq!(lane.filter, serde_json::json!({ "type": ["ops.action.performed"] }));
        let backbone = Backbone::of(&modules).unwrap();
        assert_eq!(backbone.collecting("ops.action.performed").count(), 2);
        assert_eq!(backbone.collecting(OUTBOX_STALLED.spec.name).count(), 0);
        let queues: Vec<&str> = backbone.listeners.iter().map(|one| one.queue.as_str()).collect();
        assert_eq!(queues, ["platform-on_scheduled_event"]);
        let without = subscribe(modules.into_iter().filter(|one| one.name != "stats").collect());
        assert!(without.iter().all(|module| module.rows.is_empty()));
        assert_eq!(Backbone::of(&without), Ok(Backbone::default()));
    }

    #[test]
    fn a_cadence_or_batch_that_is_none_is_refused() {
        let listener = "stats.on_registered";
        let rows = [
            (Cadence::Minutes(0), 100),
            (Cadence::cron("0 6 * * ?", "UTC"), 100),
            (Cadence::Minutes(5), 0),
            (Cadence::Minutes(5), 501),
        ];
        for (cadence, batch) in rows {
            let refused = Backbone::of(&modules(cadence, batch));
            assert_eq!(refused, Err(LaneError::NotCollected { listener }));
        }
    }
}
