//! What each class of routes may cost at the gateway, whoever asks: the outer wall before our own limits,
//! which tell callers apart. Classes that are not here have the limits of their API's stage.

use contracts::Rate;
use runtime::Group;
use serde_json::{Map, Value, json};

use crate::platform::{Platform, apis_of, route_keys};

/// Requests a second of one route and class, and at once.
const fn limits(class: Rate) -> Option<(u32, u32)> {
    match class {
        // A password hash takes a whole processor for a tenth of a second.
        Rate::Credential => Some((50, 100)),
        Rate::Token => Some((200, 400)),
        Rate::Expensive => Some((10, 20)),
        Rate::Write | Rate::Read | Rate::PublicDocument | Rate::Unlimited => None,
    }
}

/// The settings of an API's routes, as its stage has them in the root template.
pub fn route_settings(platform: &Platform, group: Group) -> Map<String, Value> {
    let here = platform.routes().filter(|(module, _, spec)| apis_of(module, spec).contains(&group));
    let limited = here.filter_map(|(_, _, spec)| Some((spec, limits(spec.rate)?)));
    limited
        .flat_map(|(spec, (rate, burst))| {
            let settings = json!({ "ThrottlingRateLimit": rate, "ThrottlingBurstLimit": burst });
            route_keys(spec).into_iter().map(move |key| (key, settings.clone()))
        })
        .collect()
}

/// The modules whose routes have settings of their own: their stacks come before the stage.
pub fn modules(platform: &Platform, group: Group) -> Vec<&'static str> {
    let here = platform.routes().filter(|(module, _, spec)| apis_of(module, spec).contains(&group));
    let limited = here.filter(|(_, _, spec)| limits(spec.rate).is_some());
    let mut names: Vec<&'static str> = limited.map(|(module, ..)| module.name).collect();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_that_try_passwords_have_limits_of_their_own_and_reads_have_none() {
        let settings = route_settings(&Platform::read(), Group::Identity);
        let login = &settings["POST /v1/auth/login"];
        assert_eq!(*login, json!({ "ThrottlingRateLimit": 50, "ThrottlingBurstLimit": 100 }));
        assert!(!settings.contains_key("GET /v1/profile"));
        assert!(modules(&Platform::read(), Group::Identity).contains(&"auth"));
    }
}
