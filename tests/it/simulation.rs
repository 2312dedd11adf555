//! The backbone under faults: seeded, single-threaded, in paused time, with unmodified handlers and SDK
//! clients; the SDK's HTTP connector is the only seam. A failure prints the smallest plan that fails,
//! and the story of it.

mod dice;
mod drive;
mod explore;
mod figures;
mod harm;
mod judge;
mod plan;
mod rows;
mod shrink;
mod trace;
mod world;

use self::drive::live;
use self::explore::explore;
use self::figures::{Figures, cpu_time};
use self::plan::{Ask, Plan};

/// Every kind of listener in as few calls as possible.
fn core() -> Vec<Ask> {
    let ask = |ordered, events, key| Ask { ordered, tenant: 0, number: 0, events, key };
    vec![ask(true, 3, 1), ask(false, 1, 2), ask(true, 1, 3)]
}

#[test]
fn a_calm_world_comes_to_rest_with_every_event_handled_once() {
    let mut figures = Figures::default();
    let began = cpu_time();
    for seed in 0..20 {
        explore(&Plan::calm(seed, core()), &mut figures);
    }
    figures.cpu = cpu_time() - began;
    eprintln!("{figures}");
}

#[test]
fn two_runs_of_one_plan_are_the_same() {
    for seed in 0..5 {
        let (one, other) = (live(&Plan::of(seed)), live(&Plan::of(seed)));
        assert!(!one.calls.is_empty());
        assert_eq!(trace::of(&one), trace::of(&other), "seed {seed}");
    }
}

#[test]
fn random_plans_end_well() {
    let mut figures = Figures::default();
    let began = cpu_time();
    for seed in 0..100 {
        explore(&Plan::of(seed), &mut figures);
    }
    figures.cpu = cpu_time() - began;
    eprintln!("{figures}");
}
