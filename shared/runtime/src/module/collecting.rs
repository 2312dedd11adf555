//! How events are collected for a listener, to be handed over many at once.

use interface::EventSpec;

use super::listening::Listening;
use crate::ports::cadence::Cadence;

/// The most events of one run.
const BATCH_MAX: u32 = 500;

/// How events are collected for a listener.
#[derive(Clone, Debug)]
pub struct Collecting {
    pub events: Vec<EventSpec>,
    /// Majors of those events it understands.
    pub accepts: Vec<u16>,
    pub cadence: Cadence,
    /// Events of one run, 1 to 500.
    pub batch: u32,
    /// Attempts at an event alone before it is put aside.
    pub tries: u32,
}

impl Collecting {
    /// Whether it can be carried out: a cadence, a batch and an event.
    pub(crate) fn is_valid(&self) -> bool {
        let sized = (1..=BATCH_MAX).contains(&self.batch);
        sized && self.cadence.is_valid() && !self.events.is_empty()
    }

    /// The values of the message attribute `type` of its events.
    pub(crate) fn types(&self) -> Vec<String> {
        let listening = Listening::to(self.events.clone());
        Listening { accepts: self.accepts.clone(), ..listening }.types()
    }
}
