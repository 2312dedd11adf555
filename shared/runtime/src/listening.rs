//! How a listener hears: one value per listener, read by the runtime, the local cloud and the generator.

use interface::{EventSpec, Ordering, Priority};

use crate::row::Row;

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
    /// The group dashboards and alarms show it in; its module unless stated.
    pub lane: Option<&'static str>,
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
            lane: None,
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

/// The words a module table describes a listener with; on any other row they change nothing.
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

    /// Is shown in this group of dashboards and alarms.
    pub fn lane(self, name: &'static str) -> Self {
        self.hearing(|one| one.lane = Some(name))
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
