//! What makes a module well, degraded or down.

use std::time::Duration;

use contracts::gateway::{Condition, ModuleHealth};
use kernel::{Head, Timestamp};
use serde::{Deserialize, Serialize};

/// A probe older than this says nothing good.
const STALE: Duration = Duration::from_secs(180);
/// An outbox that is further behind is a reason to look.
const LAG: Duration = Duration::from_secs(60);
/// Failed checks in a row that make a module down.
const FAILURES_DOWN: u32 = 3;
/// The module without which nobody can do anything.
const CRITICAL: &str = "auth";

/// What one probe saw of one module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// What could not be reached.
    pub unreachable: Vec<String>,
    /// Messages in the dead-letter queues of its listeners.
    pub dead_letters: u64,
    /// How long the oldest event has been waiting to be published.
    pub outbox_lag: Duration,
}

/// What the probes found of one module so far.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Probed {
    pub module: String,
    pub status: Condition,
    /// Checks that failed in a row.
    pub failures: u32,
    pub reasons: Vec<String>,
    #[serde(with = "kernel::time::ms", rename = "checked_at_ms")]
    pub checked_at: Timestamp,
    #[serde(flatten)]
    pub head: Head,
}

/// The state of a module after one more probe.
pub fn decide(module: &str, before: Option<&Probed>, seen: &Seen, now: Timestamp) -> Probed {
    let failures = match seen.unreachable.is_empty() {
        true => 0,
        false => before.map_or(0, |before| before.failures) + 1,
    };
    let mut reasons: Vec<String> =
        seen.unreachable.iter().map(|what| format!("{what} does not answer")).collect();
    if seen.dead_letters > 0 {
        reasons.push(format!("{} dead letters", seen.dead_letters));
    }
    if seen.outbox_lag > LAG {
        reasons.push(format!("events wait {} s to be published", seen.outbox_lag.as_secs()));
    }
    let status = match (failures, reasons.is_empty()) {
        (FAILURES_DOWN.., _) => Condition::Down,
        (_, false) => Condition::Degraded,
        (_, true) => Condition::Ok,
    };
    let head = before.map_or(Head::NEW, |before| before.head);
    Probed { module: module.to_owned(), status, failures, reasons, checked_at: now, head }
}

/// What callers see: a module nobody has probed lately is degraded.
pub fn shown(module: &str, probed: Option<Probed>, now: Timestamp) -> ModuleHealth {
    let module = module.to_owned();
    match probed {
        None => ModuleHealth {
            module,
            status: Condition::Degraded,
            checked_at: None,
            reasons: vec!["not probed yet".to_owned()],
        },
        Some(probed) if now.since(probed.checked_at) > STALE => ModuleHealth {
            module,
            status: probed.status.max(Condition::Degraded),
            checked_at: Some(probed.checked_at),
            reasons: vec!["not probed for three minutes".to_owned()],
        },
        Some(probed) => ModuleHealth {
            module,
            status: probed.status,
            checked_at: Some(probed.checked_at),
            reasons: probed.reasons,
        },
    }
}

/// The state of the whole: down only if nobody can sign in.
pub fn overall(modules: &[ModuleHealth]) -> Condition {
    let critical_down =
        modules.iter().any(|one| one.module == CRITICAL && one.status == Condition::Down);
    let all_well = modules.iter().all(|one| one.status == Condition::Ok);
    match (critical_down, all_well) {
        (true, _) => Condition::Down,
        (false, true) => Condition::Ok,
        (false, false) => Condition::Degraded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreachable() -> Seen {
        Seen { unreachable: vec!["queue".to_owned()], ..Seen::default() }
    }

    fn after(probes: &[Seen]) -> Probed {
        let mut probed = None;
        for seen in probes {
            probed = Some(decide("auth", probed.as_ref(), seen, Timestamp::from_ms(0)));
        }
        probed.unwrap()
    }

    #[test]
    fn three_failures_in_a_row_are_down_and_one_success_is_well() {
        let bad = unreachable;
        let cases = [
            (vec![Seen::default()], Condition::Ok),
            (vec![bad()], Condition::Degraded),
            (vec![bad(), bad()], Condition::Degraded),
            (vec![bad(), bad(), bad()], Condition::Down),
            (vec![bad(), bad(), Seen::default(), bad()], Condition::Degraded),
            (vec![bad(), bad(), bad(), Seen::default()], Condition::Ok),
        ];
        for (probes, status) in cases {
            assert_eq!(after(&probes).status, status, "{probes:?}");
        }
    }

    #[test]
    fn dead_letters_and_lag_degrade() {
        let lagging = Seen { outbox_lag: Duration::from_secs(61), ..Seen::default() };
        let dead = Seen { dead_letters: 1, ..Seen::default() };
        for seen in [lagging, dead] {
            assert_eq!(after(&[seen]).status, Condition::Degraded);
        }
        let on_time = Seen { outbox_lag: Duration::from_secs(60), ..Seen::default() };
        assert_eq!(after(&[on_time]).status, Condition::Ok);
    }

    #[test]
    fn only_a_critical_module_takes_the_platform_down() {
        let of = |module: &str, status| ModuleHealth {
            module: module.to_owned(),
            status,
            checked_at: None,
            reasons: Vec::new(),
        };
        let cases = [
            (vec![of("auth", Condition::Ok), of("profile", Condition::Ok)], Condition::Ok),
            (vec![of("auth", Condition::Ok), of("profile", Condition::Down)], Condition::Degraded),
            (vec![of("auth", Condition::Down), of("profile", Condition::Ok)], Condition::Down),
        ];
        for (modules, expected) in cases {
            assert_eq!(overall(&modules), expected);
        }
    }

    #[test]
    fn a_module_nobody_probes_is_not_well() {
        let probed = after(&[Seen::default()]);
        assert_eq!(shown("auth", None, Timestamp::from_ms(0)).status, Condition::Degraded);
        let status =
            |seconds| shown("auth", Some(probed.clone()), Timestamp::from_seconds(seconds)).status;
        assert_eq!((status(180), status(181)), (Condition::Ok, Condition::Degraded));
    }
}
