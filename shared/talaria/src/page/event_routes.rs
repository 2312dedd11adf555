//! Which queues every event reaches: each golden sample against each filter policy.

use std::collections::BTreeSet;

use events::catalogue::Entry;
use events::{Ordering, Priority};
use runtime::wiring::{Lane, LaneError, Topic};
use serde_json::Value;

use crate::platform::Platform;
use crate::sample::attributes;

/// A kind of message that an event has: one for each facet and urgency.
struct Message<'a> {
    entry: &'a Entry,
    facet: Option<&'static str>,
    priority: Priority,
}

/// The page: `event [facet, priority] → queues`, a line for each kind of message.
pub fn event_routes(platform: &Platform) -> Result<String, LaneError> {
    let lanes = lanes(platform)?;
    let mut text =
        "# The queues every golden sample reaches: event [facet, priority] → queues.\n\n"
            .to_owned();
    for entry in &platform.events {
        for message in messages(entry) {
            let reached = lanes.iter().filter(|(_, lane)| message.reaches(lane));
            let queues: Vec<&str> = reached.map(|(_, lane)| lane.queue.as_str()).collect();
            let words = message.facet.into_iter().chain([message.priority.as_str()]);
            text.push_str(&format!(
                "{} [{}] → {}\n",
                entry.spec.topic_type(),
                words.collect::<Vec<_>>().join(", "),
                if queues.is_empty() { "–".to_owned() } else { queues.join(" ") }
            ));
        }
    }
    Ok(text)
}

/// The listeners that no golden sample reaches: they are subscribed and would never run.
pub fn unreached(platform: &Platform) -> Result<Vec<&'static str>, LaneError> {
    let messages: Vec<Message<'_>> = platform.events.iter().flat_map(messages).collect();
    let mut all = lanes(platform)?;
    all.retain(|(_, lane)| !messages.iter().any(|message| message.reaches(lane)));
    Ok(all.into_iter().map(|(listener, _)| listener).collect())
}

/// Every listener's lane, by the listener's id.
fn lanes(platform: &Platform) -> Result<Vec<(&'static str, Lane)>, LaneError> {
    let lane_of = |(module, row, _)| {
        let row: &runtime::Row = row;
        Ok(Lane::of(module, row)?.map(|lane| (row.id, lane)))
    };
    platform.listeners().map(lane_of).filter_map(Result::transpose).collect()
}

fn messages(entry: &Entry) -> Vec<Message<'_>> {
    let facets: Vec<Option<&'static str>> = match entry.spec.facets {
        [] => vec![None],
        facets => facets.iter().copied().map(Some).collect(),
    };
    let priorities = if entry.spec.varies { Priority::ALL } else { &[entry.spec.priority] };
    let of_facet = |facet: Option<&'static str>| {
        priorities.iter().map(move |priority| Message { entry, facet, priority: *priority })
    };
    facets.into_iter().flat_map(of_facet).collect()
}

impl Message<'_> {
    fn reaches(&self, lane: &Lane) -> bool {
        // Events without order never come to the FIFO topic; ordered ones come to the standard topic too
        // as soon as a standard queue hears them.
        let is_there =
            lane.topic == Topic::Standard || self.entry.spec.ordering() == Ordering::Aggregate;
        is_there && takes(&lane.filter, &attributes(&self.entry.spec, self.facet, self.priority))
    }
}

/// Whether a filter policy takes a message with these attributes: every key, one of its words (SNS
/// Developer Guide, "String value matching"). Policies hold exact words only; a wall refuses others.
fn takes(policy: &Value, attributes: &[(&'static str, String)]) -> bool {
    let Some(keys) = policy.as_object() else { return false };
    let matches = |(key, words): (&String, &Value)| {
        let words: BTreeSet<&str> =
            words.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        attributes.iter().any(|(name, word)| name == key && words.contains(word.as_str()))
    };
    keys.iter().all(matches)
}

#[cfg(test)]
mod tests {
    use events::auth::SESSION_REVOKED;
    use events::notification::{INBOX_CHANGED, QUEUED};
    use serde_json::json;

    use super::*;
    use crate::fixture;

    fn of<const N: usize>(rows: [runtime::Row; N]) -> Platform {
        Platform::of(vec![fixture::module_of(rows)])
    }

    #[test]
    fn every_kind_of_message_has_its_queues() {
        let platform = of([
            fixture::hears("demo.on_mail", QUEUED.spec).facets(["mail"]),
            fixture::hears("demo.on_urgent", QUEUED.spec).facets(["mail", "sms"]).urgent(),
            fixture::hears("demo.on_session", SESSION_REVOKED.spec),
        ]);
        let page = event_routes(&platform).unwrap();
        for line in [
            "auth.session.created [normal] → –",
            "auth.session.revoked [high] → demo-on_session",
            "notification.queued [mail, normal] → demo-on_mail",
            "notification.queued [mail, high] → demo-on_urgent",
            "notification.queued [sms, high] → demo-on_urgent",
            "notification.queued [push, normal] → –",
            "notification.inbox.changed [database, normal] → –",
        ] {
            assert!(page.lines().any(|one| one == line), "{line}\n{page}");
        }
    }

    #[test]
    fn a_listener_that_no_message_reaches_is_named() {
        let mut newer = fixture::hears("demo.on_newer", SESSION_REVOKED.spec);
        if let runtime::Trigger::Listener(heard) = &mut newer.trigger {
            heard.accepts = vec![2];
        }
        let platform = of([
            fixture::hears("demo.on_session", SESSION_REVOKED.spec),
            fixture::hears("demo.on_mail", INBOX_CHANGED.spec).facets(["mail"]),
            newer,
        ]);
        assert_eq!(unreached(&platform), Ok(vec!["demo.on_mail", "demo.on_newer"]));
        assert_eq!(unreached(&Platform::read()), Ok(Vec::new()));
    }

    #[test]
    fn a_policy_takes_what_has_one_of_its_words_under_every_key() {
        let attributes = [("type", "a.b".to_owned()), ("facet", "mail".to_owned())];
        let cases = [
            (json!({}), true),
            (json!({ "type": ["a.b"] }), true),
            (json!({ "type": ["x", "a.b"], "facet": ["mail"] }), true),
            (json!({ "type": ["A.B"] }), false),
            (json!({ "type": ["a"] }), false),
            (json!({ "type": ["a.b"], "facet": ["sms"] }), false),
            (json!({ "type": ["a.b"], "priority": ["high"] }), false),
            (json!({ "type": [] }), false),
        ];
        for (policy, expected) in cases {
            assert_eq!(takes(&policy, &attributes), expected, "{policy}");
        }
    }
}
