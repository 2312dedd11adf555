//! Filter policies of subscriptions against what SNS takes (SNS Developer Guide, "Filter policy
//! constraints"; AWS General Reference, "Amazon SNS quotas"). Every breach names its listener.

use runtime::wiring::{Lane, Topic};
use serde_json::Value;

use super::{Breach, Measure, breach};
use crate::platform::Platform;

/// Keys of one policy; SNS takes as many.
const KEYS: usize = 5;
/// Combinations of values of one policy: the product of the lists' lengths. SNS takes as many.
const COMBINATIONS: usize = 150;
/// Bytes of one policy; SNS takes as many.
const BYTES: usize = 256 * 1024;
/// Policies of one topic; SNS takes 200.
const POLICIES: usize = 180;
/// Subscriptions of a FIFO topic; SNS takes 100.
const FIFO_SUBSCRIPTIONS: usize = 90;

/// Every policy and topic beyond a limit.
pub fn breaches(platform: &Platform) -> Vec<Breach> {
    let lanes = lanes(platform);
    let mut found = Vec::new();
    for (listener, lane) in &lanes {
        found.extend(of_policy(listener, &lane.filter));
    }
    for topic in [Topic::Standard, Topic::Fifo] {
        let here = lanes.iter().filter(|(_, lane)| lane.topic == topic);
        found.extend(of_topic(topic, here.map(|(listener, _)| *listener)));
    }
    found
}

/// The fullest topic and the widest policy of each kind.
pub fn measures(platform: &Platform) -> [Measure; 4] {
    let lanes = lanes(platform);
    let on = |topic| lanes.iter().filter(|(_, lane)| lane.topic == topic).count();
    let most = |of: fn(&Value) -> usize| lanes.iter().map(|(_, lane)| of(&lane.filter)).max();
    [
        Measure::new("filter policies of the standard topic", on(Topic::Standard), POLICIES),
        Measure::new("subscriptions of the FIFO topic", on(Topic::Fifo), FIFO_SUBSCRIPTIONS),
        Measure::new("keys of the widest filter policy", most(keys).unwrap_or(0), KEYS),
        Measure::new(
            "combinations of the widest filter policy",
            most(combinations).unwrap_or(0),
            COMBINATIONS,
        ),
    ]
}

/// Every lane by its listener; a listener that cannot be subscribed is a breach of its own.
fn lanes(platform: &Platform) -> Vec<(&'static str, Lane)> {
    let lane_of = |(module, row, _)| {
        let row: &runtime::Row = row;
        Some((row.id, Lane::of(module, row).ok()??))
    };
    platform.listeners().filter_map(lane_of).collect()
}

fn keys(policy: &Value) -> usize {
    policy.as_object().map_or(0, serde_json::Map::len)
}

fn combinations(policy: &Value) -> usize {
    let lists = policy.as_object().into_iter().flat_map(|all| all.values());
    lists.filter_map(Value::as_array).map(Vec::len).fold(1, usize::saturating_mul)
}

fn of_policy(listener: &str, policy: &Value) -> Vec<Breach> {
    let counts = [
        ("keys", keys(policy), KEYS),
        ("combinations", combinations(policy), COMBINATIONS),
        ("bytes", policy.to_string().len(), BYTES),
    ];
    let mut found: Vec<Breach> = counts
        .into_iter()
        .filter(|(_, count, limit)| count > limit)
        .map(|(what, count, limit)| {
            breach!("filter policy of {listener} has {count} {what}, at most {limit}: split it")
        })
        .collect();
    let is_exact = |words: &Value| {
        words.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(Value::is_string))
    };
    match policy.as_object() {
        None => found.push(breach!("filter policy of {listener} is no object")),
        Some(all) => {
            for (key, _) in all.iter().filter(|(_, words)| !is_exact(words)) {
                found.push(breach!(
                    "filter policy of {listener}: {key} must be a list of exact words"
                ));
            }
        }
    }
    found
}

/// The listeners that no longer fit on a topic.
fn of_topic<'a>(topic: Topic, listeners: impl Iterator<Item = &'a str>) -> Vec<Breach> {
    let (name, limit) = match topic {
        Topic::Standard => ("standard", POLICIES),
        Topic::Fifo => ("FIFO", FIFO_SUBSCRIPTIONS.min(POLICIES)),
    };
    let beyond = listeners.skip(limit);
    beyond
        .map(|listener| {
            breach!("{listener} is one listener too many for the {name} topic, which takes {limit}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture;

    fn words(count: usize) -> Value {
        (0..count).map(|at| format!("w{at}")).collect()
    }

    #[test]
    fn a_policy_at_its_limits_stands_and_one_beyond_names_its_listener() {
        let keyed = |count: usize| -> Value {
            (0..count)
                .map(|at| (format!("k{at}"), words(1)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        };
        let long = |bytes: usize| json!({ "k": ["x".repeat(bytes - r#"{"k":[""]}"#.len())] });
        let of = |what: &str| Some(format!("filter policy of demo.on_all {what}"));
        let not_exact = ": k must be a list of exact words";
        let cases = [
            (keyed(5), None),
            (keyed(6), of("has 6 keys, at most 5: split it")),
            (json!({ "a": words(50), "b": words(3) }), None),
            (json!({ "a": words(150) }), None),
            (json!({ "a": words(151) }), of("has 151 combinations, at most 150: split it")),
            (
                json!({ "a": words(38), "b": words(4) }),
                of("has 152 combinations, at most 150: split it"),
            ),
            (long(262_144), None),
            (long(262_145), of("has 262145 bytes, at most 262144: split it")),
            (json!({ "k": [] }), Some(format!("filter policy of demo.on_all{not_exact}"))),
            (json!({ "k": "a" }), Some(format!("filter policy of demo.on_all{not_exact}"))),
            (json!({ "k": [1] }), Some(format!("filter policy of demo.on_all{not_exact}"))),
            (
                json!({ "k": [{ "prefix": "a" }] }),
                Some(format!("filter policy of demo.on_all{not_exact}")),
            ),
            (
                json!({ "k": { "b": ["a"] } }),
                Some(format!("filter policy of demo.on_all{not_exact}")),
            ),
            (json!([]), of("is no object")),
        ];
        for (policy, expected) in cases {
            let found: Vec<String> =
                of_policy("demo.on_all", &policy).into_iter().map(|one| one.0).collect();
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_topic_with_too_many_listeners_names_those_beyond() {
        let names =
            |count: usize| (1..=count).map(|at| format!("demo.on_{at}")).collect::<Vec<_>>();
        let of = |topic: Topic, count: usize| -> Vec<String> {
            let names = names(count);
            let found = of_topic(topic, names.iter().map(String::as_str));
            found.into_iter().map(|one| one.0).collect()
        };
        let too_many = "is one listener too many for the";
        assert_eq!(of(Topic::Standard, 180), [] as [String; 0]);
        let line = format!("demo.on_181 {too_many} standard topic, which takes 180");
        assert_eq!(of(Topic::Standard, 181), [line]);
        assert_eq!(of(Topic::Fifo, 90), [] as [String; 0]);
        let line = format!("demo.on_91 {too_many} FIFO topic, which takes 90");
        assert_eq!(of(Topic::Fifo, 91), [line]);
    }

    #[test]
    fn policies_are_measured_as_they_are_generated() {
        let mut row = fixture::hears("demo.on_all", events::profile::UPDATED.spec);
        if let runtime::Trigger::Listener(heard) = &mut row.trigger {
            heard.accepts = (1..=151).collect();
        }
        let platform = Platform::of(vec![fixture::module_of([row])]);
        let found = breaches(&platform);
        let line = "filter policy of demo.on_all has 151 combinations, at most 150: split it";
        assert_eq!(found, [Breach(line.to_owned())]);
        let counts: Vec<usize> = measures(&platform).iter().map(|one| one.count).collect();
        assert_eq!(counts, [1, 0, 1, 151]);
    }
}
