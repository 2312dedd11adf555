//! Events and listeners against the catalogue: its own rules, majors that stand side by side, facets, and
//! listeners that would never run.

use events::{EventSpec, alias};
use interface::rules;
use runtime::Row;
use runtime::module::Listening;

use super::{Breach, breach};
use crate::page;
use crate::platform::Platform;

/// Everything that is wrong about events.
pub fn breaches(platform: &Platform) -> Vec<Breach> {
    let mut faults = rules::faults(&platform.events, &platform.event_schemas);
    faults.extend(alias::faults(&platform.events));
    let mut found: Vec<Breach> = faults.iter().map(|fault| breach!("{fault}")).collect();
    for (_, row) in platform.rows() {
        found.extend(of_announcements(platform, row));
    }
    for (_, row, heard) in platform.listeners() {
        found.extend(of_hearing(platform, row, heard));
    }
    // A listener that cannot be subscribed is a breach of its own.
    for listener in page::unreached(platform).unwrap_or_default() {
        found.push(breach!("{listener} is subscribed, and no event ever reaches it"));
    }
    found
}

/// The majors of an event that are declared.
fn majors(platform: &Platform, name: &str) -> Vec<u16> {
    let declared = platform.events.iter().filter(|entry| entry.spec.name == name);
    declared.map(|entry| entry.spec.major).collect()
}

/// Who announces an event announces every major of it.
fn of_announcements(platform: &Platform, row: &Row) -> Vec<Breach> {
    let announces =
        |name: &str, major: u16| row.emits.iter().any(|one| (one.name, one.major) == (name, major));
    let missing = |spec: &EventSpec| {
        let mut majors = majors(platform, spec.name);
        majors.retain(|major| !announces(spec.name, *major));
        majors.into_iter().map(|major| (spec.name, major)).collect::<Vec<_>>()
    };
    let mut missing: Vec<(&str, u16)> = row.emits.iter().flat_map(missing).collect();
    missing.dedup();
    missing
        .into_iter()
        .map(|(name, major)| {
            breach!(
                "{} announces {name} without its major {major}: listeners of it would miss the fact",
                row.id
            )
        })
        .collect()
}

/// A listener takes one major of each event, and facets that there are.
fn of_hearing(platform: &Platform, row: &Row, heard: &Listening) -> Vec<Breach> {
    let (mut found, id) = (Vec::new(), row.id);
    for spec in &heard.events {
        let declared = majors(platform, spec.name);
        let taken: Vec<u16> =
            declared.iter().copied().filter(|major| heard.accepts.contains(major)).collect();
        match taken.as_slice() {
            [_] => {}
            _ if declared.is_empty() => {
                found.push(breach!("{id} hears {}, which is not in the catalogue", spec.name));
            }
            [] => found.push(breach!(
                "{id} takes majors {:?} of {}, which is announced in {declared:?}",
                heard.accepts,
                spec.name
            )),
            _ => found.push(breach!(
                "{id} takes majors {taken:?} of {}: it would hear the fact twice",
                spec.name
            )),
        }
        for facet in heard.facets.iter().filter(|facet| !spec.facets.contains(facet)) {
            found.push(breach!("{id} hears facet {facet} of {}, which has none such", spec.name));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use events::auth::SESSION_REVOKED;
    use events::notification::QUEUED;
    use serde_json::json;

    use super::*;
    use crate::fixture;

    fn lines(platform: &Platform) -> Vec<String> {
        breaches(platform).into_iter().map(|one| one.0).collect()
    }

    fn taking(mut row: Row, majors: &[u16]) -> Row {
        if let runtime::Trigger::Listener(heard) = &mut row.trigger {
            heard.accepts = majors.to_vec();
        }
        row
    }

    /// The platform of these rows, with the event declared in two majors.
    fn with_two_majors<const N: usize>(event: EventSpec, rows: [Row; N]) -> Platform {
        let mut platform = Platform::of(vec![fixture::module_of(rows)]);
        let of_event = |platform: &Platform| {
            Platform::of(Vec::new()).events.into_iter().position(|entry| {
                entry.spec.name == event.name && platform.event(event.name).is_some()
            })
        };
        if let Some(at) = of_event(&platform) {
            let mut newer = Platform::of(Vec::new()).events.swap_remove(at);
            newer.spec.major = 2;
            platform.events[at].downgrade = Some(Ok);
            platform.events[at].spec.public = false;
            platform.events.push(newer);
        }
        platform
    }

    #[test]
    fn a_listener_takes_exactly_one_of_the_majors_side_by_side() {
        let event = SESSION_REVOKED.spec;
        let hears = |majors: &[u16]| taking(fixture::hears("demo.on_revoked", event), majors);
        let takes = "demo.on_revoked takes majors";
        let twice = format!("{takes} [1, 2] of {}: it would hear the fact twice", event.name);
        let never = format!("{takes} [3] of {}, which is announced in [1, 2]", event.name);
        let unreached = "demo.on_revoked is subscribed, and no event ever reaches it".to_owned();
        let cases: [(&[u16], Vec<String>); 4] = [
            (&[1], vec![]),
            (&[2], vec![]),
            (&[1, 2], vec![twice]),
            (&[3], vec![never, unreached]),
        ];
        for (majors, expected) in cases {
            assert_eq!(lines(&with_two_majors(event, [hears(majors)])), expected, "{majors:?}");
        }
    }

    #[test]
    fn who_announces_an_event_announces_every_major_of_it() {
        let event = SESSION_REVOKED.spec;
        let newer = EventSpec { major: 2, ..event };
        let tidy = |emits: Vec<EventSpec>| {
            let mut row = fixture::module().row("demo.tidy").unwrap().clone();
            row.emits = emits;
            row
        };
        assert_eq!(lines(&with_two_majors(event, [tidy(vec![event, newer])])), [] as [&str; 0]);
        assert_eq!(
            lines(&with_two_majors(event, [tidy(vec![newer])])),
            [
                "demo.tidy announces auth.session.revoked without its major 1: listeners of it would \
              miss the fact"
            ]
        );
    }

    #[test]
    fn a_facet_that_its_event_never_has_is_refused() {
        let row = fixture::hears("demo.on_queued", QUEUED.spec).facets(["mail", "fax"]);
        assert_eq!(
            lines(&Platform::of(vec![fixture::module_of([row])])),
            ["demo.on_queued hears facet fax of notification.queued, which has none such"]
        );
    }

    #[test]
    fn a_fault_of_the_catalogue_breaks_the_build() {
        let mut platform = Platform::of(Vec::new());
        platform.event_schemas.insert(
            "Updated".to_owned(),
            json!({
                "type": "object",
                "properties": { "display_name": { "type": "string", "maxLength": 100 } },
            }),
        );
        let found = lines(&platform);
        assert_eq!(
            found,
            [
                "event profile.profile.updated: data.display_name has no class: an event holds ids, and \
              facts marked extend(\"x-pii\" = \"fact\")"
            ]
        );
    }
}
