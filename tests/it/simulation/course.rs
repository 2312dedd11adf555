//! Courses of things that chance rarely brings about: plans made for one planted bug each.

use local::fault::{DeliveryFault, Fault};

use super::dice::Dice;
use super::drive::live;
use super::harm::Harm;
use super::plan::{Ask, Plan, Step, timer};
use super::world::{TimerOrder, listener};

/// How often a deadly publication kills its function: more often than a row has attempts.
const DEATHS: usize = 12;

/// A little longer than a queue hides a message that somebody received.
pub const HIDDEN_MS: u64 = 181_000;

fn ask(key: u32) -> Step {
    Step::Ask(vec![Ask { ordered: false, tenant: 0, number: 0, events: 1, key }])
}

/// Several steps of an ordered entity in one transaction.
fn advance(events: u8, key: u32) -> Step {
    Step::Ask(vec![Ask { ordered: true, tenant: 0, number: 0, events, key }])
}

fn plan(seed: u64, steps: Vec<Step>) -> Plan {
    Plan { seed, steps, fates: Vec::new(), harms: Vec::new() }
}

/// One call of a sweep of timers comes late.
fn late_sweep(dice: &mut Dice) -> Harm {
    Harm::CallOf("platform.on_due".to_owned(), dice.between(3, 20), Fault::Delay(2_000))
}

/// A sweep sleeps past its lease while another takes its place, and goes on.
pub fn stalled_sweep(seed: u64) -> Plan {
    let steps = vec![
        ask(1),
        Step::Settle,
        Step::Pass(301_000),
        Step::Tick,
        Step::Pass(50),
        Step::Jump(57_000),
        Step::Pass(1),
        Step::Sweep,
        Step::Pass(800),
        ask(2),
        Step::Pass(1_600),
        Step::Settle,
    ];
    Plan { harms: vec![late_sweep(&mut Dice::new(seed))], ..plan(seed, steps) }
}

/// A timer is called off between the sweep's look at it and its ring.
pub fn late_cancel(seed: u64) -> Plan {
    let time = |order, key| Step::Time { tenant: 0, timer: 0, order, key };
    let steps = vec![
        time(TimerOrder::At(30), 1),
        Step::Pass(61_000),
        Step::Tick,
        Step::Pass(500),
        time(TimerOrder::Cancel, 2),
        Step::Pass(500),
        Step::Settle,
    ];
    Plan { harms: vec![late_sweep(&mut Dice::new(seed))], ..plan(seed, steps) }
}

/// An aggregate's first events meet a topic that refuses some of them, and more follow before anybody
/// tries again.
pub fn refused_publications(seed: u64) -> Plan {
    let mut dice = Dice::new(seed);
    let steps = vec![
        Step::Stream(false),
        advance(3, 1),
        Step::Settle,
        advance(1, 2),
        Step::Settle,
        Step::Pass(31_000),
        Step::Tick,
    ];
    let plan = plan(seed, steps);
    let faults = [Fault::EntryRefused(dice.below(3)), Fault::ErrorBefore];
    harmed_once(plan, "world.advance_swap", "Publish", &faults, &mut dice)
}

/// A listener dies with its claim in its hands.
pub fn dead_holder(seed: u64) -> Plan {
    let nth = Dice::new(seed).between(1, 4);
    let dies = Harm::CallOf(listener::HAND_OFF.to_owned(), nth, Fault::CrashAfter);
    Plan { harms: vec![dies], ..plan(seed, vec![ask(1), Step::Settle]) }
}

/// The polls of a queue are throttled again and again.
pub fn throttled_polls(seed: u64) -> Plan {
    let polls = Dice::new(seed).between(3, 8);
    let lost = |nth| Harm::DeliveryOf(listener::COUNT.to_owned(), nth, DeliveryFault::Lost);
    let mut steps = vec![ask(1), Step::Settle];
    steps.extend((0..polls).map(|_| Step::Pass(HIDDEN_MS)));
    Plan { harms: (1..=polls).map(lost).collect(), ..plan(seed, steps) }
}

/// Nothing but timers, and something goes wrong where they fire.
pub fn broken_timers(seed: u64) -> Plan {
    let mut dice = Dice::new(seed);
    let mut key = 0;
    let steps = (0..2).flat_map(|_| timer(&mut dice, &mut key)).collect();
    let faults = [Fault::CrashAfter, Fault::ReplyLost];
    harmed_once(plan(seed, steps), "platform.on_due", "Transact", &faults, &mut dice)
}

/// Whoever publishes the event dies of it, again and again. Where the next one publishes is seen only
/// once the one before is dead, so the plan is lived while it is made.
pub fn deadly_publication(seed: u64) -> Plan {
    let mut steps = vec![Step::Stream(false), ask(1), Step::Pass(31_000)];
    steps.extend((0..DEATHS + 4).flat_map(|_| [Step::Tick, Step::Pass(61_000)]));
    let mut plan = plan(seed, steps);
    let doorbell = "world.advance_settings".to_owned();
    plan.harms.push(Harm::CallOf(doorbell, 3, Fault::ErrorBefore));
    for _ in 0..DEATHS {
        let Some(nth) = next_publication(&plan) else { break };
        plan.harms.push(Harm::CallOf(SWEEP.to_owned(), nth, Fault::CrashAfter));
    }
    plan
}

const SWEEP: &str = "platform.relay_sweep";

/// The number of the sweep's first call that publishes and is not harmed yet.
fn next_publication(plan: &Plan) -> Option<u64> {
    calls_of(plan, SWEEP, "Publish").into_iter().next()
}

/// The numbers of a function's calls of this operation, unharmed so far, in the life of this plan.
fn calls_of(plan: &Plan, function: &str, operation: &str) -> Vec<u64> {
    let life = live(plan);
    let calls = life.calls.iter().filter(|call| call.function == function);
    let wanted = (1..)
        .zip(calls)
        .filter(|(_, call)| call.operation.starts_with(operation) && call.fault.is_none());
    wanted.map(|(nth, _)| nth).collect()
}

/// The same, but one of a function's calls of this operation goes wrong in one of these ways.
fn harmed_once(
    mut plan: Plan,
    function: &str,
    operation: &str,
    faults: &[Fault],
    dice: &mut Dice,
) -> Plan {
    let calls = calls_of(&plan, function, operation);
    if !calls.is_empty() {
        plan.harms.push(Harm::CallOf(function.to_owned(), *dice.pick(&calls), *dice.pick(faults)));
    }
    plan
}
