//! The rows of the world: entities, and per listener and entity what was done.

use kernel::EntityRef;
use serde::{Deserialize, Serialize};
use store::{Aggregate, Head, Key, Scope, SortKey, Stored, Table, Versioned};

use super::WORLD;

/// An entity: it only has a past.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Thing {
    #[serde(flatten)]
    pub key: Key,
    #[serde(flatten)]
    pub head: Head,
    pub subject: EntityRef,
}

impl Stored for Thing {
    const TABLE: Table = WORLD;

    fn key(&self) -> Key {
        self.key.clone()
    }
}

impl Versioned for Thing {
    fn head(&self) -> Head {
        self.head
    }
}

impl Aggregate for Thing {
    fn entity(&self) -> EntityRef {
        self.subject.clone()
    }
}

impl Thing {
    pub fn new(scope: &Scope, subject: EntityRef) -> Self {
        Self { key: key_of(scope, &subject), head: Head::NEW, subject }
    }
}

/// Where an entity is.
pub fn key_of(scope: &Scope, subject: &EntityRef) -> Key {
    Key::alone(scope.partition("THING", (subject.kind().as_str(), subject.id())))
}

/// Where a listener notes the events of an entity.
pub fn notes_of(scope: &Scope, listener: &str, subject: &EntityRef) -> Key {
    Key::alone(scope.partition("NOTED", (listener, subject.kind().as_str(), subject.id())))
}

/// Where the n-th event of an entity is counted inside the transaction that announces it.
pub fn tally_of(scope: &Scope, subject: &EntityRef, sequence: u64) -> Key {
    let pk = scope.partition("TALLY", (subject.kind().as_str(), subject.id()));
    Key { pk, sk: SortKey::sequence(sequence) }
}

/// Where it is counted how often the n-th event of an entity was handled among many.
pub fn digest_of(scope: &Scope, subject: &EntityRef, sequence: u64) -> Key {
    let pk = scope.partition("DIGEST", (subject.kind().as_str(), subject.id()));
    Key { pk, sk: SortKey::sequence(sequence) }
}

/// Where it is counted how often something was asked of a timer.
pub fn asked_of(scope: &Scope, timer: &str) -> Key {
    Key::alone(scope.partition("ASKED", timer))
}

/// What a listener noted about an entity, in the order of its transactions.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Notes {
    #[serde(flatten)]
    pub key: Key,
    pub listener: String,
    pub subject: EntityRef,
    pub n: u64,
    pub noted: Vec<u64>,
}
