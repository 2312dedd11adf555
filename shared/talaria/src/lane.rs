//! Which messages of a topic reach which listener: the filter policy of its subscription.

use events::{Ordering, Priority};
use runtime::module::Listening;
use runtime::{Module, Row};
use serde_json::{Map, Value, json};

/// The topic a listener's queue is subscribed to, and so the kind of its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    Standard,
    Fifo,
}

/// Why a listener cannot be subscribed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LaneError {
    #[error("{listener} hears nothing: name an event")]
    Deaf { listener: &'static str },
    #[error(
        "{listener} hears events in order and events without: only FIFO queues subscribe to the FIFO \
         topic, so make two listeners of it"
    )]
    MixedOrder { listener: &'static str },
    #[error(
        "{listener} is the {priority} lane of some of its events, and {event} has no other lane: its \
         other messages would be lost"
    )]
    LaneWithoutTwin { listener: &'static str, event: &'static str, priority: &'static str },
}

/// The topic of a listener; refuses one that would need both.
pub fn topic_of(row: &Row, heard: &Listening) -> Result<Topic, LaneError> {
    let ordered = |spec: &events::EventSpec| spec.ordering() == Ordering::Aggregate;
    match (heard.events.iter().any(ordered), heard.events.iter().all(ordered)) {
        _ if heard.events.is_empty() => Err(LaneError::Deaf { listener: row.id }),
        (false, _) => Ok(Topic::Standard),
        (true, true) => Ok(Topic::Fifo),
        (true, false) => Err(LaneError::MixedOrder { listener: row.id }),
    }
}

/// The filter policy over message attributes: types, facets, and the priority where another listener
/// of the module has the other lane.
pub fn filter_of(module: &Module, row: &Row, heard: &Listening) -> Result<Value, LaneError> {
    let mut policy = Map::new();
    policy.insert("type".to_owned(), json!(types_of(heard)));
    if !heard.facets.is_empty() {
        policy.insert("facet".to_owned(), json!(heard.facets));
    }
    if let Some(priority) = lane_of(module, row, heard)? {
        policy.insert("priority".to_owned(), json!([priority.as_str()]));
    }
    Ok(Value::Object(policy))
}

/// The values of attribute `type`: a name for each accepted major.
fn types_of(heard: &Listening) -> Vec<String> {
    let of_event = |spec: &events::EventSpec| {
        let spec = *spec;
        heard
            .accepts
            .iter()
            .map(move |major| events::EventSpec { major: *major, ..spec }.topic_type())
    };
    heard.events.iter().flat_map(of_event).collect()
}

/// The lane of a listener: its priority, where a twin hears the same event with the other one.
fn lane_of(module: &Module, row: &Row, heard: &Listening) -> Result<Option<Priority>, LaneError> {
    let is_twin = |event: &str| {
        module.rows.iter().filter(|other| other.id != row.id).any(|other| {
            other.listening().is_some_and(|theirs| {
                theirs.priority != heard.priority
                    && (theirs.facets.is_empty() || theirs.facets == heard.facets)
                    && theirs.events.iter().any(|spec| spec.name == event)
            })
        })
    };
    if !heard.events.iter().any(|spec| is_twin(spec.name)) {
        return Ok(None);
    }
    let mut alone = heard.events.iter().filter(|spec| !is_twin(spec.name));
    match alone.find(|spec| spec.priority != heard.priority) {
        None => Ok(Some(heard.priority)),
        Some(spec) => Err(LaneError::LaneWithoutTwin {
            listener: row.id,
            event: spec.name,
            priority: heard.priority.as_str(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn filter(module: &Module, id: &str) -> Result<Value, LaneError> {
        let row = module.row(id).unwrap();
        filter_of(module, row, row.listening().unwrap())
    }

    #[test]
    fn a_filter_names_types_and_facets_only_while_there_is_one_lane() {
        let module = fixture::module();
        let expected = json!({ "type": ["profile.profile.updated"] });
        assert_eq!(filter(&module, "demo.on_updated"), Ok(expected));
    }

    #[test]
    fn two_lanes_of_one_event_share_its_messages_by_priority() {
        let module = fixture::module_of([
            fixture::hears("demo.on_queued", events::notification::QUEUED.spec).facets(["mail"]),
            fixture::hears("demo.on_queued_urgent", events::notification::QUEUED.spec)
                .facets(["mail"])
                .urgent(),
            fixture::hears("demo.on_queued_sms", events::notification::QUEUED.spec).facets(["sms"]),
        ]);
        let of = |facet: &str, priority: Option<&str>| {
            let mut policy = json!({ "type": ["notification.queued"], "facet": [facet] });
            if let Some(priority) = priority {
                policy["priority"] = json!([priority]);
            }
            Ok(policy)
        };
        assert_eq!(filter(&module, "demo.on_queued"), of("mail", Some("normal")));
        assert_eq!(filter(&module, "demo.on_queued_urgent"), of("mail", Some("high")));
        assert_eq!(filter(&module, "demo.on_queued_sms"), of("sms", None));
    }

    #[test]
    fn a_lane_that_would_lose_messages_is_refused() {
        let both = [events::auth::LOGIN_LOCKED.spec, events::profile::UPDATED.spec];
        let module = fixture::module_of([
            fixture::hears_all("demo.on_both", both),
            fixture::hears("demo.on_locked", events::auth::LOGIN_LOCKED.spec).urgent(),
            fixture::hears_all("demo.on_all_urgent", both).urgent(),
        ]);
        assert!(matches!(
            filter(&module, "demo.on_all_urgent"),
            Ok(policy) if policy["priority"] == json!(["high"])
        ));
        let alone = fixture::module_of([
            fixture::hears_all("demo.on_both", both).urgent(),
            fixture::hears("demo.on_locked", events::auth::LOGIN_LOCKED.spec),
        ]);
        let refused = filter(&alone, "demo.on_both").unwrap_err();
        assert!(matches!(refused, LaneError::LaneWithoutTwin { event, .. }
            if event == "profile.profile.updated"));
    }
}
