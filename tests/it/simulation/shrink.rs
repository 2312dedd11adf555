//! Makes a failing plan as small as it can be while it still breaks the same promise.

use super::drive::{Life, live};
use super::judge::{Invariant, Verdict, judge};
use super::plan::{Plan, Step};

/// The most lives spent on one plan.
const LIVES_MAX: usize = 400;

/// The smallest plan found, its life and what it breaks.
pub fn shrink(plan: &Plan, invariant: Invariant) -> (Life, Verdict) {
    let mut best = (live(plan), Verdict::default());
    best.1 = judge(&best.0);
    let mut lives = 0;
    loop {
        let smaller = simpler(&best.0.plan).into_iter().find_map(|plan| {
            lives += 1;
            if lives > LIVES_MAX {
                return None;
            }
            let life = live(&plan);
            let verdict = judge(&life);
            verdict.names(invariant).then_some((life, verdict))
        });
        match smaller {
            Some(smaller) => best = smaller,
            None => return best,
        }
    }
}

/// Every plan that is one thing shorter: harms first, then fates, then steps, then requests.
fn simpler(plan: &Plan) -> Vec<Plan> {
    let mut plans = Vec::new();
    for at in 0..plan.harms.len() {
        let mut less = plan.clone();
        less.harms.remove(at);
        plans.push(less);
    }
    for at in 0..plan.fates.len() {
        let mut less = plan.clone();
        less.fates.remove(at);
        plans.push(less);
    }
    for at in 0..plan.steps.len() {
        let mut less = plan.clone();
        less.steps.remove(at);
        plans.push(less);
    }
    for at in 0..plan.steps.len() {
        let Step::Ask(asks) = &plan.steps[at] else { continue };
        for which in 0..asks.len() {
            let mut fewer = asks.clone();
            if fewer.len() > 1 {
                fewer.remove(which);
            } else if fewer[which].events > 1 {
                fewer[which].events = 1;
            } else {
                continue;
            }
            let mut less = plan.clone();
            less.steps[at] = Step::Ask(fewer);
            plans.push(less);
        }
    }
    plans
}
