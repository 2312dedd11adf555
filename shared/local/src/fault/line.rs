//! The plans for one kind of fault, the count they go by, and what came of them.

use std::collections::HashMap;

use super::{FaultPlan, Fired, SplitMix};

/// Plans and history of one kind of fault.
#[derive(Debug)]
pub(super) struct Line<F> {
    pub plans: Vec<Armed<F>>,
    pub count: u64,
    by_function: HashMap<String, u64>,
    pub fired: Vec<Fired<F>>,
}

#[derive(Debug)]
pub(super) struct Armed<F> {
    plan: FaultPlan<F>,
    random: SplitMix,
}

impl<F> Default for Line<F> {
    fn default() -> Self {
        Self { plans: Vec::new(), count: 0, by_function: HashMap::new(), fired: Vec::new() }
    }
}

impl<F: Copy> Line<F> {
    pub fn add(&mut self, plan: FaultPlan<F>) {
        let seed = match &plan {
            FaultPlan::Random { seed, .. } => *seed,
            FaultPlan::Nth { .. } | FaultPlan::NthOf { .. } | FaultPlan::At(_) => 0,
        };
        self.plans.push(Armed { plan, random: SplitMix::new(seed) });
    }

    /// Counts and says what shall happen.
    pub fn next(&mut self, function: &str) -> Option<F> {
        self.count += 1;
        let own = self.by_function.entry(function.to_owned()).or_default();
        *own += 1;
        // Every random plan draws at every call, so that one plan does not shift another's dice.
        let (count, own) = (self.count, *own);
        let hits = self.plans.iter_mut().map(|armed| armed.hit(count, function, own));
        let hits: Vec<_> = hits.collect();
        let fault = hits.into_iter().flatten().next();
        let function = function.to_owned();
        self.fired.extend(fault.map(|fault| Fired { call: count, function, fault }));
        fault
    }
}

impl<F: Copy> Armed<F> {
    fn hit(&mut self, call: u64, function: &str, own: u64) -> Option<F> {
        match &self.plan {
            FaultPlan::Nth { n, fault } => (call == *n).then_some(*fault),
            FaultPlan::NthOf { function: wanted, n, fault } => {
                (function == wanted && own == *n).then_some(*fault)
            }
            FaultPlan::At(entries) => {
                entries.iter().find(|(n, _)| *n == call).map(|(_, fault)| *fault)
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
