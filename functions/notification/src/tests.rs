//! The module on a local cloud, with an `auth` that only knows what a test tells it.

mod inboxes;
mod mailing;
mod planning;
mod world;

use std::time::Duration;

use super::*;

#[test]
fn every_bound_event_is_heard() {
    let module = module();
    let row = module.row("notification.on_event").unwrap();
    let heard: Vec<&str> = row.listening().unwrap().events.iter().map(|event| event.name).collect();
    let bound: Vec<&str> = domain::binding::BINDINGS.iter().map(|one| one.event).collect();
    assert_eq!(heard, bound);
}

#[test]
fn every_channel_has_a_dispatcher_of_its_own() {
    let module = module();
    let mut facets: Vec<&str> = module
        .rows
        .iter()
        .filter_map(|row| row.listening())
        .flat_map(|listening| listening.facets.iter().copied())
        .collect();
    facets.sort_unstable();
    assert_eq!(facets, domain::channel::Channel::ALL.map(|channel| channel.as_str()));
}

#[test]
fn a_claim_outlives_the_dispatcher_that_took_it() {
    let module = module();
    for id in ["notification.dispatch_mail", "notification.on_due"] {
        let timeout = Duration::from_secs(module.row(id).unwrap().timeout_s.into());
        assert_eq!(domain::hand_off::LEASE, timeout * 2, "{id}");
        assert!(dispatch::mail::TIME_NEEDED < timeout, "{id}");
    }
}
