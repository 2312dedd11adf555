//! From the state change to the topics: E1, E2 and the first half of E3.

use std::collections::{BTreeMap, BTreeSet};

use events::Envelope;
use kernel::EntityKind;
use store::outbox::{OutboxRow, Status};
use store::transition;

use super::{Invariant, Sight, Verdict};
use crate::simulation::drive::Told;
use crate::simulation::world::TENANTS;
use crate::simulation::world::thing::Thing;

pub fn judge(sight: &Sight<'_>, verdict: &mut Verdict) {
    let mut rows: BTreeMap<&str, Vec<&OutboxRow>> = BTreeMap::new();
    for row in &sight.rows.outbox {
        rows.entry(&row.partitionkey).or_default().push(row);
    }
    for thing in &sight.rows.things {
        let own = rows.remove(partitionkey(thing).as_str()).unwrap_or_default();
        announced(thing, &own, verdict);
        wanted(sight, thing, verdict);
        counted(sight, thing, verdict);
    }
    // Events about the platform are nobody's steps, and timers are judged apart.
    let apart = [EntityKind::Operation, EntityKind::Schedule];
    rows.retain(|_, rows| rows.iter().any(|row| !apart.contains(&row.subject.kind())));
    for (aggregate, rows) in rows {
        verdict.must(Invariant::E1, false, || {
            format!("{} events of {aggregate}, which does not exist", rows.len())
        });
    }
    published(sight, verdict);
    for row in &sight.rows.outbox {
        let ended = matches!(row.status, Status::Sent | Status::Skipped | Status::Failed);
        verdict.must(Invariant::E2, ended, || format!("{} is {:?}", named(row), row.status));
        let told = row.status != Status::Skipped || row.skip_reason.is_some();
        verdict.must(Invariant::E6, told, || format!("{} was passed over silently", named(row)));
        let tried = row.status == Status::Sent || row.attempts >= transition::ATTEMPTS_MAX;
        verdict.must(Invariant::E2, !ended || tried, || {
            format!("{} was given up after {} attempts", named(row), row.attempts)
        });
    }
}

/// As many events as the state has seen steps, numbered from 1.
fn announced(thing: &Thing, rows: &[&OutboxRow], verdict: &mut Verdict) {
    let numbers: Vec<u64> = rows.iter().map(|row| row.sequence).collect();
    let dense: Vec<u64> = (1..=thing.head.event_seq).collect();
    verdict.must(Invariant::E1, numbers == dense, || {
        format!(
            "{} has seen {} steps, its events are {numbers:?}",
            partitionkey(thing),
            thing.head.event_seq
        )
    });
}

/// As many steps as clients were told of; those that were told of a failure may have happened, but
/// each at most once.
fn wanted(sight: &Sight<'_>, thing: &Thing, verdict: &mut Verdict) {
    let own = |told: &&Told| is_about(told, thing);
    let events = |told: &Told| u64::from(told.ask.events);
    let done = |told: &&Told| told.status < 300;
    let told: Vec<&Told> = sight.life.told.iter().filter(own).collect();
    let least: u64 = told.iter().copied().filter(done).map(events).sum();
    let most: u64 = told.iter().copied().map(events).sum();
    let carried = thing.subject.id().starts_with("c-");
    let seen = thing.head.event_seq;
    verdict.must(Invariant::E1, carried || (least..=most).contains(&seen), || {
        format!(
            "{} has seen {seen} steps; clients were told of {least}, and asked for {most}",
            partitionkey(thing)
        )
    });
}

/// A reaction inside the transaction happens exactly where the event does.
fn counted(sight: &Sight<'_>, thing: &Thing, verdict: &mut Verdict) {
    if thing.subject.kind() != EntityKind::Settings {
        return;
    }
    let own = thing.key.pk.text().unwrap_or_default().replace("#THING#", "#TALLY#");
    let times = sight.rows.tallies.iter().filter(|pk| **pk == own).count() as u64;
    verdict.must(Invariant::E1, times == thing.head.event_seq, || {
        format!("{} steps of {own} were counted, {} seen", times, thing.head.event_seq)
    });
}

fn is_about(told: &Told, thing: &Thing) -> bool {
    let tenant = TENANTS[usize::from(told.ask.tenant) % TENANTS.len()];
    let kind = if told.ask.ordered { EntityKind::Swap } else { EntityKind::Settings };
    let pk = thing.key.pk.text().unwrap_or_default();
    pk.contains(&tenant.to_string())
        && thing.subject.kind() == kind
        && thing.subject.id() == format!("a{}", told.ask.number)
}

/// Nothing is published that was not committed, everything is that says so, and an ordered
/// aggregate's events come first in their order.
fn published(sight: &Sight<'_>, verdict: &mut Verdict) {
    let rows: BTreeMap<String, &OutboxRow> =
        sight.rows.outbox.iter().map(|row| (row.event_id.to_string(), row)).collect();
    let mut heard: [BTreeSet<String>; 2] = Default::default();
    let mut last: BTreeMap<&str, u64> = BTreeMap::new();
    for (topic, events) in sight.rows.heard.iter().enumerate() {
        for event in events {
            let id = event.id.to_string();
            verdict.must(Invariant::E1, rows.contains_key(&id), || {
                format!("{} was published and is not committed", told(event))
            });
            if heard[topic].insert(id) && topic == 1 {
                let last = last.entry(&event.partitionkey).or_default();
                let next = *last + 1;
                verdict.must(Invariant::E3, event.sequence_number() == next, || {
                    format!("{} was published first when {next} was next", told(event))
                });
                *last = event.sequence_number();
            }
        }
    }
    for (id, row) in rows.iter().filter(|(_, row)| row.status == Status::Sent) {
        let topic = usize::from(row.ordered);
        let out = heard[topic].contains(id);
        verdict
            .must(Invariant::E2, out, || format!("{} is sent and was not published", named(row)));
        let times = sight.rows.heard[topic].iter().filter(|event| event.id == row.event_id).count();
        // The committing function's attempt, those of relays, and a copy now and then.
        let most = u64::from(row.replay_no + 1) * u64::from(transition::ATTEMPTS_MAX + 3);
        verdict.must(Invariant::E2, times as u64 <= most, || {
            format!("{} was published {times} times", named(row))
        });
        verdict.must(Invariant::E6, !out || times as u64 > u64::from(row.replay_no), || {
            format!(
                "{} is sent for the {}th time and was published {times} times",
                named(row),
                row.replay_no + 1
            )
        });
    }
}

pub fn partitionkey(thing: &Thing) -> String {
    let pk = thing.key.pk.text().unwrap_or_default();
    let owner: Vec<&str> = pk.split('#').skip(1).take(2).collect();
    format!("{}/{}", owner.join("/"), thing.subject)
}

pub fn named(row: &OutboxRow) -> String {
    format!("{} number {} of {}", row.kind, row.sequence, row.partitionkey)
}

fn told(event: &Envelope) -> String {
    format!("{} number {} of {}", event.kind, event.sequence_number(), event.partitionkey)
}
