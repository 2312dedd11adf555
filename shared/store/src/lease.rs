//! Leases: one holder at a time, and a fencing number that grows with every grant, so that a holder
//! that slept past its lease cannot write.

use std::time::Duration;

use kernel::Timestamp;

use crate::change::Change;
use crate::condition::Condition;
use crate::error::StoreError;
use crate::item::Item;
use crate::key::{Key, Scope};
use crate::planted::{self, Bug};
use crate::store::Store;
use crate::table::PLATFORM;
use crate::update::Update;
use crate::write::Written;

/// The label of a lease's check in a change.
pub const LABEL: &str = "lease";

/// A granted lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    key: Key,
    fence: u64,
    until: Timestamp,
}

/// Takes the lease of this name for `span`, unless another holder has it.
///
/// A lost answer counts as not taken (`Unknown`): asking again as the same holder takes it.
///
/// # Errors
/// [`StoreError`].
pub async fn acquire(
    store: &Store,
    name: &str,
    holder: &str,
    span: Duration,
    now: Timestamp,
) -> Result<Option<Lease>, StoreError> {
    let key = key_of(name);
    let until = now.plus(span);
    let free = Condition::no_item()
        .or(Condition::at_most("until_ms", now.ms()))
        .or(Condition::equal("holder", holder));
    let update = Update::of(PLATFORM, key.clone())
        .set("holder", holder)
        .set("until_ms", until.ms())
        .add("fence", 1)
        .when(free);
    match store.update(update).await? {
        Written::Refused(_) => Ok(None),
        Written::Done(item) => Ok(Some(Lease { key, fence: fence_of(&item)?, until })),
    }
}

impl Lease {
    /// The number of this grant: no later grant has it.
    pub fn fence(&self) -> u64 {
        self.fence
    }

    /// When others may take it.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// Makes a change happen only while no one else has been granted the lease. The refusal is
    /// labelled [`LABEL`].
    pub fn guard(&self, change: &mut Change) {
        if planted::is(Bug::UnfencedLease) {
            return;
        }
        let held = Condition::equal("fence", self.fence);
        change.check(PLATFORM, self.key.clone(), held).named(LABEL);
    }

    /// Gives the lease back early. Does nothing when it is another's by now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release(self, store: &Store) -> Result<(), StoreError> {
        let update = Update::of(PLATFORM, self.key)
            .set("until_ms", 0)
            .remove("holder")
            .when(Condition::equal("fence", self.fence));
        store.update(update).await.map(|_| ())
    }
}

fn key_of(name: &str) -> Key {
    Key::alone(Scope::system().partition("LEASE", name))
}

fn fence_of(item: &Item) -> Result<u64, StoreError> {
    let fence = item.number("fence").and_then(|fence| u64::try_from(fence).ok());
    fence.ok_or_else(|| StoreError::Corrupt {
        table: PLATFORM.name(),
        reason: "a lease without its fencing number".to_owned(),
    })
}
