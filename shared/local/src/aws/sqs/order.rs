//! Which messages may be received next: any visible one on a standard queue; on a FIFO queue the
//! oldest of a group none of which is in flight (Developer Guide, "FIFO queue delivery logic").

use std::collections::{BTreeMap, BTreeSet};

/// Receivable messages of one queue, by sequence.
#[derive(Debug)]
pub(super) enum Order {
    Standard(BTreeSet<u64>),
    Fifo(Groups),
}

/// The groups of a FIFO queue.
#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: BTreeMap<String, Group>,
    /// Head and name of every group with nothing in flight and something waiting.
    ready: BTreeSet<(u64, String)>,
}

#[derive(Debug, Default)]
struct Group {
    waiting: BTreeSet<u64>,
    in_flight: usize,
    ready_as: Option<u64>,
}

impl Order {
    pub fn new(fifo: bool) -> Self {
        if fifo { Self::Fifo(Groups::default()) } else { Self::Standard(BTreeSet::new()) }
    }

    /// A message became visible for the first time.
    pub fn arrive(&mut self, sequence: u64, group: &str) {
        match self {
            Self::Standard(visible) => {
                visible.insert(sequence);
            }
            Self::Fifo(groups) => groups.change(group, |group| {
                group.waiting.insert(sequence);
            }),
        }
    }

    /// A message went into flight.
    pub fn take(&mut self, sequence: u64, group: &str) {
        match self {
            Self::Standard(visible) => {
                visible.remove(&sequence);
            }
            Self::Fifo(groups) => groups.change(group, |group| {
                group.waiting.remove(&sequence);
                group.in_flight += 1;
            }),
        }
    }

    /// A message came back from flight.
    pub fn give_back(&mut self, sequence: u64, group: &str) {
        match self {
            Self::Standard(visible) => {
                visible.insert(sequence);
            }
            Self::Fifo(groups) => groups.change(group, |group| {
                group.in_flight = group.in_flight.saturating_sub(1);
                group.waiting.insert(sequence);
            }),
        }
    }

    /// A message is gone from the queue.
    pub fn forget(&mut self, sequence: u64, group: &str, was_in_flight: bool) {
        match self {
            Self::Standard(visible) => {
                visible.remove(&sequence);
            }
            Self::Fifo(groups) => groups.change(group, |group| {
                group.waiting.remove(&sequence);
                if was_in_flight {
                    group.in_flight = group.in_flight.saturating_sub(1);
                }
            }),
        }
    }

    /// The next messages to receive, at most `limit`, oldest first; of a FIFO group as many as
    /// possible.
    pub fn next(&self, limit: usize) -> Vec<u64> {
        match self {
            Self::Standard(visible) => visible.iter().take(limit).copied().collect(),
            Self::Fifo(groups) => {
                let ready = groups.ready.iter().filter_map(|(_, name)| groups.groups.get(name));
                ready.flat_map(|group| group.waiting.iter()).take(limit).copied().collect()
            }
        }
    }

    /// Whether anything could be received.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Standard(visible) => visible.is_empty(),
            Self::Fifo(groups) => groups.ready.is_empty(),
        }
    }
}

impl Groups {
    fn change(&mut self, name: &str, change: impl FnOnce(&mut Group)) {
        let group = self.groups.entry(name.to_owned()).or_default();
        change(group);
        let head = group.waiting.first().copied().filter(|_| group.in_flight == 0);
        if group.ready_as != head {
            if let Some(old) = group.ready_as {
                self.ready.remove(&(old, name.to_owned()));
            }
            if let Some(new) = head {
                self.ready.insert((new, name.to_owned()));
            }
            group.ready_as = head;
        }
        if group.waiting.is_empty() && group.in_flight == 0 {
            self.groups.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_with_a_message_in_flight_waits_and_others_go_on() {
        let mut order = Order::new(true);
        for (sequence, group) in [(1, "a"), (2, "b"), (3, "a"), (4, "b")] {
            order.arrive(sequence, group);
        }
        assert_eq!(order.next(10), [1, 3, 2, 4]);
        order.take(1, "a");
        assert_eq!(order.next(10), [2, 4]);
        order.take(2, "b");
        assert!(order.is_empty());
        order.give_back(1, "a");
        assert_eq!(order.next(1), [1]);
        order.forget(2, "b", true);
        assert_eq!(order.next(10), [1, 3, 4]);
    }
}
