//! What a plan does to calls and deliveries.

use local::fault::{DeliveryFault, Fault, FaultPlan, Faults};
use serde::{Deserialize, Serialize};

use super::dice::Dice;
use super::world::listener;

/// One harm at one place.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Harm {
    /// At the n-th AWS call of the run.
    Call(u64, OfCall),
    /// At the n-th AWS call of one function.
    CallOf(String, u64, OfCall),
    /// At the n-th delivery of the run.
    Delivery(u64, OfDelivery),
    /// At the n-th delivery to one function.
    DeliveryOf(String, u64, OfDelivery),
}

/// The alphabet of [`Fault`], to be written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub enum OfCall {
    ErrorBefore,
    ReplyLost,
    Throttle,
    Conflict,
    CrashBefore,
    CrashAfter,
    Delay(u64),
    Duplicate,
    StaleIndex,
}

/// The alphabet of [`DeliveryFault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub enum OfDelivery {
    Twice,
    Late(u64),
    Lost,
    EarlyVisibility,
}

impl OfCall {
    /// Every kind, once.
    pub const ALL: [Self; 9] = [
        Self::ErrorBefore,
        Self::ReplyLost,
        Self::Throttle,
        Self::Conflict,
        Self::CrashBefore,
        Self::CrashAfter,
        Self::Delay(7_000),
        Self::Duplicate,
        Self::StaleIndex,
    ];

    fn fault(self) -> Fault {
        match self {
            Self::ErrorBefore => Fault::ErrorBefore,
            Self::ReplyLost => Fault::ReplyLost,
            Self::Throttle => Fault::Throttle,
            Self::Conflict => Fault::Conflict,
            Self::CrashBefore => Fault::CrashBefore,
            Self::CrashAfter => Fault::CrashAfter,
            Self::Delay(span_ms) => Fault::Delay(span_ms),
            Self::Duplicate => Fault::Duplicate,
            Self::StaleIndex => Fault::StaleIndex,
        }
    }
}

impl OfDelivery {
    /// Every kind, once.
    pub const ALL: [Self; 4] = [Self::Twice, Self::Late(9_000), Self::Lost, Self::EarlyVisibility];

    fn fault(self) -> DeliveryFault {
        match self {
            Self::Twice => DeliveryFault::Twice,
            Self::Late(span_ms) => DeliveryFault::Late(span_ms),
            Self::Lost => DeliveryFault::Lost,
            Self::EarlyVisibility => DeliveryFault::EarlyVisibility,
        }
    }
}

/// Functions of the backbone and the world, those where most can break first.
const FUNCTIONS: [&str; 12] = [
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
            Self::Call(n, harm) => faults.inject(FaultPlan::Nth { n, fault: harm.fault() }),
            Self::CallOf(function, n, harm) => {
                faults.inject(FaultPlan::NthOf { function, n, fault: harm.fault() });
            }
            Self::Delivery(n, harm) => {
                faults.inject_delivery(FaultPlan::Nth { n, fault: harm.fault() });
            }
            Self::DeliveryOf(function, n, harm) => {
                faults.inject_delivery(FaultPlan::NthOf { function, n, fault: harm.fault() });
            }
        }
    }
}

fn of_call(dice: &mut Dice) -> OfCall {
    match dice.below(11) {
        0 => OfCall::ErrorBefore,
        1 | 2 => OfCall::ReplyLost,
        3 => OfCall::Throttle,
        4 => OfCall::Conflict,
        5 => OfCall::CrashBefore,
        6 | 7 => OfCall::CrashAfter,
        // From what lets another writer in between to what outlives a timeout.
        8 => OfCall::Delay([5, 80, 600, 7_000, 40_000][dice.below(5) as usize]),
        9 => OfCall::Duplicate,
        _ => OfCall::StaleIndex,
    }
}

fn of_delivery(dice: &mut Dice) -> OfDelivery {
    match dice.below(4) {
        0 => OfDelivery::Twice,
        1 => OfDelivery::Late([200, 9_000, 200_000][dice.below(3) as usize]),
        2 => OfDelivery::Lost,
        _ => OfDelivery::EarlyVisibility,
    }
}
