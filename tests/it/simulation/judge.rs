//! What must be true at the end of every run, read from what is stored.

mod effects;
mod publication;
mod timers;

use std::fmt;

use super::drive::Life;
use super::rows::Rows;
pub use effects::backbone;

/// A promise of the backbone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// A state change is committed if and only if its outbox rows exist.
    E1,
    /// Once faults stop, every row ends settled or failed within bounded steps.
    E2,
    /// First deliveries of one ordered aggregate are in sequence.
    E3,
    /// Each listener's effect in the tables happens exactly once per event.
    E4,
    /// A poison event never delays another aggregate by more than one visibility period.
    E5,
    /// An event is never lost without trace.
    E6,
    /// Each timer fires at most once per due time, and never after its cancel committed.
    E7,
    /// Nothing of one tenant is read or written for another.
    E8,
}

/// A promise that was broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub invariant: Invariant,
    pub how: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}: {}", self.invariant, self.how)
    }
}

/// Collects what is broken.
#[derive(Default)]
pub struct Verdict(pub Vec<Broken>);

impl Verdict {
    pub fn must(&mut self, invariant: Invariant, so: bool, how: impl FnOnce() -> String) {
        if !so {
            self.0.push(Broken { invariant, how: how() });
        }
    }

    /// Whether this promise is among the broken ones.
    pub fn names(&self, invariant: Invariant) -> bool {
        self.0.iter().any(|broken| broken.invariant == invariant)
    }
}

/// What is stored at one moment of a life.
pub struct Sight<'a> {
    pub life: &'a Life,
    pub rows: &'a Rows,
    /// Whether an operator has repaired everything, so that nothing may be given up any more.
    pub repaired: bool,
}

/// Judges a life that has come to its end.
pub fn judge(life: &Life) -> Verdict {
    let mut verdict = Verdict::default();
    verdict.must(Invariant::E2, life.rested, || {
        format!("no rest within {} s of virtual time", life.span.as_secs())
    });
    let sights = [(Some(&life.rows), false), (life.repaired.as_ref(), true)];
    for (rows, repaired) in sights {
        let Some(rows) = rows else { continue };
        let sight = Sight { life, rows, repaired };
        publication::judge(&sight, &mut verdict);
        effects::judge(&sight, &mut verdict);
        timers::judge(&sight, &mut verdict);
    }
    effects::hand_offs(life, &mut verdict);
    effects::delivered(life, &mut verdict);
    timers::handed_out(&mut verdict);
    verdict.must(Invariant::E6, life.refusals.is_empty(), || life.refusals.join("; "));
    verdict.must(Invariant::E8, life.strays.is_empty(), || life.strays.join("; "));
    verdict
}
