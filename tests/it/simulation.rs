//! The backbone under faults: seeded, single-threaded, in paused time, with unmodified handlers and SDK
//! clients; the SDK's HTTP connector is the only seam. A failure prints the smallest plan that fails,
//! and the story of it.

mod corpus;
mod course;
mod dice;
mod drive;
mod explore;
mod figures;
mod harm;
mod judge;
mod operator;
mod plan;
mod planted;
mod rows;
mod scenarios;
mod shrink;
mod soak;
mod story;
mod systematic;
mod trace;
mod watch;
mod world;

use local::fault::Fault;

use self::dice::Dice;
use self::drive::live;
use self::explore::explore;
use self::harm::Harm;
use self::plan::{Ask, Plan, Step};
use self::planted::{PLANTED, Planted, median};
use self::soak::{Soak, Watch};

/// Single harms of a story, and pairs of them, that an ordinary build lives: evenly spread over all.
const SINGLES: usize = 400;
const PAIRS: usize = 200;
/// Starting points of a hunt for a planted bug, where somebody has the time.
const HUNTS: u64 = 5;

fn ask(ordered: bool, events: u8, key: u32) -> Ask {
    Ask { ordered, tenant: 0, number: 0, events, key }
}

/// Every kind of listener in as few calls as possible.
fn core() -> Plan {
    Plan::calm(7, vec![ask(true, 3, 1), ask(false, 1, 2), ask(true, 1, 3)])
}

/// As [`core`], but nobody hears the first two doorbells: the sweeper carries everything.
fn core_swept() -> Plan {
    let mut plan = Plan::calm(7, vec![ask(true, 2, 1), ask(false, 1, 2)]);
    plan.steps.insert(0, Step::Stream(false));
    let mut nth = std::collections::BTreeMap::<String, u64>::new();
    for call in live(&plan).calls {
        let nth = nth.entry(call.function.clone()).or_default();
        *nth += 1;
        if call.operation.starts_with("Publish") && call.function.starts_with("world.") {
            plan.harms.push(Harm::CallOf(call.function, *nth, Fault::ErrorBefore));
        }
    }
    plan.steps.push(Step::Pass(31_000));
    plan.steps.push(Step::Tick);
    plan
}

#[test]
fn a_calm_world_comes_to_rest_with_every_event_handled_once() {
    let mut watch = Watch::new("calm");
    for plan in [core(), core_swept()] {
        explore(&plan, &mut watch.figures);
    }
    watch.end();
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
fn what_once_failed_ends_well() {
    let mut watch = Watch::new("corpus");
    for (plan, _) in corpus::plans() {
        explore(&plan, &mut watch.figures);
    }
}

/// Lives a story once for every harm at every place; an ordinary build for some of them.
fn with_every_harm(what: &'static str, plan: &Plan) {
    let mut watch = Watch::new(what);
    let harms = systematic::every_harm(&live(plan));
    let step = if Soak::from_environment().is_long() { 1 } else { harms.len().div_ceil(SINGLES) };
    for harm in harms.into_iter().step_by(step.max(1)) {
        let mut plan = plan.clone();
        plan.harms.push(harm);
        explore(&plan, &mut watch.figures);
        watch.say();
    }
    watch.end();
}

#[test]
fn every_single_harm_at_every_call_ends_well() {
    with_every_harm("single harms", &core());
}

#[test]
fn every_single_harm_at_every_call_of_the_sweep_ends_well() {
    with_every_harm("single harms, swept", &core_swept());
}

#[test]
fn pairs_of_harms_end_well() {
    let plan = core();
    let harms = systematic::every_harm(&live(&plan));
    let mut dice = Dice::new(1);
    let mut watch = Watch::new("pairs of harms");
    let pairs = if Soak::from_environment().is_long() { harms.len() * 20 } else { PAIRS };
    for _ in 0..pairs {
        let mut plan = plan.clone();
        plan.harms = vec![dice.pick(&harms).clone(), dice.pick(&harms).clone()];
        explore(&plan, &mut watch.figures);
        watch.say();
    }
    watch.end();
}

#[test]
fn random_plans_end_well() {
    Soak::from_environment().run();
}

#[test]
fn every_planted_bug_is_found() {
    let hunts = if Soak::from_environment().is_long() { HUNTS } else { 1 };
    let mut missed = Vec::new();
    let wanted = Soak::one_fault();
    let is_hunted = |one: &&Planted| wanted.as_ref().is_none_or(|fault| fault == one.fault);
    for planted in PLANTED.iter().filter(is_hunted) {
        let found: Vec<Option<u64>> = (0..hunts).map(|hunt| planted.hunt(hunt * 10_000)).collect();
        let seeds: Vec<u64> = found.iter().copied().flatten().collect();
        eprintln!(
            "{} {:?}: {} seeds of {}",
            planted.fault,
            planted.bug,
            median(seeds),
            planted.seeds
        );
        if found.contains(&None) {
            missed.push(format!("{} {:?}", planted.fault, planted.bug));
        }
    }
    assert!(missed.is_empty(), "not found within their seeds: {missed:?}");
}
