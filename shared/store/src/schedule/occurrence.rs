//! Which runs of a timer are due, and what becomes of those it has missed.

use std::time::Duration;

use kernel::Timestamp;
use kernel::cron::Recurrence;

use super::{Misfire, Plan};

/// How late a run still is on time: two sweeps.
pub const ON_TIME: Duration = Duration::from_secs(120);
/// Missed runs that are made up for, at most.
pub const CATCH_UP_MAX: usize = 24;

/// What is to be done about a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it is over.
    Over,
    /// It is due only then.
    Wait(Timestamp),
    /// Announce so many events (none, where all runs are passed over) and schedule the next run, where
    /// there is one.
    Fire { events: u64, next: Option<Timestamp> },
}

/// The step of a scheduled timer whose first open run is at `due_at`.
pub(super) fn step(plan: &Plan, due_at: Timestamp, now: Timestamp) -> Step {
    if due_at > now {
        return Step::Wait(due_at);
    }
    let Some(times) = &plan.recurrence else { return Step::Fire { events: 1, next: None } };
    let events = match plan.misfire {
        Misfire::FireOnce => 1,
        Misfire::Skip => u64::from(is_on_time(times, due_at, now)),
        Misfire::CatchUp => count(times.last(CATCH_UP_MAX, due_at, now).len().max(1)),
    };
    Step::Fire { events, next: times.next(now) }
}

/// Whether the newest run up to now is not late.
fn is_on_time(times: &Recurrence, due_at: Timestamp, now: Timestamp) -> bool {
    let newest = times.last(1, due_at, now).first().copied().unwrap_or(due_at);
    now.since(newest) <= ON_TIME
}

fn count(runs: usize) -> u64 {
    u64::try_from(runs).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(recurrence: Option<(&str, &str)>, misfire: Misfire) -> Plan {
        Plan {
            kind: "billing.reminder.came_due".to_owned(),
            major: 1,
            priority: "normal".to_owned(),
            public: false,
            envelope: "{}".to_owned(),
            recurrence: recurrence.map(|(cron, zone)| Recurrence::parse(cron, zone).unwrap()),
            misfire,
            precise: false,
        }
    }

    fn at(text: &str) -> Timestamp {
        format!("{text}:00Z").parse().unwrap()
    }

    #[test]
    fn a_timer_that_fires_once_fires_however_late() {
        let due_at = at("2030-06-01T12:00");
        for misfire in [Misfire::FireOnce, Misfire::Skip, Misfire::CatchUp] {
            let plan = plan(None, misfire);
            let fire = Step::Fire { events: 1, next: None };
            let early = due_at.minus(Duration::from_millis(1));
            assert_eq!(step(&plan, due_at, early), Step::Wait(due_at));
            assert_eq!(step(&plan, due_at, due_at), fire);
            assert_eq!(step(&plan, due_at, at("2031-06-01T12:00")), fire);
        }
    }

    /// Misfire policy, first open run, now: events and the next run.
    #[test]
    fn missed_runs_become_what_their_policy_says() {
        let daily = ("0 12 * * ? *", "UTC");
        let minutely = ("* * * * ? *", "UTC");
        let once = ("0 12 1 6 ? 2030", "UTC");
        let berlin = ("30 2 * * ? *", "Europe/Berlin");
        let (fire_once, skip, catch_up) = (Misfire::FireOnce, Misfire::Skip, Misfire::CatchUp);
        let rows = [
            (daily, fire_once, "2030-06-01T12:00", "2030-06-01T12:01", 1, "2030-06-02T12:00"),
            (daily, fire_once, "2030-06-01T12:00", "2030-06-09T13:00", 1, "2030-06-10T12:00"),
            (daily, skip, "2030-06-01T12:00", "2030-06-01T12:02", 1, "2030-06-02T12:00"),
            (daily, skip, "2030-06-01T12:00", "2030-06-01T12:03", 0, "2030-06-02T12:00"),
            (daily, skip, "2030-06-01T12:00", "2030-06-09T12:01", 1, "2030-06-10T12:00"),
            (daily, skip, "2030-06-01T12:00", "2030-06-09T13:00", 0, "2030-06-10T12:00"),
            (daily, catch_up, "2030-06-01T12:00", "2030-06-01T12:00", 1, "2030-06-02T12:00"),
            (daily, catch_up, "2030-06-01T12:00", "2030-06-09T13:00", 9, "2030-06-10T12:00"),
            (daily, catch_up, "2030-06-01T12:00", "2031-06-09T13:00", 24, "2031-06-10T12:00"),
            (minutely, fire_once, "2030-06-01T12:00", "2030-06-01T12:30", 1, "2030-06-01T12:31"),
            (minutely, skip, "2030-06-01T12:00", "2030-06-01T12:30", 1, "2030-06-01T12:31"),
            (minutely, catch_up, "2030-06-01T12:00", "2030-06-01T12:30", 24, "2030-06-01T12:31"),
            (once, fire_once, "2030-06-01T12:00", "2030-06-01T12:01", 1, ""),
            (once, skip, "2030-06-01T12:00", "2030-06-01T13:00", 0, ""),
            (berlin, fire_once, "2030-03-30T01:30", "2030-03-30T01:31", 1, "2030-03-31T01:00"),
            (berlin, catch_up, "2030-03-30T01:30", "2030-04-01T00:30", 3, "2030-04-02T00:30"),
            (berlin, catch_up, "2030-10-26T00:30", "2030-10-28T01:30", 3, "2030-10-29T01:30"),
        ];
        for (times, misfire, due_at, now, events, next) in rows {
            let next = Some(next).filter(|next| !next.is_empty()).map(at);
            let found = step(&plan(Some(times), misfire), at(due_at), at(now));
            assert_eq!(found, Step::Fire { events, next }, "{times:?} {misfire:?} at {now}");
        }
    }
}
