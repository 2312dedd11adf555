//! For tests that announce an event of somebody else's entity.

use kernel::{EntityRef, Head};
use serde::{Deserialize, Serialize};
use store::{Aggregate, Key, PLATFORM, Scope, Stored, Table, Versioned};

/// An entity of which nothing is known but the number of its next event. Each number has a row of its
/// own, so that a test may announce any of them, in any order, once.
#[derive(Debug, Deserialize, Serialize)]
pub struct Told {
    #[serde(flatten)]
    key: Key,
    #[serde(flatten)]
    head: Head,
    entity: EntityRef,
}

impl Told {
    /// The entity before its event of this number.
    pub fn before(scope: &Scope, entity: EntityRef, sequence: u64) -> Self {
        let key = Key::new(
            scope.partition("TOLD", (entity.kind().as_str(), entity.id())),
            sequence.to_string(),
        );
        let head = Head { version: 0, event_seq: sequence.saturating_sub(1) };
        Self { key, head, entity }
    }
}

impl Stored for Told {
    const TABLE: Table = PLATFORM;

    fn key(&self) -> Key {
        self.key.clone()
    }
}

impl Versioned for Told {
    fn head(&self) -> Head {
        self.head
    }
}

impl Aggregate for Told {
    fn entity(&self) -> EntityRef {
        self.entity.clone()
    }
}
