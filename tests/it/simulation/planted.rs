//! Bugs that are planted to prove that they would be found: each within its number of seeds, by a
//! promise that is named beforehand.

use store::planted::{Bug, plant};

use super::course;
use super::drive::live;
use super::judge::{Invariant, judge};
use super::plan::Plan;

/// A bug, who finds it, and in how many seeds at most.
pub struct Planted {
    /// Its number in the list of faults that must be found.
    pub fault: &'static str,
    pub bug: Bug,
    pub by: &'static [Invariant],
    pub seeds: u64,
    /// The plans it hides in: any, unless only one course of things can show it.
    pub plans: fn(u64) -> Plan,
}

/// Every bug of the backbone.
pub const PLANTED: &[Planted] = {
    use Invariant::*;
    const fn one(fault: &'static str, bug: Bug, by: &'static [Invariant], seeds: u64) -> Planted {
        Planted { fault, bug, by, seeds, plans: Plan::of }
    }
    const fn within(plans: fn(u64) -> Plan, planted: Planted) -> Planted {
        Planted { plans, ..planted }
    }
    &[
        one("F1", Bug::ConditionDropped("idempotency"), &[E1, E4], 200),
        one("F1", Bug::ConditionDropped("inbox"), &[E1, E4], 200),
        one("F2", Bug::PublishedBeforeCommit, &[E1], 100),
        one("F3", Bug::SentBeforePublished, &[E2], 100),
        within(course::refused_publications, one("F4", Bug::AggregateInOneBatch, &[E3], 1_000)),
        one("F5", Bug::InboxAfterEffect, &[E4], 200),
        within(course::throttled_polls, one("F6", Bug::ReceivesAreTheTries, &[E2], 500)),
        within(course::refused_publications, one("F8", Bug::PredecessorIgnored, &[E3], 1_000)),
        one("F9", Bug::ReplayKeepsItsId, &[E6], 50),
        within(course::stalled_sweep, one("F11", Bug::UnfencedLease, &[E7], 2_000)),
        within(course::dead_holder, one("F12", Bug::EternalClaim, &[E2], 200)),
        within(course::deadly_publication, one("F13", Bug::AttemptAfterPublish, &[E2], 500)),
        one("F14", Bug::BlockIgnored, &[E3], 500),
        one("F15", Bug::ExhaustedWithoutRow, &[E6], 200),
        within(course::broken_timers, one("F16", Bug::TimerOutsideTransaction, &[E1], 200)),
        within(course::late_cancel, one("F17", Bug::CancelledTimerFires, &[E7], 200)),
        one("F19", Bug::ForeignKey, &[E8], 100),
        one("F20", Bug::BatchGoesOn, &[E3], 500),
    ]
};

impl Planted {
    /// The number of seeds it took, the last included; `None` where it was not found.
    pub fn hunt(&self, first_seed: u64) -> Option<u64> {
        (0..self.seeds).find(|offset| self.shows_in(first_seed + offset)).map(|offset| offset + 1)
    }

    fn shows_in(&self, seed: u64) -> bool {
        let shows = |plan: &Plan| {
            let verdict = judge(&live(plan));
            self.by.iter().any(|invariant| verdict.names(*invariant))
        };
        let (plan, with_it) = {
            let _planted = plant(self.bug);
            let plan = (self.plans)(seed);
            let with_it = shows(&plan);
            (plan, with_it)
        };
        // What breaks without the bug as well shows nothing.
        with_it && !shows(&plan)
    }
}

/// The middle of several hunts' lengths.
pub fn median(mut seeds: Vec<u64>) -> u64 {
    seeds.sort_unstable();
    seeds.get(seeds.len() / 2).copied().unwrap_or(0)
}
