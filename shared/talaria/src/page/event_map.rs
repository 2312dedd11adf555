//! Who announces, who listens, who asks whom; a chain that comes back to itself is refused.

use std::collections::{BTreeMap, BTreeSet};

use events::ops::LISTENER_BLOCKED;

use super::{codes, table};
use crate::platform::Platform;

/// Functions and events, each with what it sets off.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// A chain of events and calls that would never end.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("events and calls go in a circle: {}", .0.join(" → "))]
pub struct Cycle(pub Vec<String>);

/// The map: a diagram of modules, then every event and every call.
pub fn event_map(platform: &Platform) -> Result<String, Cycle> {
    if let Some(cycle) = cycle(&hears_and_calls(platform)) {
        return Err(Cycle(cycle));
    }
    let rows = platform.events.iter().map(|entry| {
        let spec = &entry.spec;
        let kind = spec.topic_type();
        let announces =
            platform.rows().filter(|(_, row)| row.emits.iter().any(|one| one.topic_type() == kind));
        let announced_by = if spec.name == LISTENER_BLOCKED.spec.name {
            "every listener that blocks".to_owned()
        } else {
            codes(announces.map(|(_, row)| row.id))
        };
        let hears = platform
            .listeners()
            .filter(|(_, _, heard)| platform.heard(heard).any(|one| one.spec.topic_type() == kind));
        vec![
            format!("`{kind}`"),
            announced_by,
            codes(hears.map(|(_, row, _)| row.id)),
            spec.ordering().as_str().to_owned(),
            spec.priority.as_str().to_owned(),
            if spec.public { "yes" } else { "no" }.to_owned(),
        ]
    });
    let calls = platform
        .rows()
        .filter(|(_, row)| !row.calls.is_empty())
        .map(|(_, row)| vec![format!("`{}`", row.id), codes(&row.calls)]);
    let calls: Vec<_> = calls.collect();
    let asked = if calls.is_empty() { String::new() } else { table(&["function", "asks"], calls) };
    Ok(format!(
        "# Event map\n\nSolid arrows: a module announces, another listens. Dotted arrows: typed calls.\n\n\
         ```mermaid\n{}```\n\n## Events\n\n{}\n## Typed calls\n\n{asked}",
        diagram(platform),
        table(&["event", "announced by", "heard by", "order", "priority", "tenants"], rows)
    ))
}

/// What each function and each event sets off: functions announce events and call functions, events
/// start listeners.
fn hears_and_calls(platform: &Platform) -> Graph {
    let mut graph = Graph::new();
    for (_, row) in platform.rows() {
        let after = graph.entry(row.id.to_owned()).or_default();
        after.extend(row.emits.iter().map(|spec| spec.name.to_owned()));
        after.extend(row.calls.iter().map(|id| (*id).to_owned()));
    }
    for (_, row, heard) in platform.listeners() {
        for spec in &heard.events {
            graph.entry(spec.name.to_owned()).or_default().insert(row.id.to_owned());
        }
    }
    graph
}

/// A walk that ends where it began, if there is one.
fn cycle(graph: &Graph) -> Option<Vec<String>> {
    let mut finished = BTreeSet::new();
    graph.keys().find_map(|start| visit(graph, start, &mut Vec::new(), &mut finished))
}

fn visit<'a>(
    graph: &'a Graph,
    node: &'a str,
    path: &mut Vec<&'a str>,
    finished: &mut BTreeSet<&'a str>,
) -> Option<Vec<String>> {
    if let Some(at) = path.iter().position(|earlier| *earlier == node) {
        let circle = path.iter().skip(at).chain([&node]);
        return Some(circle.map(|name| (*name).to_owned()).collect());
    }
    if finished.contains(node) {
        return None;
    }
    path.push(node);
    for next in graph.get(node).into_iter().flatten() {
        if let Some(found) = visit(graph, next, path, finished) {
            return Some(found);
        }
    }
    path.pop();
    finished.insert(node);
    None
}

fn diagram(platform: &Platform) -> String {
    let mut lines = BTreeSet::new();
    for entry in &platform.events {
        let name = entry.spec.name;
        let node = format!("e_{}", name.replace('.', "_"));
        for (module, row) in platform.rows() {
            if row.emits.iter().any(|spec| spec.name == name) {
                lines.insert(format!("  {} --> {node}([{name}])", module.name));
            }
        }
        for (module, _, heard) in platform.listeners() {
            if heard.events.iter().any(|spec| spec.name == name) {
                lines.insert(format!("  {node}([{name}]) --> {}", module.name));
            }
        }
    }
    for (module, row) in platform.rows() {
        for callee in &row.calls {
            let other = callee.split('.').next().unwrap_or_default();
            lines.insert(format!("  {} -. {callee} .-> {other}", module.name));
        }
    }
    let mut text = "flowchart LR\n".to_owned();
    for module in &platform.modules {
        text.push_str(&format!("  {0}[{0}]\n", module.name));
    }
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_listener_that_announces_what_it_hears_is_refused() {
        let event = events::profile::UPDATED.spec;
        let row = fixture::hears("demo.on_updated", event).emits([event]);
        let platform = Platform::of(vec![fixture::module_of([row])]);
        let refused = event_map(&platform).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "events and calls go in a circle: demo.on_updated → profile.profile.updated → \
             demo.on_updated"
        );
    }

    #[test]
    fn a_circle_through_a_typed_call_is_refused() {
        let event = events::profile::UPDATED.spec;
        let rows = [
            fixture::hears("demo.on_updated", event).calls(&contracts::auth::ACCOUNT_GET),
            fixture::answers(&contracts::auth::ACCOUNT_GET).emits([event]),
        ];
        let refused = event_map(&Platform::of(vec![fixture::module_of(rows)])).unwrap_err();
        assert_eq!(
            refused.0,
            ["auth.account_get", "profile.profile.updated", "demo.on_updated", "auth.account_get"]
        );
    }

    #[test]
    fn the_diagram_does_not_depend_on_the_order_of_rows() {
        let mut turned = fixture::module();
        turned.rows.reverse();
        let (straight, turned) = (fixture::platform(), Platform::of(vec![turned]));
        assert_eq!(diagram(&straight), diagram(&turned));
    }

    #[test]
    fn the_map_shows_listeners_and_calls() {
        let map = event_map(&fixture::platform()).unwrap();
        assert!(
            map.contains("e_profile_profile_updated([profile.profile.updated]) --> demo"),
            "{map}"
        );
        assert!(map.contains("demo -. auth.account_get .-> auth"), "{map}");
        assert!(map.contains("| `demo.on_updated` | `auth.account_get` |"), "{map}");
    }
}
