//! Faults on AWS calls: what can go wrong, when it shall, and what did. Deterministic for one seed.

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
}

/// When a fault happens. Calls count from 1 and only within invocations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultPlan {
    /// At the n-th call of the run.
    NthCall {
        /// Which call.
        n: u64,
        /// What happens.
        fault: Fault,
    },
    /// At the n-th call made by one function, over all its invocations.
    NthCallOf {
        /// Function id.
        function: String,
        /// Which of its calls.
        n: u64,
        /// What happens.
        fault: Fault,
    },
    /// At random, the same for the same seed and order of calls.
    Random {
        /// The seed.
        seed: u64,
        /// How many calls in a thousand.
        per_mille: u16,
        /// What may happen, equally likely.
        faults: Vec<Fault>,
    },
}

impl FaultPlan {
    /// Every kind of fault at two calls in a hundred: `--chaos SEED`.
    pub fn chaos(seed: u64) -> Self {
        let faults = vec![
            Fault::ErrorBefore,
            Fault::ReplyLost,
            Fault::Throttle,
            Fault::Conflict,
            Fault::CrashBefore,
            Fault::CrashAfter,
            Fault::Delay(200),
            Fault::Duplicate,
        ];
        Self::Random { seed, per_mille: 20, faults }
    }
}

/// A fault that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    /// Number of the call in the run, from 1.
    pub call: u64,
    /// The function that made it.
    pub function: String,
    /// What happened.
    pub fault: Fault,
}

/// The faults of one cloud. Clones share state.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    plans: Vec<Armed>,
    calls: u64,
    by_function: HashMap<String, u64>,
    fired: Vec<Fired>,
}

#[derive(Debug)]
struct Armed {
    plan: FaultPlan,
    random: SplitMix,
}

impl Faults {
    /// Adds a plan; where several apply to one call, the first added wins.
    pub fn inject(&self, plan: FaultPlan) {
        let seed = match &plan {
            FaultPlan::Random { seed, .. } => *seed,
            FaultPlan::NthCall { .. } | FaultPlan::NthCallOf { .. } => 0,
        };
        self.state().plans.push(Armed { plan, random: SplitMix::new(seed) });
    }

    /// Removes every plan; counts and history stay. "Once faults stop …".
    pub fn stop(&self) {
        self.state().plans.clear();
    }

    /// Forgets plans, counts and history: the next call is the first of a new run.
    pub fn reset(&self) {
        *self.state() = State::default();
    }

    /// Calls counted in this run.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// What happened so far, in order.
    pub fn fired(&self) -> Vec<Fired> {
        self.state().fired.clone()
    }

    /// Counts a call of `function` and says what shall happen to it.
    pub(crate) fn next(&self, function: &str) -> Option<Fault> {
        let mut state = self.state();
        let State { plans, calls, by_function, fired } = &mut *state;
        *calls += 1;
        let own = by_function.entry(function.to_owned()).or_default();
        *own += 1;
        // Every random plan draws at every call, so that one plan does not shift another's dice.
        let hits: Vec<_> =
            plans.iter_mut().map(|armed| armed.hit(*calls, function, *own)).collect();
        let fault = hits.into_iter().flatten().next()?;
        fired.push(Fired { call: *calls, function: function.to_owned(), fault });
        Some(fault)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Armed {
    fn hit(&mut self, call: u64, function: &str, own: u64) -> Option<Fault> {
        match &self.plan {
            FaultPlan::NthCall { n, fault } => (call == *n).then_some(*fault),
            FaultPlan::NthCallOf { function: wanted, n, fault } => {
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
        faults.inject(FaultPlan::NthCall { n: 2, fault: Fault::Throttle });
        faults.inject(FaultPlan::NthCallOf {
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
            faults.inject(FaultPlan::chaos(seed));
            (0..2_000).map(|_| faults.next("f")).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        let share = run(7).iter().flatten().count();
        assert!((10..=90).contains(&share), "{share} of 2000");
    }
}
