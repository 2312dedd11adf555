//! What stands around a row outside the program: queue, filter policy, stream settings. Derived once,
//! read by the template generator and the local cloud alike.

use events::Priority;
use serde_json::{Map, Value, json};

use crate::module::{Listening, Module, Row};

/// How long queues keep a message: the longest SQS offers, 14 days.
pub const RETENTION_S: u32 = 14 * 24 * 60 * 60;
/// Records one stream event carries.
pub const STREAM_BATCH: u32 = 100;
/// Stream batches at once; records of one item stay in order.
pub const STREAM_PARALLEL: u32 = 10;
/// How often a stream record is tried again. The table still says what is open, so no shard is blocked.
pub const STREAM_RETRIES: u32 = 3;
/// How old a stream record may get.
pub const STREAM_MAX_AGE_S: u32 = 3_600;

/// The part of a function's or queue's name after the stage's prefix: the id with a dash for the dot.
pub fn resource_name(id: &str) -> String {
    id.replace('.', "-")
}

/// A listener's own queue and everything around it.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    /// Name of the queue after the stage's prefix. A standard queue on the standard topic: events of
    /// ordered entities reach unordered listeners there too.
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
}

impl Lane {
    /// The lane of this row of the module; `None` where the row is no listener.
    pub fn of(module: &Module, row: &Row) -> Option<Self> {
        let listening = row.listening()?;
        let queue = resource_name(row.id);
        Some(Self {
            dead_letter_queue: format!("{queue}-dlq"),
            queue,
            visibility_s: Listening::visibility_s(row.timeout_s),
            max_receives: listening.max_receives(),
            delay_s: listening.delay_s,
            batch: listening.batch,
            max_concurrency: match listening.priority {
                Priority::High => 50,
                Priority::Normal => 20,
            },
            filter: filter(module, listening),
        })
    }
}

/// What the topic lets through: the types it hears, in the majors it understands, of its facets. Where
/// a module has an urgent and an ordinary listener for one event, they share it by priority; a lone
/// listener gets all of it.
fn filter(module: &Module, listening: &Listening) -> Value {
    let spec = |event: &events::EventSpec| {
        let event = *event;
        listening.accepts.iter().map(move |major| events::EventSpec { major: *major, ..event })
    };
    let mut types: Vec<_> =
        listening.events.iter().flat_map(spec).map(|event| event.topic_type()).collect();
    types.sort_unstable();
    types.dedup();
    let mut policy = Map::new();
    policy.insert("type".to_owned(), json!(types));
    if !listening.facets.is_empty() {
        policy.insert("facet".to_owned(), json!(listening.facets));
    }
    if shares(module, listening) {
        policy.insert("priority".to_owned(), json!([listening.priority.as_str()]));
    }
    Value::Object(policy)
}

fn shares(module: &Module, listening: &Listening) -> bool {
    let hears = |other: &Listening| {
        let common =
            |event: &events::EventSpec| other.events.iter().any(|one| one.name == event.name);
        listening.events.iter().any(common)
    };
    let mut others = module.rows.iter().filter_map(Row::listening);
    others.any(|other| other.priority != listening.priority && hears(other))
}

#[cfg(test)]
mod tests {
    use events::auth::{EMAIL_VERIFIED, SESSION_REVOKED};
    use events::notification::QUEUED;

    use super::*;
    use crate::event::Outcome;
    use crate::module::{Group, listen, listen_all};

    fn module() -> Module {
        Module::new(
            "mail",
            Group::Engagement,
            "Sends.",
            [
                listen("mail.dispatch", &QUEUED, |_, _| async { Ok(Outcome::Done) })
                    .facets(["mail"]),
                listen("mail.dispatch_urgent", &QUEUED, |_, _| async { Ok(Outcome::Done) })
                    .urgent(),
                listen_all(
                    "mail.on_event",
                    [SESSION_REVOKED.spec, EMAIL_VERIFIED.spec],
                    |_, _| async { Ok(Outcome::Done) },
                )
                .timeout(20)
                .tries(8, [1]),
            ],
        )
    }

    fn lane(id: &str) -> Lane {
        let module = module();
        Lane::of(&module, module.row(id).unwrap()).unwrap()
    }

    #[test]
    fn a_lone_listener_hears_its_types_at_every_priority() {
        let lane = lane("mail.on_event");
        assert_eq!(lane.filter, json!({ "type": ["auth.email.verified", "auth.session.revoked"] }));
        assert_eq!((lane.visibility_s, lane.max_receives, lane.max_concurrency), (120, 13, 20));
        assert_eq!(lane.queue, "mail-on_event");
        assert_eq!(lane.dead_letter_queue, "mail-on_event-dlq");
    }

    #[test]
    fn an_urgent_and_an_ordinary_listener_share_an_event_by_priority() {
        let ordinary = json!({
            "type": ["notification.queued"], "facet": ["mail"], "priority": ["normal"],
        });
        assert_eq!(lane("mail.dispatch").filter, ordinary);
        let urgent = json!({ "type": ["notification.queued"], "priority": ["high"] });
        assert_eq!(lane("mail.dispatch_urgent").filter, urgent);
        assert_eq!(lane("mail.dispatch_urgent").max_concurrency, 50);
    }
}
