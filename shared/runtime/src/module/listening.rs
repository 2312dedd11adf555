//! How a listener hears: one value per listener, read by the runtime, the local cloud and the generator.

use interface::{EventSpec, Ordering, Priority};

/// What becomes of an event that its listener gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhausted {
    /// Its aggregate waits: later events of it are parked until an operator decides.
    Block,
    /// The aggregate goes on without it.
    Skip,
    /// Nothing else is affected. For listeners that do not ask for order.
    Park,
}

impl Exhausted {
    /// The word in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Skip => "skip",
            Self::Park => "park",
        }
    }
}

/// Holds an event back until its key has been quiet for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Debounce {
    /// Seconds of quiet.
    pub wait_s: u32,
    /// Seconds after the first event at which it is handled anyhow.
    pub max_s: u32,
}

/// The settings of one listener.
#[derive(Clone, Debug)]
pub struct Listening {
    pub events: Vec<EventSpec>,
    /// Majors of those events it understands.
    pub accepts: Vec<u16>,
    /// Only messages of these facets (`notification.*` events name their channel).
    pub facets: Vec<&'static str>,
    /// Handler attempts, 1–20.
    pub tries: u32,
    /// Seconds to wait after the n-th failure; the last repeats.
    pub backoff_s: Vec<u32>,
    pub priority: Priority,
    /// Most invocations at once, where its priority does not say.
    pub concurrency: Option<u32>,
    /// Messages per invocation.
    pub batch: u32,
    /// Delay of every message, in seconds. Not for ordered listeners.
    pub delay_s: u32,
    /// Whether the inbox row is claimed before the handler runs (effects outside DynamoDB) or written
    /// in the transaction of the effect.
    pub claims: bool,
    /// Whether it hears the events of an aggregate in their sequence.
    pub ordering: Ordering,
    pub on_exhausted: Exhausted,
    /// Drops an event whose key was handled less than so many seconds ago.
    pub unique_for_s: Option<u32>,
    pub debounce: Option<Debounce>,
    /// Passes over events older than this.
    pub expire_after_s: Option<u32>,
    /// The committing function of the same module runs it after the commit, for so many milliseconds.
    pub inline_ms: Option<u32>,
    /// Gap checks ignore events from before this day (`2026-11-28`): the one after the listener was first
    /// deployed, because what came before its queue was there never reaches it. Ordered listeners say it.
    pub since: Option<&'static str>,
    /// The slowest item planned for: a batch stops when less than twice this is left.
    pub item_budget_ms: u32,
}

impl Listening {
    pub(crate) fn to(events: Vec<EventSpec>) -> Self {
        Self {
            events,
            accepts: vec![1],
            facets: Vec::new(),
            tries: 5,
            backoff_s: vec![30, 60, 120],
            priority: Priority::Normal,
            concurrency: None,
            batch: 10,
            delay_s: 0,
            claims: false,
            ordering: Ordering::None,
            on_exhausted: Exhausted::Park,
            unique_for_s: None,
            debounce: None,
            expire_after_s: None,
            inline_ms: None,
            since: None,
            item_budget_ms: 1_000,
        }
    }

    /// Seconds the queue hides a received message: six times the function's timeout.
    pub const fn visibility_s(timeout_s: u32) -> u32 {
        timeout_s * 6
    }

    /// Receives before the queue itself gives up: a crash backstop, never the retry counter. The count
    /// also rises when a poll is throttled, and while a FIFO group waits.
    pub fn max_receives(&self) -> u32 {
        let least = match self.ordering {
            Ordering::None => 10,
            Ordering::Aggregate => 100,
        };
        if store::planted::is(store::planted::Bug::ReceivesAreTheTries) {
            return self.tries;
        }
        (self.tries + 5).max(least)
    }

    /// Most invocations at once.
    pub fn max_concurrency(&self) -> u32 {
        self.concurrency.unwrap_or(match self.priority {
            Priority::High => 50,
            Priority::Normal => 20,
            Priority::Low => 5,
        })
    }

    /// Whether an event it gives up holds up its aggregate.
    pub fn blocks(&self) -> bool {
        self.ordering == Ordering::Aggregate && self.on_exhausted != Exhausted::Park
    }

    /// The values of the message attribute `type` it hears: a name for each accepted major.
    pub fn types(&self) -> Vec<String> {
        let of_event = |spec: &EventSpec| {
            let spec = *spec;
            self.accepts.iter().map(move |major| EventSpec { major: *major, ..spec }.topic_type())
        };
        self.events.iter().flat_map(of_event).collect()
    }
}
