//! What was asked of timers, and which of them were seen called off: those must not ring any more.

use std::collections::BTreeMap;

use kernel::TenantId;
use store::schedule::{Ending, ScheduledEvent};

use super::world::TimerOrder;

/// Whose timer, and which.
pub type Name = (TenantId, u8);

/// What is known of one timer from outside.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    /// Requests to plan it, answered or not.
    pub planned: u64,
    /// How many of them ring once.
    pub once: u64,
    /// Requests to plan it that have no answer yet.
    open: u64,
    /// How often it had rung when it was seen called off, with nothing planned meanwhile.
    pub silent_after: Option<u64>,
}

/// Everything known of timers.
#[derive(Clone, Debug, Default)]
pub struct Watch(pub BTreeMap<Name, Known>);

impl Watch {
    /// Somebody begins to ask.
    pub fn asked(&mut self, name: Name, order: TimerOrder) {
        let known = self.0.entry(name).or_default();
        if order != TimerOrder::Cancel {
            known.planned += 1;
            known.open += 1;
            known.once += u64::from(order != TimerOrder::Hourly);
            known.silent_after = None;
        }
    }

    /// Somebody was answered, and this is how timers stand.
    pub fn told(&mut self, name: Name, order: TimerOrder, done: bool, timers: &[ScheduledEvent]) {
        let known = self.0.entry(name).or_default();
        if order != TimerOrder::Cancel {
            // Where nobody knows whether it was planned, it may be at any time.
            known.open -= u64::from(done);
            return;
        }
        let timer = timers.iter().find(|timer| is(timer, name));
        let off = timer.filter(|timer| timer.ended == Some(Ending::Cancelled));
        if let Some(timer) = off.filter(|_| known.open == 0) {
            known.silent_after = Some(timer.fired);
        }
    }
}

/// Whether this is the timer of that name.
pub fn is(timer: &ScheduledEvent, (tenant, number): Name) -> bool {
    timer.tenant_id == tenant && timer.name == format!("t{number}")
}
