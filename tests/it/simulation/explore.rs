//! Lives plans, judges them, and tells the smallest story of one that fails.

use super::drive::{Life, live};
use super::figures::Figures;
use super::judge::judge;
use super::plan::Plan;
use super::shrink::shrink;
use super::trace;

/// Lives a plan that must break nothing.
///
/// # Panics
/// With the smallest failing plan found and its story.
pub fn explore(plan: &Plan, figures: &mut Figures) -> Life {
    let life = live(plan);
    let verdict = judge(&life);
    figures.count(&life);
    let Some(broken) = verdict.0.first() else { return life };
    eprintln!("a plan of seed {} broke {broken}; looking for a smaller one", plan.seed);
    let (small, verdict) = shrink(plan, broken.invariant);
    panic!("a plan of seed {} broke {broken}\n{}", plan.seed, trace::story(&small, &verdict));
}
