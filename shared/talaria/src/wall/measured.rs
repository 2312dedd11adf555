//! Counts against their limits.

use runtime::Group;
use runtime::wiring::{Lane, Topic};
use serde_json::Value;

use super::{Breach, breach};
use crate::platform::{Platform, apis_of, route_keys};
use crate::template;

/// Resources of one stack; CloudFormation takes 500.
const STACK_RESOURCES: usize = 400;
/// Integrations of one HTTP API; API Gateway takes 300 and raises nothing.
const API_INTEGRATIONS: usize = 280;
/// Routes of one HTTP API; API Gateway takes 300 unless asked.
const API_ROUTES: usize = 280;
/// Resources of one deployment over all nested stacks; CloudFormation takes 2,500.
const STEP_RESOURCES: usize = 2_300;
/// Parameters of one stack; CloudFormation takes 200.
const STACK_PARAMETERS: usize = 180;
/// Filter policies of the standard topic; SNS takes 200.
const STANDARD_POLICIES: usize = 180;
/// Subscriptions of the FIFO topic; SNS takes 100.
const FIFO_SUBSCRIPTIONS: usize = 90;
/// Keys of one filter policy.
const POLICY_KEYS: usize = 5;
/// Value combinations of one filter policy.
const POLICY_COMBINATIONS: usize = 150;
/// Bytes of one filter policy.
const POLICY_BYTES: usize = 256 * 1024;

/// A count and what it must not exceed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    pub what: String,
    pub count: usize,
    pub limit: usize,
}

impl Measure {
    fn new(what: impl Into<String>, count: usize, limit: usize) -> Self {
        Self { what: what.into(), count, limit }
    }

    /// The wall, where the count is beyond it.
    pub fn breach(&self) -> Option<Breach> {
        let Self { what, count, limit } = self;
        (count > limit).then(|| breach!("{what}: {count}, at most {limit}"))
    }
}

/// Counts of the modules' stacks, APIs and filters.
pub fn measures(platform: &Platform) -> Vec<Measure> {
    let mut measures = Vec::new();
    for module in &platform.modules {
        // A template that cannot be written is a breach of its own.
        let Ok(template) = template::of_module(module) else { continue };
        let resources = template::resource_count(&template);
        measures.push(Measure::new(
            format!("resources of stack {}", module.name),
            resources,
            STACK_RESOURCES,
        ));
        let parameters = template::parameter_names(&template).len();
        if parameters > STACK_PARAMETERS {
            let what = format!("parameters of stack {}", module.name);
            measures.push(Measure::new(what, parameters, STACK_PARAMETERS));
        }
    }
    for group in Group::ALL {
        measures.extend(of_api(platform, group));
    }
    measures.extend(of_topics(platform));
    measures.extend(of_policies(platform));
    measures
}

fn of_api(platform: &Platform, group: Group) -> [Measure; 2] {
    let here =
        || platform.routes().filter(|(module, _, spec)| apis_of(module, spec).contains(&group));
    let routes = here().map(|(_, _, spec)| route_keys(spec).len()).sum();
    [
        Measure::new(
            format!("integrations of API {}", group.as_str()),
            here().count(),
            API_INTEGRATIONS,
        ),
        Measure::new(format!("routes of API {}", group.as_str()), routes, API_ROUTES),
    ]
}

fn of_topics(platform: &Platform) -> [Measure; 2] {
    let on = |wanted: Topic| {
        let lanes =
            platform.rows().filter_map(|(module, row)| Lane::of(module, row).ok().flatten());
        lanes.filter(|lane| lane.topic == wanted).count()
    };
    [
        Measure::new(
            "filter policies of the standard topic",
            on(Topic::Standard),
            STANDARD_POLICIES,
        ),
        Measure::new("subscriptions of the FIFO topic", on(Topic::Fifo), FIFO_SUBSCRIPTIONS),
    ]
}

/// The largest of each kind over all policies; those beyond a limit by name.
fn of_policies(platform: &Platform) -> Vec<Measure> {
    let mut measures = Vec::new();
    let (mut keys, mut combinations) = (0, 0);
    for (module, row) in platform.rows() {
        let Ok(Some(Lane { filter: policy, .. })) = Lane::of(module, row) else { continue };
        let members = policy.as_object();
        let lengths = members.into_iter().flat_map(|all| all.values()).filter_map(Value::as_array);
        let product: usize = lengths.map(Vec::len).product();
        let count = members.map_or(0, serde_json::Map::len);
        let of_row = [
            Measure::new(format!("filter keys of {}", row.id), count, POLICY_KEYS),
            Measure::new(
                format!("filter combinations of {}", row.id),
                product,
                POLICY_COMBINATIONS,
            ),
            Measure::new(
                format!("filter bytes of {}", row.id),
                policy.to_string().len(),
                POLICY_BYTES,
            ),
        ];
        measures.extend(of_row.into_iter().filter(|one| one.breach().is_some()));
        (keys, combinations) = (keys.max(count), combinations.max(product));
    }
    measures.push(Measure::new("keys of the widest filter policy", keys, POLICY_KEYS));
    let what = "combinations of the widest filter policy";
    measures.push(Measure::new(what, combinations, POLICY_COMBINATIONS));
    measures
}

/// Counts of the root stack and of a whole deployment.
pub fn of_root(platform: &Platform, root: &Value) -> [Measure; 2] {
    let resources = template::resource_count(root);
    let nested = platform.modules.iter().filter_map(|module| template::of_module(module).ok());
    let nested: usize = nested.map(|one| template::resource_count(&one)).sum();
    [
        Measure::new("resources of the root stack", resources, STACK_RESOURCES),
        Measure::new("resources of one deployment", resources + nested, STEP_RESOURCES),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_count_at_its_limit_stands_and_one_beyond_is_a_breach() {
        assert_eq!(Measure::new("x", 5, 5).breach(), None);
        assert_eq!(Measure::new("x", 6, 5).breach(), Some(breach!("x: 6, at most 5")));
    }

    #[test]
    fn a_filter_with_too_many_combinations_names_its_listener() {
        let mut row = fixture::hears("demo.on_all", events::profile::UPDATED.spec);
        if let runtime::Trigger::Listener(heard) = &mut row.trigger {
            heard.accepts = (1..=151).collect();
        }
        let platform = Platform::of(vec![fixture::module_of([row])]);
        let breaches: Vec<Breach> =
            measures(&platform).iter().filter_map(Measure::breach).collect();
        assert!(
            breaches.contains(&breach!("filter combinations of demo.on_all: 151, at most 150"))
        );
    }

    #[test]
    fn functions_and_routes_of_the_fixture_are_counted() {
        let measures = measures(&fixture::platform());
        let count = |what: &str| measures.iter().find(|one| one.what == what).unwrap().count;
        assert_eq!(count("integrations of API identity"), 3);
        assert_eq!(count("filter policies of the standard topic"), 1);
        assert!(count("resources of stack demo") > 30);
    }
}
