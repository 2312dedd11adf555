//! Counts against their limits.

use runtime::Group;
use serde_json::Value;

use super::{Breach, breach, filter, policy};
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
/// Functions of the whole platform, once every module is there.
const FUNCTIONS_PLANNED: usize = 340;
/// Resources of one deployment then.
const RESOURCES_PLANNED: usize = 1_900;
/// Parameters of one stack; CloudFormation takes 200.
const STACK_PARAMETERS: usize = 180;
/// A count and what it must not exceed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    pub what: String,
    pub count: usize,
    pub limit: usize,
}

impl Measure {
    /// A count of this against its limit.
    pub fn new(what: impl Into<String>, count: usize, limit: usize) -> Self {
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
    measures.extend(filter::measures(platform));
    measures.extend(policy::measure(platform));
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

/// Counts of the root stack and of a whole deployment, as it is and as it will be where functions to come
/// cost what those of today do.
pub fn of_root(platform: &Platform, root: &Value) -> [Measure; 3] {
    let resources = template::resource_count(root);
    let nested = platform.modules.iter().filter_map(|module| template::of_module(module).ok());
    let nested: usize = nested.map(|one| template::resource_count(&one)).sum();
    [
        Measure::new("resources of the root stack", resources, STACK_RESOURCES),
        Measure::new("resources of one deployment", resources + nested, STEP_RESOURCES),
        Measure::new(
            format!("resources of one deployment with {FUNCTIONS_PLANNED} functions"),
            resources + (nested * FUNCTIONS_PLANNED).div_ceil(platform.rows().count().max(1)),
            RESOURCES_PLANNED,
        ),
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
    fn functions_and_routes_of_the_fixture_are_counted() {
        let measures = measures(&fixture::platform());
        let count = |what: &str| measures.iter().find(|one| one.what == what).unwrap().count;
        assert_eq!(count("integrations of API identity"), 3);
        assert_eq!(count("filter policies of the standard topic"), 1);
        assert!(count("resources of stack demo") > 30);
    }
}
