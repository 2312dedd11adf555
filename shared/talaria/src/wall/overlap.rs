//! Routes that fit the same path: API Gateway would pick one, and the local cloud serves all APIs on one
//! port, so paths are disjoint over all of them. A static part may stand beside a parameter of the same
//! API: the static one wins.

use runtime::Group;

use super::{Breach, breach};
use crate::platform::{Platform, is_everywhere, route_keys};

struct Route {
    id: &'static str,
    group: Group,
    key: String,
}

/// Every pair of routes that fits one path and has no clear winner.
pub fn breaches(platform: &Platform) -> Vec<Breach> {
    let routes: Vec<Route> = platform
        .routes()
        .filter(|(_, _, spec)| !is_everywhere(spec))
        .flat_map(|(module, row, spec)| {
            let group = module.group;
            route_keys(spec).into_iter().map(move |key| Route { id: row.id, group, key })
        })
        .collect();
    let mut breaches = Vec::new();
    for (at, one) in routes.iter().enumerate() {
        for other in routes.iter().skip(at + 1) {
            if let Some(why) = clash(one, other) {
                breaches.push(breach!(
                    "{} ({}) and {} ({}) {why}",
                    one.id,
                    one.key,
                    other.id,
                    other.key
                ));
            }
        }
    }
    breaches
}

fn clash(one: &Route, other: &Route) -> Option<&'static str> {
    let ((method, path), (other_method, other_path)) =
        (one.key.split_once(' ')?, other.key.split_once(' ')?);
    let fit = fit(path, other_path)?;
    if one.group != other.group {
        return Some("fit one path in two APIs");
    }
    if method != other_method {
        return None;
    }
    match fit {
        Fit::Same => Some("are one route"),
        Fit::Crossed => Some("fit one path, and neither is more specific"),
        Fit::Nested => None,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    /// Every path of one is a path of the other.
    Same,
    /// One is a special case of the other.
    Nested,
    /// Each has a static part where the other has a parameter.
    Crossed,
}

/// How two templates fit common paths; `None` where they have none.
fn fit(one: &str, other: &str) -> Option<Fit> {
    let (one, other): (Vec<&str>, Vec<&str>) =
        (one.split('/').collect(), other.split('/').collect());
    if one.len() != other.len() {
        return None;
    }
    let is_parameter = |part: &str| part.starts_with('{');
    let (mut one_wins, mut other_wins) = (false, false);
    for (part, other) in one.into_iter().zip(other) {
        match (is_parameter(part), is_parameter(other)) {
            (false, false) if part != other => return None,
            (true, false) => other_wins = true,
            (false, true) => one_wins = true,
            _ => {}
        }
    }
    Some(match (one_wins, other_wins) {
        (false, false) => Fit::Same,
        (true, true) => Fit::Crossed,
        _ => Fit::Nested,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn templates_fit_common_paths_or_not() {
        let cases = [
            ("/v1/a", "/v1/b", None),
            ("/v1/a", "/v1/a/{id}", None),
            ("/v1/a", "/v1/a", Some(Fit::Same)),
            ("/v1/a/{id}", "/v1/a/{other_id}", Some(Fit::Same)),
            ("/v1/a/{id}", "/v1/a/current", Some(Fit::Nested)),
            ("/v1/{x}/b", "/v1/a/{y}", Some(Fit::Crossed)),
        ];
        for (one, other, expected) in cases {
            assert_eq!((fit(one, other), fit(other, one)), (expected, expected), "{one} {other}");
        }
    }

    #[test]
    fn a_route_served_twice_or_in_two_apis_is_refused() {
        let module = fixture::module();
        let mut twice = Platform::of(vec![module.clone(), module.clone()]);
        let lines: Vec<String> = breaches(&twice).iter().map(ToString::to_string).collect();
        assert!(lines.iter().any(|line| line.ends_with("are one route")), "{lines:?}");
        twice.modules[1].group = Group::Money;
        let lines: Vec<String> = breaches(&twice).iter().map(ToString::to_string).collect();
        assert!(lines.iter().all(|line| line.ends_with("in two APIs")) && !lines.is_empty());
        assert_eq!(breaches(&Platform::of(vec![module])), []);
    }
}
