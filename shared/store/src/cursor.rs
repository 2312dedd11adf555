//! Where an ordered listener is with one aggregate: what it has applied, and the barrier behind which
//! later events are parked. Every write compares the version that was read.

use kernel::{EntityRef, EventId};
use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::condition::Condition;
use crate::item::Stored;
use crate::key::{Key, PartitionKey, Scope, SortKey};
use crate::query::Query;
use crate::table::{INBOX, Table};
use crate::update::Update;

/// The label of the cursor's action in a change.
pub const LABEL: &str = "cursor";
/// The sort key of the cursor among the parked events of its aggregate.
const CURSOR: &str = "CURSOR";
/// What sort keys of parked events start with.
const PARKED: &str = "P#";

/// The stored cursor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CursorRow {
    #[serde(flatten)]
    pub key: Key,
    /// The last sequence that was applied or passed over.
    pub applied_seq: u64,
    /// The event at the barrier: it may run, later ones are parked.
    pub barrier_seq: Option<u64>,
    /// The failed event at the barrier; nothing while parked events are handed out one by one.
    pub blocked_by: Option<EventId>,
    /// Grows with every write.
    pub version: u64,
}

impl Stored for CursorRow {
    const TABLE: Table = INBOX;

    fn key(&self) -> Key {
        self.key.clone()
    }
}

/// An event that waits behind the barrier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParkedRow {
    #[serde(flatten)]
    pub key: Key,
    pub sequence: u64,
    pub event_id: EventId,
}

impl Stored for ParkedRow {
    const TABLE: Table = INBOX;

    fn key(&self) -> Key {
        self.key.clone()
    }
}

/// What the cursor means for an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Applied or passed over before.
    Over,
    /// May run, once whatever lies between `after` and it is none of the listener's.
    Now { after: u64 },
    /// Behind the barrier: to be parked.
    Later,
}

/// A listener's cursor of one aggregate as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor {
    key: Key,
    row: Option<CursorRow>,
}

/// The key of a listener's cursor of an aggregate.
pub fn key_of(scope: &Scope, listener: &str, subject: &EntityRef) -> Key {
    let pk = scope.partition("CUR", (listener, subject.kind().as_str(), subject.id()));
    Key::new(pk, CURSOR)
}

impl Cursor {
    /// The cursor with what was found under its key.
    pub fn of(key: Key, row: Option<CursorRow>) -> Self {
        Self { key, row }
    }

    /// The last sequence that was applied or passed over; 0 before the first.
    pub fn applied_seq(&self) -> u64 {
        self.row.as_ref().map_or(0, |row| row.applied_seq)
    }

    /// The failed event that holds the aggregate up.
    pub fn blocked_by(&self) -> Option<EventId> {
        self.row.as_ref().and_then(|row| row.blocked_by)
    }

    fn barrier_seq(&self) -> Option<u64> {
        self.row.as_ref().and_then(|row| row.barrier_seq)
    }

    /// What it means for event number `sequence`.
    pub fn turn(&self, sequence: u64) -> Turn {
        let after = self.applied_seq();
        match self.barrier_seq() {
            _ if sequence <= after => Turn::Over,
            Some(barrier) if sequence > barrier => Turn::Later,
            _ => Turn::Now { after },
        }
    }

    /// Whether this event stands at the barrier: moving past it hands out the next parked one.
    pub fn is_barrier(&self, sequence: u64) -> bool {
        self.barrier_seq() == Some(sequence)
    }

    /// The first event parked behind this one.
    pub fn parked_after(&self, sequence: u64) -> Query {
        Query::table(INBOX, self.key.pk.clone())
            .between(sort_key(sequence + 1), sort_key(u64::MAX))
            .limit(1)
    }

    /// Moves to `sequence`. `next` is the first event parked behind it, where the event stood at the
    /// barrier: the barrier moves there, or falls.
    pub fn advance(&self, sequence: u64, next: Option<&ParkedRow>) -> Change {
        let mut update = self.update().set("applied_seq", sequence);
        let mut change = Change::new();
        if self.is_barrier(sequence) {
            update = match next {
                Some(next) => update.set("barrier_seq", next.sequence),
                None => update.remove("barrier_seq"),
            };
            update = update.remove("blocked_by");
            change.delete(INBOX, parked_key(&self.key.pk, sequence));
        }
        let mut moved = Change::new();
        moved.update(update).named(LABEL);
        moved.append(change)
    }

    /// Puts the barrier at an event that was given up: the aggregate waits.
    pub fn block(&self, sequence: u64, event: EventId) -> Change {
        let update = self.update().set("barrier_seq", sequence).set("blocked_by", event);
        let update = match &self.row {
            Some(_) => update,
            None => update.set("applied_seq", 0),
        };
        let mut change = Change::new();
        change.update(update).named(LABEL);
        change
    }

    /// Parks an event behind the barrier.
    pub fn park(&self, sequence: u64, event_id: EventId) -> Change {
        let key = parked_key(&self.key.pk, sequence);
        let row = ParkedRow { key, sequence, event_id };
        let mut change = Change::new();
        change.update(self.update()).named(LABEL);
        change.put_when(&row, Condition::no_item().or(Condition::some_item()));
        change
    }

    fn update(&self) -> Update {
        let unchanged = match &self.row {
            Some(row) => Condition::equal("version", row.version),
            None => Condition::no_item(),
        };
        Update::of(INBOX, self.key.clone()).add("version", 1).when(unchanged)
    }
}

fn parked_key(aggregate: &PartitionKey, sequence: u64) -> Key {
    Key::new(aggregate.clone(), SortKey::from(sort_key(sequence)))
}

fn sort_key(sequence: u64) -> String {
    format!("{PARKED}{sequence:020}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(applied_seq: u64, barrier_seq: Option<u64>) -> Cursor {
        let subject = EntityRef::new(kernel::EntityKind::Swap, "swp_1");
        let key = key_of(&Scope::system(), "a.on_b", &subject);
        let row =
            CursorRow { key: key.clone(), applied_seq, barrier_seq, blocked_by: None, version: 1 };
        Cursor::of(key, Some(row))
    }

    #[test]
    fn an_event_runs_up_to_the_barrier_and_waits_behind_it() {
        let table = [
            (cursor(0, None), 1, Turn::Now { after: 0 }),
            (cursor(4, None), 4, Turn::Over),
            (cursor(4, None), 9, Turn::Now { after: 4 }),
            (cursor(4, Some(5)), 5, Turn::Now { after: 4 }),
            (cursor(4, Some(5)), 6, Turn::Later),
            (cursor(4, Some(7)), 6, Turn::Now { after: 4 }),
            (cursor(7, Some(9)), 7, Turn::Over),
        ];
        for (cursor, sequence, expected) in table {
            assert_eq!(cursor.turn(sequence), expected, "{cursor:?} {sequence}");
        }
        let subject = EntityRef::new(kernel::EntityKind::Swap, "swp_1");
        let new = Cursor::of(key_of(&Scope::system(), "a.on_b", &subject), None);
        assert_eq!(new.turn(3), Turn::Now { after: 0 });
    }
}
