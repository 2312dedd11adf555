//! One attempt at one event: the rows that are written once it is settled.

use kernel::Timestamp;
use store::cursor::{Cursor, ParkedRow};
use store::inbox::{self, InboxKey};
use store::redelivery::Redelivery;
use store::{Change, Condition, Key, Stored, Table};

/// The label of the row that keeps repeats away, in a change.
pub(crate) const REPEAT_LABEL: &str = "repeat";

/// The label of the row that stands for a debounced subject, in a change.
pub(crate) const PUT_OFF_LABEL: &str = "put_off";

/// What was found out about an event before its handler runs, and what settling it writes.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub inbox: InboxKey,
    /// This attempt, from 1.
    pub attempts: u32,
    /// The token of the claim, where one was taken.
    pub claim: Option<String>,
    /// The step of an ordered listener.
    pub step: Option<Step>,
    /// Keeps repeats of the subject away for a while.
    pub repeat: Option<Repeat>,
}

/// A move of a listener's cursor.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub cursor: Cursor,
    pub sequence: u64,
    /// The first event parked behind this one, where it stands at the barrier.
    pub next: Option<ParkedRow>,
    /// Hands that event out.
    pub hand_out: Option<Redelivery>,
}

/// "This subject was handled": later events of it are passed over until then.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Repeat {
    #[serde(flatten)]
    pub key: Key,
    pub event_id: kernel::EventId,
    pub until_ms: i64,
    pub expires_at: i64,
}

impl Stored for Repeat {
    const TABLE: Table = store::INBOX;

    fn key(&self) -> Key {
        self.key.clone()
    }
}

impl Repeat {
    /// Put where there is none, where the last one is over, or where it is this event's own.
    fn into_change(self, now: Timestamp) -> Change {
        let free = Condition::no_item()
            .or(Condition::at_most("until_ms", now.ms()))
            .or(Condition::equal("event_id", self.event_id));
        let mut change = Change::new();
        change.put_when(&self, free).named(REPEAT_LABEL);
        change
    }
}

impl Step {
    /// Moves past the event, and hands out the next one that is parked.
    pub fn advance(&self) -> Change {
        let moved = self.cursor.advance(self.sequence, self.next.as_ref());
        match self.hand_out.clone() {
            Some(redelivery) => moved.append(redelivery.into_change()),
            None => moved,
        }
    }
}

impl Delivery {
    /// The rows that settle the event: part of the transaction of its effect. `skipped` is the reason
    /// where there was nothing to do.
    pub fn settle(&self, skipped: Option<&str>, now: Timestamp) -> Change {
        let claim = self.claim.as_deref();
        let mut change = match skipped {
            Some(reason) => inbox::skipped(&self.inbox, self.attempts, claim, reason, now),
            None => inbox::done(&self.inbox, self.attempts, claim, now),
        };
        if let Some(step) = &self.step {
            change = change.append(step.advance());
        }
        if let Some(repeat) = self.repeat.clone().filter(|_| skipped.is_none()) {
            change = change.append(repeat.into_change(now));
        }
        change
    }

    /// What the transaction hands out, to be sent right after it.
    pub fn hand_out(&self) -> Option<&Redelivery> {
        self.step.as_ref()?.hand_out.as_ref()
    }

    /// Names this attempt.
    pub fn name(&self) -> String {
        format!("{:?} {}", self.inbox.key(), self.attempts)
    }
}
