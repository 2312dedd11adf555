//! Rules of listeners that no type can hold.

use events::{EventSpec, Ordering};
use kernel::Timestamp;
use runtime::module::{Exhausted, Listening};
use runtime::wiring::Lane;
use runtime::{Module, Row};

use super::{Breach, breach};

/// Messages of one batch without a batching window.
const BATCH_MAX: u32 = 10;
/// Seconds a queue can delay.
const DELAY_MAX_S: u32 = 900;
/// Attempts of a listener.
const TRIES_MAX: u32 = 20;
/// Seconds of the longest pause between attempts.
const BACKOFF_MAX_S: u32 = 39_600;
/// Most invocations at once (Lambda API reference, ScalingConfig).
const CONCURRENCY_MAX: u32 = 1_000;
/// Midnight of 1 January 2026, and the days from then on in which no cadence may pause too long.
const CADENCES_FROM: Timestamp = Timestamp::from_ms(1_767_225_600_000);
const CADENCES_DAYS: u32 = 8 * 366;

/// Everything about this row as a listener that is declared wrongly.
pub fn breaches(module: &Module, row: &Row) -> Vec<Breach> {
    let (mut found, id) = (Vec::new(), row.id);
    let cadence = row.collects.as_ref().map(|collecting| &collecting.cadence);
    if cadence.is_some_and(|one| one.pauses_too_long(CADENCES_FROM, CADENCES_DAYS)) {
        found.push(breach!(
            "{id} is handed events less often than every 12 days: what is collected for it expires"
        ));
    }
    let Some(heard) = row.listening() else { return found };
    found.extend(Lane::of(module, row).err().map(|why| breach!("{why}")));
    found.extend(of_manner(module, row, heard));
    let limits = [
        ("batch", heard.batch, 1, BATCH_MAX),
        ("delay in seconds", heard.delay_s, 0, DELAY_MAX_S),
        ("tries", heard.tries, 1, TRIES_MAX),
        ("concurrency", heard.max_concurrency(), 2, CONCURRENCY_MAX),
        ("pause in seconds", heard.backoff_s.iter().copied().max().unwrap_or(0), 1, BACKOFF_MAX_S),
    ];
    for (what, value, least, most) in limits {
        if value < least || value > most {
            found.push(breach!("{id}: {what} is {value}; {least} to {most} are allowed"));
        }
    }
    found
}

/// What an ordered listener cannot be, and what only makes sense together.
fn of_manner(module: &Module, row: &Row, heard: &Listening) -> Vec<Breach> {
    let (mut found, id) = (Vec::new(), row.id);
    let ordered = heard.ordering == Ordering::Aggregate;
    if ordered && heard.on_exhausted == Exhausted::Park {
        found.push(breach!("{id} hears in order: an event it gives up blocks or is skipped"));
    }
    if !ordered && heard.on_exhausted != Exhausted::Park {
        found.push(breach!("{id} hears without order: there is no aggregate to block or go on"));
    }
    if ordered && heard.delay_s > 0 {
        found.push(breach!("{id} hears in order: FIFO queues delay no single message"));
    }
    if ordered && heard.debounce.is_some() {
        found.push(breach!("{id} hears in order: it cannot put events off"));
    }
    if let Some(debounce) = heard.debounce
        && !(debounce.wait_s > 0 && debounce.wait_s <= debounce.max_s)
    {
        found
            .push(breach!("{id} debounces: wait at least 1 s, and at most as long as its maximum"));
    }
    let foreign = |spec: &&EventSpec| spec.module() != module.name;
    if let Some(spec) = heard.events.iter().find(foreign).filter(|_| heard.inline_ms.is_some()) {
        found.push(breach!(
            "{id} is inline: only {} itself could run it for {}",
            spec.module(),
            spec.name
        ));
    }
    let is_day = |day: &str| format!("{day}T00:00:00.000Z").parse::<kernel::Timestamp>().is_ok();
    if let Some(day) = heard.since.filter(|day| !is_day(day)) {
        found.push(breach!("{id}: since {day} is no day: write it as 2026-11-28"));
    }
    if ordered && heard.since.is_none() {
        found.push(breach!("{id} hears in order: since is the day after its first deployment"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn lines(row: &Row) -> Vec<String> {
        let module = fixture::module_of([row.clone()]);
        breaches(&module, row).into_iter().map(|one| one.0).collect()
    }

    #[test]
    fn what_is_declared_wrongly_is_named() {
        let hears = |id| fixture::hears(id, events::profile::UPDATED.spec);
        let cases = [
            (hears("demo.on_updated").tries(21, [1]), "demo.on_updated: tries is 21"),
            (hears("demo.on_updated").tries(2, []), "demo.on_updated: pause in seconds is 0"),
            (
                hears("demo.on_updated").ordered(),
                "demo.on_updated asks for order, and profile.profile.updated has none",
            ),
            (
                hears("demo.on_updated").on_exhausted(Exhausted::Block),
                "demo.on_updated hears without order: there is no aggregate",
            ),
            (
                hears("demo.on_updated").debounced(60, 30),
                "demo.on_updated debounces: wait at least 1 s",
            ),
            (
                hears("demo.on_updated").inline(300),
                "demo.on_updated is inline: only profile itself could run it",
            ),
            (hears("demo.on_updated").since("today"), "demo.on_updated: since today is no day"),
            (
                hears("demo.on_updated").ordered(),
                "demo.on_updated hears in order: since is the day after its first deployment",
            ),
        ];
        for (row, expected) in cases {
            let lines = lines(&row);
            assert!(lines.iter().any(|line| line.starts_with(expected)), "{expected}: {lines:?}");
        }
    }

    #[test]
    fn nothing_is_collected_for_a_month() {
        let collects = |cron| {
            runtime::module::collect(
                "demo.on_updated",
                &events::profile::UPDATED,
                runtime::module::Cadence::cron(cron, "Europe/Berlin"),
                |_, _| async { Ok(runtime::Outcome::Done) },
            )
        };
        let told = |cron| {
            let lines = lines(&collects(cron));
            lines.iter().any(|line| line.contains("less often than every 12 days"))
        };
        assert!(told("0 6 1 * ? *") && !told("0 6 ? * MON *"));
    }
}
