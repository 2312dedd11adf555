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

/// Functions of the backbone and the world, those where most can break first.
const FUNCTIONS: [&str; 16] = [
    "world.advance_swap",
    "world.advance_settings",
    "platform.relay_stream",
    "platform.relay_sweep",
    listener::COUNT,
    listener::HAND_OFF,
    listener::FOLLOW,
    listener::FOLLOW_SKIPPING,
    listener::ENDS,
    listener::CARRY,
    listener::PATIENT,
    listener::MIRROR,
    listener::DIGEST,
    "platform.on_due",
    "platform.on_scheduled_event",
    "world.plan_timer",
];

impl Harm {
    /// Any harm at any place.
    pub fn any(dice: &mut Dice) -> Self {
        let function = (*dice.pick(&FUNCTIONS)).to_owned();
        match dice.below(8) {
            0 | 1 => Self::Call(dice.between(1, 200), of_call(dice)),
            2..=5 => Self::CallOf(function, dice.between(1, 12), of_call(dice)),
            6 => Self::Delivery(dice.between(1, 40), of_delivery(dice)),
            _ => Self::DeliveryOf(function, dice.between(1, 4), of_delivery(dice)),
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
        8 => Fault::Delay([5, 80, 600, 7_000, 40_000][dice.below(5) as usize]),
        9 => Fault::Duplicate,
        10 => Fault::EntryRefused,
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
