//! Faults on AWS calls and deliveries: what can go wrong, when it shall, and what did. Deterministic for one seed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One way for an AWS call to go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
}

/// One way for the hand-over of a batch to a function to go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
        let faults = vec![
            Fault::ErrorBefore,
            Fault::ReplyLost,
            Fault::Throttle,
            Fault::Conflict,
            Fault::CrashBefore,
            Fault::CrashAfter,
            Fault::Delay(200),
            Fault::Duplicate,
            Fault::StaleIndex,
        ];
        self.inject(FaultPlan::Random { seed, per_mille: 20, faults });
        let faults = vec![
            DeliveryFault::Twice,
            DeliveryFault::Late(200),
            DeliveryFault::Lost,
            DeliveryFault::EarlyVisibility,
        ];
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

    /// Counts a call of `function` and says what shall happen to it.
    pub(crate) fn next(&self, function: &str) -> Option<Fault> {
        lock(&self.calls).next(function)
    }

    /// Counts a delivery to `function` and says what shall happen to it.
    pub(crate) fn next_delivery(&self, function: &str) -> Option<DeliveryFault> {
        lock(&self.deliveries).next(function)
    }
}

/// Plans and history of one kind of fault.
#[derive(Debug)]
struct Line<F> {
    plans: Vec<Armed<F>>,
    count: u64,
    by_function: HashMap<String, u64>,
    fired: Vec<Fired<F>>,
}

#[derive(Debug)]
struct Armed<F> {
    plan: FaultPlan<F>,
    random: SplitMix,
}

impl<F> Default for Line<F> {
    fn default() -> Self {
        Self { plans: Vec::new(), count: 0, by_function: HashMap::new(), fired: Vec::new() }
    }
}

impl<F: Copy> Line<F> {
    fn add(&mut self, plan: FaultPlan<F>) {
        let seed = match &plan {
            FaultPlan::Random { seed, .. } => *seed,
            FaultPlan::Nth { .. } | FaultPlan::NthOf { .. } => 0,
        };
        self.plans.push(Armed { plan, random: SplitMix::new(seed) });
    }

    fn next(&mut self, function: &str) -> Option<F> {
        self.count += 1;
        let own = self.by_function.entry(function.to_owned()).or_default();
        *own += 1;
        // Every random plan draws at every call, so that one plan does not shift another's dice.
        let (count, own) = (self.count, *own);
        let hits = self.plans.iter_mut().map(|armed| armed.hit(count, function, own));
        let hits: Vec<_> = hits.collect();
        let fault = hits.into_iter().flatten().next()?;
        self.fired.push(Fired { call: count, function: function.to_owned(), fault });
        Some(fault)
    }
}

impl<F: Copy> Armed<F> {
    fn hit(&mut self, call: u64, function: &str, own: u64) -> Option<F> {
        match &self.plan {
            FaultPlan::Nth { n, fault } => (call == *n).then_some(*fault),
            FaultPlan::NthOf { function: wanted, n, fault } => {
                (function == wanted && own == *n).then_some(*fault)
            }
            FaultPlan::Random { per_mille, faults, .. } => {
                let (dice, which) = (self.random.next(), self.random.next());
                let happens = dice % 1000 < u64::from(*per_mille);
                let count = u64::try_from(faults.len()).unwrap_or(u64::MAX).max(1);
                let which = usize::try_from(which % count).unwrap_or(0);
                faults.get(which).copied().filter(|_| happens)
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014): good
/// enough to scatter faults and name messages, never for anything secret.
#[derive(Clone, Debug)]
pub(crate) struct SplitMix {
    state: u64,
}

impl SplitMix {
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_fires_at_its_call_and_at_no_other() {
        let faults = Faults::default();
        faults.inject(FaultPlan::Nth { n: 2, fault: Fault::Throttle });
        faults.inject(FaultPlan::NthOf {
            function: "b".to_owned(),
            n: 2,
            fault: Fault::CrashAfter,
        });
        let happened: Vec<_> = ["a", "b", "a", "b", "b"].map(|f| faults.next(f)).to_vec();
        assert_eq!(happened, [None, Some(Fault::Throttle), None, Some(Fault::CrashAfter), None]);
        assert_eq!(faults.fired().iter().map(|f| f.call).collect::<Vec<_>>(), [2, 4]);
        faults.reset();
        assert_eq!((faults.calls(), faults.fired().len()), (0, 0));
    }

    #[test]
    fn one_seed_gives_one_run_and_another_seed_another() {
        let run = |seed| {
            let faults = Faults::default();
            faults.chaos(seed);
            (0..2_000).map(|_| faults.next("f")).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        let share = run(7).iter().flatten().count();
        assert!((10..=90).contains(&share), "{share} of 2000");
    }
}
