//! Timers, and events that are collected: E1, E2, E4 and E7.

use std::collections::BTreeMap;

use kernel::EntityKind;

use super::{Invariant, Sight, Verdict};
use crate::simulation::watch;
use crate::simulation::world::{CHANGED, DIGEST_MINUTES, listener, outside};
use store::outbox::Status;
use store::schedule::ScheduledEvent;

const CADENCE_MS: i64 = DIGEST_MINUTES as i64 * 60_000;
const HOUR_MS: i64 = 3_600_000;

pub fn judge(sight: &Sight<'_>, verdict: &mut Verdict) {
    for timer in &sight.rows.timers {
        let subject = timer.id.to_string();
        let events = sight.rows.outbox.iter().filter(|row| {
            row.subject.kind() == EntityKind::Schedule && row.subject.id() == subject
        });
        let numbers: Vec<u64> = events.map(|row| row.sequence).collect();
        let dense: Vec<u64> = (1..=timer.fired).collect();
        verdict.must(Invariant::E1, numbers == dense, || {
            format!("timer {} rang {} times, its events are {numbers:?}", timer.name, timer.fired)
        });
        verdict.must(Invariant::E2, timer.ended.is_some(), || {
            format!("timer {} is neither over nor called off", timer.name)
        });
    }
    for (name, known) in &sight.life.watch.0 {
        let timer = sight.rows.timers.iter().find(|timer| watch::is(timer, *name));
        let fired = timer.map_or(0, |timer| timer.fired);
        for (hour, rung) in rung_by_hour(sight, timer) {
            let most = known.once + u64::from(known.planned > known.once);
            verdict.must(Invariant::E7, rung <= most, || {
                format!("timer {name:?} rang {rung} times in hour {hour}, at most {most} are due")
            });
        }
        verdict.must(Invariant::E7, known.planned > known.once || fired <= known.once, || {
            format!("timer {name:?} was planned {} times and rang {fired} times", known.planned)
        });
        let silent = known.silent_after.is_none_or(|rung| rung == fired);
        verdict.must(Invariant::E7, silent, || {
            format!("timer {name:?} rang {fired} times, also after it was called off: {known:?}")
        });
    }
    digested(sight, verdict);
}

/// How often a timer rang in each hour: what recurs is due once in it.
fn rung_by_hour(sight: &Sight<'_>, timer: Option<&ScheduledEvent>) -> BTreeMap<i64, u64> {
    let mut rung = BTreeMap::new();
    let Some(subject) = timer.map(|timer| timer.id.to_string()) else { return rung };
    for row in &sight.rows.outbox {
        if row.subject.kind() == EntityKind::Schedule && row.subject.id() == subject {
            *rung.entry(row.created_at.ms().div_euclid(HOUR_MS)).or_default() += 1;
        }
    }
    rung
}

/// A batch is handed out once for each time of its cadence: one that holds nothing but events from
/// after that time was handed out twice.
pub fn handed_out(verdict: &mut Verdict) {
    for (at, oldest) in outside::digests() {
        let Some(oldest) = oldest else { continue };
        let tick_ms = (oldest.ms().div_euclid(CADENCE_MS) + 1) * CADENCE_MS;
        verdict.must(Invariant::E7, at.ms() >= tick_ms, || {
            format!("a batch of events from {oldest} was handed out again at {at}")
        });
    }
}

/// Every collected event is handled once, with others or alone.
fn digested(sight: &Sight<'_>, verdict: &mut Verdict) {
    let changed = sight.rows.outbox.iter().filter(|row| row.kind == CHANGED.spec.name);
    for row in changed.filter(|row| row.status == Status::Sent) {
        let place = (row.partitionkey.clone(), row.sequence);
        let times = sight.rows.digested.get(&place).copied().unwrap_or(0);
        verdict.must(Invariant::E4, times <= 1, || format!("{place:?} was digested {times} times"));
        let key = (listener::DIGEST.to_owned(), row.event_id.to_string(), String::new());
        let aside = sight.rows.inbox.contains_key(&key);
        verdict.must(Invariant::E6, times == 1 || aside, || {
            format!("{place:?} was collected and not digested")
        });
    }
}
