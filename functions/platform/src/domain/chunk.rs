//! One step of a replay: the events it found, and where the next begins.

use kernel::{EntityRef, EventId};

use super::walk::Position;

/// An event that can be sent again, wherever it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub id: EventId,
    pub subject: EntityRef,
    pub sequence: u64,
    /// The exact bytes that were published.
    pub envelope: String,
    pub partitionkey: String,
}

/// The events of one chunk, and where the next begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    /// Those of the wanted types, oldest first, each once.
    pub events: Vec<Kept>,
    /// All events of the range that were looked at.
    pub seen: u64,
    /// Files and lines of the archive that could not be read.
    pub unreadable: u64,
    /// Nothing at the end of the range.
    pub next: Option<Position>,
}
