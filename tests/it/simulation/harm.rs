//! What a plan does to calls and deliveries.

use local::fault::{DeliveryFault, Fault, FaultPlan, Faults};
use serde::{Deserialize, Serialize};

use super::dice::Dice;
use super::world::listener;

/// One harm at one place.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Harm {
    /// At the n-th AWS call of the run.
    Call(u64, Fault),
    /// At the n-th AWS call of one function.
    CallOf(String, u64, Fault),
    /// At the n-th delivery of the run.
    Delivery(u64, DeliveryFault),
    /// At the n-th delivery to one function.
    DeliveryOf(String, u64, DeliveryFault),
}

/// Where harms of a plan gather: what can go wrong at one stage needs several there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Anywhere.
    Everywhere,
    /// Between commit and topics.
    Publication,
    /// Between queue and effect.
    Listening,
    /// Timers, collected events, what is put off.
    Time,
}

const PUBLISHING: [&str; 5] = [
    "world.advance_swap",
    "world.advance_swap",
    "world.advance_settings",
    "platform.relay_stream",
    "platform.relay_sweep",
];
const LISTENING: [&str; 9] = [
    listener::COUNT,
    listener::HAND_OFF,
    listener::FOLLOW,
    listener::FOLLOW_SKIPPING,
    listener::ENDS,
    listener::CARRY,
    listener::PATIENT,
    listener::MIRROR,
    listener::PROMPT,
];
const TIME: [&str; 5] = [
    "platform.on_due",
    "platform.on_due",
    "platform.on_scheduled_event",
    "world.plan_timer",
    listener::DIGEST,
];

impl Stage {
    /// The stage of a plan.
    pub fn any(dice: &mut Dice) -> Self {
        match dice.below(6) {
            0 | 1 => Self::Everywhere,
            2 | 3 => Self::Publication,
            4 => Self::Listening,
            _ => Self::Time,
        }
    }

    fn function(self, dice: &mut Dice) -> String {
        let stage = match self {
            Self::Everywhere => match dice.below(5) {
                0 | 1 => Self::Publication,
                2 | 3 => Self::Listening,
                _ => Self::Time,
            },
            other => other,
        };
        let function = match stage {
            Self::Publication | Self::Everywhere => dice.pick(&PUBLISHING),
            Self::Listening => dice.pick(&LISTENING),
            Self::Time => dice.pick(&TIME),
        };
        (*function).to_owned()
    }

    /// Which of a function's calls: where most of them begin, or end, their work.
    fn nth(self, dice: &mut Dice) -> u64 {
        match self {
            Self::Publication => dice.between(2, 9),
            Self::Listening => dice.between(1, 5),
            Self::Time => dice.between(1, 22),
            Self::Everywhere => dice.between(1, 14),
        }
    }
}

impl Harm {
    /// Any harm at this stage.
    pub fn any(stage: Stage, dice: &mut Dice) -> Self {
        let function = stage.function(dice);
        match dice.below(10) {
            0 if stage == Stage::Everywhere => Self::Call(dice.between(1, 250), of_call(dice)),
            1 if stage == Stage::Everywhere => {
                Self::Delivery(dice.between(1, 60), of_delivery(dice))
            }
            2 | 3 if stage != Stage::Publication => {
                Self::DeliveryOf(function, dice.between(1, 4), of_delivery(dice))
            }
            4 if stage == Stage::Publication => {
                let stream = "platform.relay_stream".to_owned();
                Self::DeliveryOf(stream, dice.between(1, 3), of_delivery(dice))
            }
            5 | 6 if stage == Stage::Publication => {
                // The calls by which functions most often publish.
                let nth = *dice.pick(&[3, 5, 5, 6, 8]);
                Self::CallOf(function, nth, Fault::EntryRefused(dice.below(3)))
            }
            _ => Self::CallOf(function, stage.nth(dice), of_call(dice)),
        }
    }

    pub fn inject(&self, faults: &Faults) {
        match self.clone() {
            Self::Call(n, harm) => faults.inject(FaultPlan::Nth { n, fault: harm }),
            Self::CallOf(function, n, harm) => {
                faults.inject(FaultPlan::NthOf { function, n, fault: harm });
            }
            Self::Delivery(n, harm) => {
                faults.inject_delivery(FaultPlan::Nth { n, fault: harm });
            }
            Self::DeliveryOf(function, n, harm) => {
                faults.inject_delivery(FaultPlan::NthOf { function, n, fault: harm });
            }
        }
    }
}

fn of_call(dice: &mut Dice) -> Fault {
    match dice.below(12) {
        0 => Fault::ErrorBefore,
        1 | 2 => Fault::ReplyLost,
        3 => Fault::Throttle,
        4 => Fault::Conflict,
        5 => Fault::CrashBefore,
        6 | 7 => Fault::CrashAfter,
        // From what lets another writer in between to what outlives a timeout.
        8 => Fault::Delay([5, 80, 600, 3_000, 7_000][dice.below(5) as usize]),
        9 => Fault::Duplicate,
        10 => Fault::EntryRefused(dice.below(3)),
        _ => Fault::StaleIndex,
    }
}

fn of_delivery(dice: &mut Dice) -> DeliveryFault {
    match dice.below(5) {
        0 => DeliveryFault::Twice,
        1 => DeliveryFault::Late([200, 9_000, 200_000][dice.below(3) as usize]),
        2 => DeliveryFault::Lost,
        3 => DeliveryFault::Reordered,
        _ => DeliveryFault::EarlyVisibility,
    }
}
