//! An event that goes to one listener's queue again, now or later: the row is its own queue entry. Who
//! writes it in a transaction may send at once and delete it; the sweep of every minute does both for
//! whatever was left.

use kernel::{EventId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::condition::Condition;
use crate::inbox::{self, InboxKey};
use crate::item::{Places, Stored};
use crate::key::{Key, Scope};
use crate::outbox::due_partition;
use crate::table::{DUE, PLATFORM, Table};
use crate::update::Update;

/// The word of `due_kind` by which a sweep tells these rows from other timers.
pub const DUE_KIND: &str = "redelivery";

/// Who gets which event again.
#[derive(Clone, Copy, Debug)]
pub struct Addressee<'a> {
    pub listener: &'a str,
    /// Name of its queue after the stage's prefix.
    pub queue: &'a str,
    pub event: EventId,
    /// Handled apart from the first delivery, under an inbox row of its own.
    pub part: Option<&'a str>,
}

/// One event on its way back to one listener.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Redelivery {
    #[serde(flatten)]
    pub key: Key,
    pub due_kind: String,
    pub event_id: EventId,
    pub listener: String,
    /// Name of the listener's queue after the stage's prefix.
    pub queue: String,
    /// Where the event is kept.
    pub outbox: Key,
    /// The event itself, where it may not be kept there any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<String>,
    /// Handled apart from the first delivery, under an inbox row of its own.
    pub part: Option<String>,
    /// The listener's inbox row of it.
    pub inbox: Key,
    /// Handled whatever the order of its aggregate and earlier handling say.
    #[serde(default)]
    pub forced: bool,
    /// When it goes, in Unix milliseconds; also tells one redelivery of an event from the next.
    #[serde(with = "kernel::time::ms", rename = "due_at_ms")]
    pub due_at: Timestamp,
    /// The latest a debounced event may be put off to.
    #[serde(default, with = "kernel::time::ms_option", rename = "max_due_at_ms")]
    pub max_due_at: Option<Timestamp>,
}

impl Stored for Redelivery {
    const TABLE: Table = PLATFORM;

    fn key(&self) -> Key {
        self.key.clone()
    }

    fn index(&self, places: &mut Places) {
        places.put(&DUE, due_partition(&self.key), self.due_at.ms());
    }
}

impl Redelivery {
    /// An event to a listener at `due_at`. One listener has one redelivery of an event at a time, and
    /// one of each part of it.
    pub fn of(scope: &Scope, to: Addressee<'_>, outbox: Key, due_at: Timestamp) -> Self {
        let Addressee { listener, queue, event, part } = to;
        let name = match part {
            Some(part) => format!("{event}/{part}"),
            None => event.to_string(),
        };
        Self {
            key: key_of(scope, listener, &name),
            due_kind: DUE_KIND.to_owned(),
            event_id: event,
            listener: listener.to_owned(),
            queue: queue.to_owned(),
            outbox,
            envelope: None,
            part: part.map(str::to_owned),
            inbox: InboxKey::new(scope, listener, event, part).key().clone(),
            forced: false,
            due_at,
            max_due_at: None,
        }
    }

    /// The only one of its kind: a later event takes the place of an earlier one.
    #[must_use]
    pub fn instead_of(mut self, scope: &Scope, subject: &str) -> Self {
        self.key = key_of(scope, &self.listener, subject);
        self
    }

    /// With the event itself, where its outbox row may be gone before it goes.
    #[must_use]
    pub fn carrying(mut self, envelope: Option<String>) -> Self {
        self.envelope = envelope;
        self
    }

    /// Handled whatever order and earlier handling say.
    #[must_use]
    pub fn forced(mut self) -> Self {
        self.forced = true;
        self
    }

    /// Tells this redelivery from every other one: FIFO queues remove what they have seen.
    pub fn deduplication_id(&self) -> String {
        let part = self.part.as_deref().unwrap_or_default();
        format!("{}:{part}:{}", self.event_id, self.due_at.ms())
    }

    /// Writes the row, over an older one.
    pub fn into_change(self) -> Change {
        let mut change = Change::new();
        change.put_when(&self, Condition::no_item().or(Condition::some_item()));
        change
    }

    /// Puts an event that is not kept any more where operators see it.
    pub fn out_of_reach(&self, now: Timestamp) -> Update {
        let inbox = InboxKey::at(&self.listener, self.inbox.clone());
        inbox::out_of_reach(&inbox, &self.outbox, now)
    }

    /// Deletes the row once it was sent, unless it was put off meanwhile.
    pub fn settled(&self) -> Change {
        let mut change = Change::new();
        let same = Condition::no_item().or(Condition::equal("due_at_ms", self.due_at.ms()));
        change.delete(PLATFORM, self.key.clone()).when(same);
        change
    }
}

/// The key of a listener's redelivery of an event or, where one stands for many, of their subject.
pub fn key_of(scope: &Scope, listener: &str, of: &str) -> Key {
    Key::alone(scope.partition("RDL", (listener, of)))
}
