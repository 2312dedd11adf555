//! The words a module table describes a listener with.

use interface::{Ordering, Priority};

use super::listening::{Debounce, Exhausted, Listening};
use super::row::Row;

/// Words for listeners; on any other row they change nothing.
impl Row {
    fn hearing(mut self, set: impl FnOnce(&mut Listening)) -> Self {
        if let Some(listening) = self.listening_mut() {
            set(listening);
        }
        self
    }

    /// Tries a failing event this often, waiting `backoff_s` between.
    pub fn tries<const N: usize>(self, tries: u32, backoff_s: [u32; N]) -> Self {
        self.hearing(|one| (one.tries, one.backoff_s) = (tries, backoff_s.to_vec()))
    }

    /// Understands these majors of its events.
    pub fn accepts<const N: usize>(self, majors: [u16; N]) -> Self {
        self.hearing(|one| one.accepts = majors.to_vec())
    }

    /// Hears urgent events in a lane of its own.
    pub fn urgent(self) -> Self {
        self.hearing(|one| one.priority = Priority::High)
    }

    /// Lets other listeners go first: five invocations at once at most.
    pub fn patient(self) -> Self {
        self.hearing(|one| one.priority = Priority::Low)
    }

    /// Hears only messages of these facets.
    pub fn facets<const N: usize>(self, facets: [&'static str; N]) -> Self {
        self.hearing(|one| one.facets = facets.to_vec())
    }

    /// Takes at most so many messages per invocation; where events are collected, so many per run (500
    /// at most).
    pub fn batch(mut self, messages: u32) -> Self {
        if let Some(collecting) = &mut self.collects {
            collecting.batch = messages;
        }
        self.hearing(|one| one.batch = messages)
    }

    /// Gets every message so many seconds late.
    pub fn delayed(self, delay_s: u32) -> Self {
        self.hearing(|one| one.delay_s = delay_s)
    }

    /// Claims the event before the handler runs: for effects outside DynamoDB.
    pub fn claims(self) -> Self {
        self.hearing(|one| one.claims = true)
    }

    /// Hears the events of an aggregate in their sequence; one it gives up blocks the aggregate.
    pub fn ordered(self) -> Self {
        self.hearing(|one| {
            (one.ordering, one.on_exhausted) = (Ordering::Aggregate, Exhausted::Block);
        })
    }

    /// Does this with an event it gives up.
    pub fn on_exhausted(self, fate: Exhausted) -> Self {
        self.hearing(|one| one.on_exhausted = fate)
    }

    /// Handles one event of a subject and type in so many seconds, and passes over its repeats.
    pub fn unique_for(self, span_s: u32) -> Self {
        self.hearing(|one| one.unique_for_s = Some(span_s))
    }

    /// Handles only the last event of a subject and type, once `wait_s` have passed without another, at
    /// the latest `max_s` after the first.
    pub fn debounced(self, wait_s: u32, max_s: u32) -> Self {
        self.hearing(|one| one.debounce = Some(Debounce { wait_s, max_s }))
    }

    /// Passes over events older than this.
    pub fn expires_after(self, span_s: u32) -> Self {
        self.hearing(|one| one.expire_after_s = Some(span_s))
    }

    /// Is run by the committing function of the same module right after the commit, for so many
    /// milliseconds; the queued copy then finds it done.
    pub fn inline(self, span_ms: u32) -> Self {
        self.hearing(|one| one.inline_ms = Some(span_ms))
    }

    /// Was not there before this day (`2026-11-28`): older events leave no gap.
    pub fn since(self, day: &'static str) -> Self {
        self.hearing(|one| one.since = Some(day))
    }

    /// Plans for items as slow as this.
    pub fn item_budget(self, span_ms: u32) -> Self {
        self.hearing(|one| one.item_budget_ms = span_ms)
    }

    /// Profile `Q8`: urgent, eight tries over about two hours.
    pub fn insistent(self) -> Self {
        self.urgent().tries(8, [5, 15, 60, 300, 900, 1_800, 3_600])
    }

    /// Profile `S5`: inline for three seconds, so that a caller reads its own write.
    pub fn read_your_writes(self) -> Self {
        self.inline(3_000)
    }
}
