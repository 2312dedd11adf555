//! What happens in one run: requests, time, doorbells, fates and harms. Everything is derived from a
//! seed and then explicit, so that a failing plan can be made smaller and be written down.

use contracts::platform::Only;
use serde::{Deserialize, Serialize};

use super::dice::Dice;
use super::harm::{Harm, Stage};
use super::world::outside::{Fate, How};
use super::world::{Advance, TimerOrder, listener};

/// One run.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Plan {
    /// The chance of the functions, and where the plan came from.
    pub seed: u64,
    pub steps: Vec<Step>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fates: Vec<Fate>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub harms: Vec<Harm>,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub enum Step {
    /// Clients ask at the same moment, each as often as a real one would; nobody waits for them.
    Ask(Vec<Ask>),
    /// So many milliseconds pass.
    Pass(u64),
    /// Whatever can happen now has happened.
    Settle,
    /// The schedules run, beside everything else.
    Tick,
    /// The clock jumps by so many milliseconds; what runs meanwhile has seen no time pass.
    Jump(u64),
    /// An operator has a listener given again what a tenant's events of the last hour were.
    Range { tenant: u8, listener: String, only: Only },
    /// What is due is swept once more, whatever the schedule says.
    Sweep,
    /// Something is asked of a timer; nobody waits.
    Time { tenant: u8, timer: u8, order: TimerOrder, key: u32 },
    /// The stream's doorbell is switched on or off.
    Stream(bool),
    /// An operator has one of the events published so far, counted from the oldest, sent again: to
    /// everybody, or to one listener, which may have to handle it anew.
    Replay { which: u64, listener: Option<String>, force: bool },
}

/// One request: whom it is about, and the key its repeats carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Ask {
    /// An ordered entity, or an unordered one.
    pub ordered: bool,
    pub tenant: u8,
    pub number: u8,
    pub events: u8,
    /// The `Idempotency-Key`.
    pub key: u32,
}

impl Ask {
    pub fn body(&self) -> Advance {
        Advance { tenant: self.tenant, number: self.number, events: self.events }
    }

    pub fn path(&self) -> &'static str {
        if self.ordered { "/v1/world/swaps" } else { "/v1/world/settings" }
    }
}

/// Listeners a fate can be of.
const LISTENERS: [&str; 13] = [
    listener::COUNT,
    listener::HAND_OFF,
    listener::PATIENT,
    listener::MIRROR,
    listener::FOLLOW,
    listener::FOLLOW_SKIPPING,
    listener::ENDS,
    listener::CARRY,
    listener::PROMPT,
    listener::ONCE,
    listener::FRESH,
    listener::LAST,
    listener::BELL,
];

impl Plan {
    /// A plan without harm: one request after another.
    pub fn calm(seed: u64, asks: Vec<Ask>) -> Self {
        let steps = asks.into_iter().flat_map(|ask| [Step::Ask(vec![ask]), Step::Settle]);
        Self { seed, steps: steps.collect(), fates: Vec::new(), harms: Vec::new() }
    }

    /// The plan of a seed.
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let mut steps = Vec::new();
        let mut key = 0;
        if dice.one_in(4) {
            steps.push(Step::Stream(false));
        }
        for _ in 0..dice.between(2, 5) {
            steps.push(Step::Ask(asks(&mut dice, &mut key)));
            steps.push(pause(&mut dice));
            if dice.one_in(3) {
                steps.push(Step::Tick);
            }
            if dice.one_in(6) {
                steps.push(replay(&mut dice));
            }
            if dice.one_in(3) {
                steps.extend(timer(&mut dice, &mut key));
            }
            if dice.one_in(8) {
                steps.push(range(&mut dice));
            }
        }
        let fates = (0..dice.below(4)).map(|_| fate(&mut dice)).collect();
        let stage = Stage::any(&mut dice);
        let harms = (0..dice.below(8)).map(|_| Harm::any(stage, &mut dice)).collect();
        Self { seed, steps, fates, harms }
    }
}

fn asks(dice: &mut Dice, key: &mut u32) -> Vec<Ask> {
    let (ordered, tenant) = (!dice.one_in(3), u8::from(dice.one_in(3)));
    let number = dice.below(2) as u8;
    let mut one = |dice: &mut Dice| {
        *key += 1;
        // Mostly the same entity: what can go wrong between two writers of one does so here.
        let strays = dice.one_in(4);
        Ask {
            ordered: ordered != strays,
            tenant: if strays { 1 - tenant } else { tenant },
            number,
            events: dice.between(1, 3) as u8,
            key: *key,
        }
    };
    (0..dice.between(1, 3)).map(|_| one(dice)).collect()
}

fn pause(dice: &mut Dice) -> Step {
    match dice.below(6) {
        0 | 1 => Step::Pass(dice.below(400)),
        2 => Step::Settle,
        3 => Step::Pass(dice.between(400, 6_000)),
        4 => Step::Pass(dice.between(6_000, 60_000)),
        _ => Step::Pass(dice.between(30_000, 90_000)),
    }
}

/// A timer is planned, and what becomes of it: it is called off, or planned anew, about when it rings.
pub fn timer(dice: &mut Dice, key: &mut u32) -> Vec<Step> {
    let (tenant, timer) = (dice.below(2) as u8, dice.below(2) as u8);
    let seconds = [30, 60, 90][dice.below(3) as usize];
    let mut order = |order: TimerOrder| {
        *key += 1;
        Step::Time { tenant, timer, order, key: *key }
    };
    let first = match dice.below(5) {
        0 | 1 => order(TimerOrder::At(seconds)),
        2 => order(TimerOrder::Instead(seconds)),
        3 => order(TimerOrder::Quiet(seconds)),
        _ => order(TimerOrder::Hourly),
    };
    let mut steps = vec![first, Step::Pass(u64::from(seconds) * 1_000 + dice.below(60_000))];
    if dice.one_in(2) {
        steps.push(Step::Tick);
    }
    match dice.below(4) {
        0 | 1 => steps.push(order(TimerOrder::Cancel)),
        2 => steps.push(order(TimerOrder::At(30))),
        _ => {}
    }
    steps.push(Step::Tick);
    steps
}

fn range(dice: &mut Dice) -> Step {
    let only = [Only::All, Only::Failed, Only::Missing][dice.below(3) as usize];
    let listener = (*dice.pick(&LISTENERS)).to_owned();
    Step::Range { tenant: dice.below(2) as u8, listener, only }
}

fn replay(dice: &mut Dice) -> Step {
    let listener = dice.one_in(2).then(|| (*dice.pick(&LISTENERS)).to_owned());
    Step::Replay { which: dice.below(8), force: listener.is_some() && dice.one_in(2), listener }
}

fn fate(dice: &mut Dice) -> Fate {
    let how = match dice.below(9) {
        0 | 1 => How::Fails(dice.between(1, 4) as u32),
        2 => How::Waits(dice.between(1, 3) as u32),
        3..=5 => How::Poison,
        6 => How::Hopeless,
        7 => How::Idle,
        _ => How::Slow(dice.between(50, 3_000)),
    };
    Fate {
        listener: Some((*dice.pick(&LISTENERS)).to_owned()),
        number: dice.one_in(2).then(|| dice.below(2) as u8),
        // The first events are those every plan has.
        step: (!dice.one_in(4)).then(|| dice.between(1, 5)),
        how,
    }
}
