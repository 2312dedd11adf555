//! What stands around a row outside the program: queue, topic, filter policy, stream settings. Derived
//! once, read by the template generator and the local cloud alike.

use interface::{EventSpec, Ordering, Priority};
use serde_json::{Map, Value, json};

use super::stages::{self, Tuning};
use crate::call::stream::Births;
use crate::module::listening::Listening;
use crate::module::row::Row;
use crate::module::table::Module;
use crate::ports::name::resource_name;

/// How long queues keep a message: the longest SQS offers, 14 days.
pub const RETENTION_S: u32 = 14 * 24 * 60 * 60;
/// Receives of a job's queue before it gives up.
pub const JOB_RECEIVES: u32 = 10;
/// Jobs of one invocation, where they are short.
const JOB_BATCH: u32 = 10;
/// Invocations of a job at once.
pub const JOB_CONCURRENCY: u32 = 5;

/// Jobs of one invocation of this row: what waits behind a long one would come back, and count as
/// received each time.
pub const fn job_batch(row: &Row) -> u32 {
    if row.one_at_a_time { 1 } else { JOB_BATCH }
}

/// How records of a stream are handed to their function (Lambda API reference,
/// CreateEventSourceMapping).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Most records of one invocation.
    pub batch: u32,
    /// Seconds a batch may wait for more records. The local cloud hands over at once.
    pub window_s: u32,
    /// Batches of one shard at once; records of one item stay in order.
    pub parallel: u32,
    /// How often a record is tried again.
    pub retries: u32,
    /// How old a record may get.
    pub max_age_s: u32,
    /// Whether a batch that failed is split, to find the record that fails it.
    pub bisect: bool,
}

impl Feed {
    /// How these records are handed over.
    pub const fn of(births: Births) -> Self {
        match births {
            // A record that fails three times is left to the sweeper, because the table still says
            // `pending`; so no shard is ever blocked.
            Births::Outbox => Self {
                batch: 100,
                window_s: 0,
                parallel: 10,
                retries: 3,
                max_age_s: 3_600,
                bisect: true,
            },
            // Nobody looks for these again: they are tried for as long as the stream keeps them, 24
            // hours. A batch is one file, so it stays whole.
            Births::Sent => Self {
                batch: 1_000,
                window_s: 60,
                parallel: 1,
                retries: 10_000,
                max_age_s: 24 * 60 * 60,
                bisect: false,
            },
        }
    }
}

/// The topic a listener's queue is subscribed to, and so the kind of its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    Standard,
    Fifo,
}

/// Why a listener cannot be subscribed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LaneError {
    #[error(
        "events cannot be collected for {listener}: it needs an event, a cadence of 1 to 1,440 minutes \
         or of a cron expression and a time zone, and a batch of 1 to 500"
    )]
    NotCollected { listener: &'static str },
    #[error("{listener} hears nothing: name an event")]
    Deaf { listener: &'static str },
    #[error(
        "{listener} asks for order, and {event} has none: only FIFO queues subscribe to the FIFO \
         topic, so make two listeners of it"
    )]
    WithoutOrder { listener: &'static str, event: &'static str },
    #[error(
        "{listener} is the {priority} lane of some of its events, and {event} has no other lane: its \
         other messages would be lost"
    )]
    LaneWithoutTwin { listener: &'static str, event: &'static str, priority: &'static str },
}

/// A listener's own queue and everything around it.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    pub topic: Topic,
    /// Name of the queue after the stage's prefix.
    pub queue: String,
    /// Name of the dead-letter queue after the stage's prefix.
    pub dead_letter_queue: String,
    /// Seconds a received message stays hidden.
    pub visibility_s: u32,
    /// Receives after which the queue itself gives up: a crash backstop, never the retry counter.
    pub max_receives: u32,
    /// Seconds every message waits before it can be received.
    pub delay_s: u32,
    /// Messages per invocation.
    pub batch: u32,
    /// Most invocations at once.
    pub max_concurrency: u32,
    /// The subscription's filter policy over message attributes: arrays of exact words only.
    pub filter: Value,
    /// What is different at some stages.
    pub stages: Vec<Staged>,
}

/// A lane at a stage of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Staged {
    pub stage: &'static str,
    pub max_receives: u32,
    pub max_concurrency: u32,
}

impl Staged {
    fn of(tuning: &Tuning, heard: &Listening) -> Self {
        let mut heard = heard.clone();
        tuning.tune(&mut heard);
        Self {
            stage: tuning.stage,
            max_receives: heard.max_receives(),
            max_concurrency: heard.max_concurrency(),
        }
    }
}

impl Lane {
    /// The lane of this row of the module; `None` where the row is no listener. Refuses a listener
    /// that would miss some of its events.
    pub fn of(module: &Module, row: &Row) -> Result<Option<Self>, LaneError> {
        let Some(heard) = row.listening() else { return Ok(None) };
        let topic = topic_of(row, heard)?;
        let (queue, dead_letter_queue) = queue_names(row.id, topic);
        Ok(Some(Self {
            topic,
            queue,
            dead_letter_queue,
            visibility_s: Listening::visibility_s(row.timeout_s),
            max_receives: heard.max_receives(),
            delay_s: heard.delay_s,
            batch: heard.batch,
            max_concurrency: heard.max_concurrency(),
            stages: stages::of(row.id).map(|tuning| Staged::of(tuning, heard)).collect(),
            filter: filter_of(module, row, heard)?,
        }))
    }
}

/// The names of a queue and of its dead-letter queue after the stage's prefix.
pub fn queue_names(id: &str, topic: Topic) -> (String, String) {
    let stem = resource_name(id);
    match topic {
        Topic::Standard => (stem.clone(), format!("{stem}-dlq")),
        Topic::Fifo => (format!("{stem}.fifo"), format!("{stem}-dlq.fifo")),
    }
}

/// The names of a listener's queue and dead-letter queue after the stage's prefix.
pub(crate) fn queues_of(row: &Row) -> Option<(String, String)> {
    let topic = topic_of(row, row.listening()?).unwrap_or(Topic::Standard);
    Some(queue_names(row.id, topic))
}

/// The topic of a listener: the FIFO topic where it asks for order; refuses events that have none.
fn topic_of(row: &Row, heard: &Listening) -> Result<Topic, LaneError> {
    let listener = row.id;
    let without = heard.events.iter().find(|spec| spec.ordering() == Ordering::None);
    match (heard.ordering, without) {
        _ if heard.events.is_empty() => Err(LaneError::Deaf { listener }),
        (Ordering::None, _) => Ok(Topic::Standard),
        (Ordering::Aggregate, None) => Ok(Topic::Fifo),
        (Ordering::Aggregate, Some(spec)) => {
            Err(LaneError::WithoutOrder { listener, event: spec.name })
        }
    }
}

/// The filter policy over message attributes: types, facets, and the priority where another listener
/// of the module has the other lane.
fn filter_of(module: &Module, row: &Row, heard: &Listening) -> Result<Value, LaneError> {
    let mut policy = Map::new();
    policy.insert("type".to_owned(), json!(heard.types()));
    if !heard.facets.is_empty() {
        policy.insert("facet".to_owned(), json!(heard.facets));
    }
    if let Some(priority) = lane_of(module, row, heard)? {
        policy.insert("priority".to_owned(), json!([priority.as_str()]));
    }
    Ok(Value::Object(policy))
}

/// The lane of a listener: its priority, where a twin hears the same event with the other one.
fn lane_of(module: &Module, row: &Row, heard: &Listening) -> Result<Option<Priority>, LaneError> {
    let is_twin = |event: &str| {
        module.rows.iter().filter(|other| other.id != row.id).any(|other| {
            other.listening().is_some_and(|theirs| {
                theirs.priority != heard.priority
                    && overlap(&theirs.facets, &heard.facets)
                    && theirs.events.iter().any(|spec| spec.name == event)
            })
        })
    };
    let (twins, alone): (Vec<&EventSpec>, Vec<&EventSpec>) =
        heard.events.iter().partition(|spec| is_twin(spec.name));
    if twins.is_empty() {
        return Ok(None);
    }
    match alone.into_iter().find(|spec| spec.priority != heard.priority) {
        None => Ok(Some(heard.priority)),
        Some(spec) => Err(LaneError::LaneWithoutTwin {
            listener: row.id,
            event: spec.name,
            priority: heard.priority.as_str(),
        }),
    }
}

/// Whether a message can be of both lists; an empty list takes every facet.
fn overlap(one: &[&str], other: &[&str]) -> bool {
    one.is_empty() || other.is_empty() || one.iter().any(|facet| other.contains(facet))
}

#[cfg(test)]
mod tests {
    use interface::Event;

    use super::*;
    use crate::call::event::Outcome;
    use crate::module::table::{Group, listen_all};

    const VERIFIED: EventSpec =
        Event::<()>::new("auth.email.verified", kernel::EntityKind::Account).spec;
    const REVOKED: EventSpec =
        Event::<()>::new("auth.session.revoked", kernel::EntityKind::Session).urgent().spec;
    const QUEUED: EventSpec =
        Event::<()>::new("notification.queued", kernel::EntityKind::Notification).varies().spec;

    fn hears<const N: usize>(id: &'static str, events: [EventSpec; N]) -> Row {
        listen_all(id, events, |_, _| async { Ok(Outcome::Done) })
    }

    fn lane<const N: usize>(rows: [Row; N], id: &str) -> Result<Lane, LaneError> {
        let module = Module::new("mail", Group::Engagement, "Sends.", rows);
        Ok(Lane::of(&module, module.row(id).unwrap())?.unwrap())
    }

    #[test]
    fn a_lone_listener_hears_its_types_at_every_priority() {
        let events = [VERIFIED, REVOKED];
        let row = hears("mail.on_event", events).timeout(20).tries(8, [1]);
        let lane = lane([row], "mail.on_event").unwrap();
        assert_eq!(lane.filter, json!({ "type": ["auth.email.verified", "auth.session.revoked"] }));
        assert_eq!((lane.visibility_s, lane.max_receives, lane.max_concurrency), (120, 13, 20));
        assert_eq!((lane.topic, lane.queue.as_str()), (Topic::Standard, "mail-on_event"));
        assert_eq!(lane.dead_letter_queue, "mail-on_event-dlq");
    }

    #[test]
    fn an_urgent_and_an_ordinary_listener_share_an_event_by_priority() {
        let rows = || {
            [
                hears("mail.dispatch", [QUEUED]).facets(["mail"]),
                hears("mail.dispatch_urgent", [QUEUED]).urgent(),
            ]
        };
        let ordinary = json!({
            "type": ["notification.queued"], "facet": ["mail"], "priority": ["normal"],
        });
        assert_eq!(lane(rows(), "mail.dispatch").unwrap().filter, ordinary);
        let urgent = lane(rows(), "mail.dispatch_urgent").unwrap();
        let policy = json!({ "type": ["notification.queued"], "priority": ["high"] });
        assert_eq!((urgent.filter, urgent.max_concurrency), (policy, 50));
    }

    #[test]
    fn only_short_jobs_share_an_invocation() {
        let job = |id| crate::module::job(id, |_, (): ()| async { Ok(()) });
        let collects = crate::module::collect(
            "mail.on_all",
            &Event::<interface::ops::ActionPerformed>::new(
                "a.b.done_ed",
                kernel::EntityKind::Account,
            ),
            crate::module::Cadence::Minutes(5),
            |_, _| async { Ok(Outcome::Done) },
        );
        let rows = [job("mail.short"), job("mail.long").one_at_a_time(), collects];
        assert_eq!(rows.map(|row| job_batch(&row)), [JOB_BATCH, 1, 1]);
    }

    #[test]
    fn a_listener_that_would_miss_events_is_refused() {
        let ordered = EventSpec { entity: kernel::EntityKind::User, ..QUEUED };
        let deaf = lane([hears("mail.on_event", [])], "mail.on_event");
        assert_eq!(deaf, Err(LaneError::Deaf { listener: "mail.on_event" }));
        let mixed = lane([hears("mail.on_event", [ordered, QUEUED]).ordered()], "mail.on_event");
        let event = "notification.queued";
        assert_eq!(mixed, Err(LaneError::WithoutOrder { listener: "mail.on_event", event }));
        let fifo = lane([hears("mail.on_event", [ordered]).ordered()], "mail.on_event").unwrap();
        assert_eq!((fifo.queue.as_str(), fifo.max_receives), ("mail-on_event.fifo", 100));
        let mirrored = lane([hears("mail.on_event", [ordered])], "mail.on_event").unwrap();
        assert_eq!((mirrored.queue.as_str(), mirrored.topic), ("mail-on_event", Topic::Standard));
        let rows =
            [hears("mail.on_both", [QUEUED, VERIFIED]).urgent(), hears("mail.on_event", [QUEUED])];
        let refused = lane(rows, "mail.on_both").unwrap_err();
        assert!(matches!(refused, LaneError::LaneWithoutTwin { event: "auth.email.verified", .. }));
    }
}
