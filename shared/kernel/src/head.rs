//! The version of an aggregate, and how many events were announced about it.

use serde::{Deserialize, Serialize};

/// Version and event counter of an aggregate, flattened into its row as `v` and `event_seq`.
///
/// The head an aggregate carries in memory is the one it was read with. Saving compares with it and
/// stores its successor, so that nobody but the store ever changes one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Grows by one with every save; 0 for an aggregate that is not stored yet.
    #[serde(rename = "v")]
    pub version: u64,
    /// The sequence of the last announced event: dense from 1, 0 before the first.
    pub event_seq: u64,
}

impl Head {
    /// The head of an aggregate that is not stored yet.
    pub const NEW: Self = Self { version: 0, event_seq: 0 };

    /// Gives out the numbers of the next `count` events, for whoever announces them later without
    /// coming back to the aggregate. Saving it stores that they are given out.
    pub fn reserve(&mut self, count: u64) -> impl Iterator<Item = Reserved> + use<> {
        let first = self.event_seq + 1;
        self.event_seq += count;
        (first..first + count).map(Reserved)
    }

    /// The version that the next save stores.
    pub const fn next_version(self) -> u64 {
        self.version.saturating_add(1)
    }

    /// The head that a save with so many events leaves behind: what answers and caches show of an
    /// aggregate that was just saved.
    #[must_use]
    pub const fn saved_with(self, events: u64) -> Self {
        Self { version: self.next_version(), event_seq: self.event_seq.saturating_add(events) }
    }
}

/// The number of an event that an aggregate gave out before the event happened. Only [`Head::reserve`]
/// makes one; a row of the aggregate keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reserved(u64);

impl Reserved {
    /// The sequence of the event.
    pub const fn sequence(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_given_out_once_and_in_sequence() {
        let mut head = Head { version: 3, event_seq: 4 };
        let first: Vec<u64> = head.reserve(2).map(Reserved::sequence).collect();
        let second: Vec<u64> = head.reserve(1).map(Reserved::sequence).collect();
        assert_eq!((first, second), (vec![5, 6], vec![7]));
        assert_eq!(head, Head { version: 3, event_seq: 7 });
    }
}
