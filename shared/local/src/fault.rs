//! Faults on AWS calls and deliveries: what can go wrong, when it shall, and what did.
//! Deterministic for one seed, and what happened once can be made to happen again.

mod line;
mod random;
mod schedule;

#[cfg(test)]
mod tests;

pub(crate) use random::SplitMix;
pub use schedule::Schedule;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use line::Line;

/// One way for an AWS call to go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The service answers 500 and does nothing.
    ErrorBefore,
    /// The service does it, then the connection breaks.
    ReplyLost,
    /// The service refuses for too many requests and does nothing.
    Throttle,
    /// DynamoDB refuses a write or transaction for a conflicting one. Other calls pass unharmed.
    Conflict,
    /// The function dies before the call reaches the service.
    CrashBefore,
    /// The service does it, then the function dies.
    CrashAfter,
    /// The call reaches the service this many milliseconds later.
    Delay(u64),
    /// A message sent or published by the call is delivered twice. Other calls pass unharmed, and
    /// so does a FIFO queue, which removes the duplicate.
    Duplicate,
    /// A query on an index does not see the last item of its page yet. Other calls pass unharmed.
    StaleIndex,
    /// One entry of a batch call to SQS or SNS is refused for the service's own fault and not done,
    /// the others are done; of a DynamoDB batch of several, one entry stays unprocessed: the one at
    /// this position, modulo the number of entries. Other calls pass unharmed.
    EntryRefused(u64),
}

impl Fault {
    /// Every kind, once; what takes a time takes 200 ms, and the first entry is refused.
    pub const ALL: [Self; 10] = [
        Self::ErrorBefore,
        Self::ReplyLost,
        Self::Throttle,
        Self::Conflict,
        Self::CrashBefore,
        Self::CrashAfter,
        Self::Delay(200),
        Self::Duplicate,
        Self::StaleIndex,
        Self::EntryRefused(0),
    ];
}

/// One way for the hand-over of a batch to a function to go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryFault {
    /// The batch is handed over, and then once more.
    Twice,
    /// The batch is handed over this many milliseconds later.
    Late(u64),
    /// The poll of a queue is throttled: receive counts rise, nobody sees the messages. On a stream
    /// the records are dropped as if their retries were used up.
    Lost,
    /// The messages of a queue become visible again while the function works on them. A stream has
    /// no visibility; nothing happens.
    EarlyVisibility,
    /// The first message of the batch is received later than its successors: it comes a second
    /// later, behind the rest of its batch and whatever is sent meanwhile, and the receive did not
    /// happen to it. FIFO queues and streams keep their order; nothing happens.
    Reordered,
}

impl DeliveryFault {
    /// Every kind, once; what takes a time takes 200 ms.
    pub const ALL: [Self; 5] =
        [Self::Twice, Self::Late(200), Self::Lost, Self::EarlyVisibility, Self::Reordered];
}

/// When a fault happens. Calls (and deliveries) count from 1; calls only within invocations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultPlan<F = Fault> {
    /// At the n-th call of the run.
    Nth {
        /// Which call.
        n: u64,
        /// What happens.
        fault: F,
    },
    /// At the n-th call made by one function, over all its invocations.
    NthOf {
        /// Function id.
        function: String,
        /// Which of its calls.
        n: u64,
        /// What happens.
        fault: F,
    },
    /// At exactly these calls; the first entry for a call counts. What happened in another run, for
    /// example ([`Faults::schedule`]).
    At(Vec<(u64, F)>),
    /// At random, the same for the same seed and order of calls.
    Random {
        /// The seed.
        seed: u64,
        /// How many calls in a thousand.
        per_mille: u16,
        /// What may happen, equally likely.
        faults: Vec<F>,
    },
}

/// A fault that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired<F = Fault> {
    /// Number of the call in the run, from 1.
    pub call: u64,
    /// The function concerned.
    pub function: String,
    /// What happened.
    pub fault: F,
}

/// The faults of one cloud, on AWS calls and on deliveries. Clones share state.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    calls: Arc<Mutex<Line<Fault>>>,
    deliveries: Arc<Mutex<Line<DeliveryFault>>>,
}

impl Faults {
    /// Adds a plan for calls; where several apply to one call, the first added wins.
    pub fn inject(&self, plan: FaultPlan) {
        lock(&self.calls).add(plan);
    }

    /// Adds a plan for deliveries.
    pub fn inject_delivery(&self, plan: FaultPlan<DeliveryFault>) {
        lock(&self.deliveries).add(plan);
    }

    /// Every kind of fault at two calls and two deliveries in a hundred: `--chaos SEED`.
    pub fn chaos(&self, seed: u64) {
        let faults = Fault::ALL.to_vec();
        self.inject(FaultPlan::Random { seed, per_mille: 20, faults });
        let faults = DeliveryFault::ALL.to_vec();
        self.inject_delivery(FaultPlan::Random { seed: !seed, per_mille: 20, faults });
    }

    /// Removes every plan; counts and history stay. "Once faults stop …".
    pub fn stop(&self) {
        lock(&self.calls).plans.clear();
        lock(&self.deliveries).plans.clear();
    }

    /// Forgets plans, counts and history: the next call is the first of a new run.
    pub fn reset(&self) {
        *lock(&self.calls) = Line::default();
        *lock(&self.deliveries) = Line::default();
    }

    /// Calls counted in this run.
    pub fn calls(&self) -> u64 {
        lock(&self.calls).count
    }

    /// Deliveries counted in this run.
    pub fn deliveries(&self) -> u64 {
        lock(&self.deliveries).count
    }

    /// Faults of calls so far, in order.
    pub fn fired(&self) -> Vec<Fired> {
        lock(&self.calls).fired.clone()
    }

    /// Faults of deliveries so far, in order.
    pub fn fired_deliveries(&self) -> Vec<Fired<DeliveryFault>> {
        lock(&self.deliveries).fired.clone()
    }

    /// What happened so far, to make it happen again in another run of the same program: there,
    /// calls and deliveries count from 1 again.
    pub fn schedule(&self) -> Schedule {
        Schedule {
            calls: lock(&self.calls).fired.iter().map(|f| (f.call, f.fault)).collect(),
            deliveries: lock(&self.deliveries).fired.iter().map(|f| (f.call, f.fault)).collect(),
        }
    }

    /// Adds the plans that make exactly this happen.
    pub fn replay(&self, schedule: &Schedule) {
        self.inject(FaultPlan::At(schedule.calls.clone()));
        self.inject_delivery(FaultPlan::At(schedule.deliveries.clone()));
    }

    /// Counts a call of `function` and says what shall happen to it.
    pub(crate) fn next(&self, function: &str) -> Option<Fault> {
        lock(&self.calls).next(function)
    }

    /// Counts a delivery to `function` and says what shall happen to it.
    pub(crate) fn next_delivery(&self, function: &str) -> Option<DeliveryFault> {
        lock(&self.deliveries).next(function)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
