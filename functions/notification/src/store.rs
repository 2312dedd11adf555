//! Where notifications are kept: plans and their rows, contacts, and the inboxes.

pub mod contacts;
pub mod inboxes;
pub mod keys;
pub mod outbox;
pub mod outbox_row;
pub mod plans;

use kernel::Error;
use serde::de::DeserializeOwned;
use store::{Item, NotCommitted, StoreError};

/// Reads one of the items of a joint read.
fn decoded<T: DeserializeOwned>(item: Option<Item>) -> Result<Option<T>, Error> {
    let corrupt = |fault: store::ItemError| Error::internal(format!("a stored row: {fault}"));
    item.map(Item::decode).transpose().map_err(corrupt)
}

/// What a refused step of a row's own work means where its handler has nothing to decide.
fn not_committed(fault: NotCommitted) -> Error {
    match fault {
        NotCommitted::Failed(fault) => fault.into(),
        NotCommitted::Throttled => StoreError::Throttled.into(),
        NotCommitted::Unknown => StoreError::Unknown.into(),
        NotCommitted::Conflict | NotCommitted::Refused { .. } => StoreError::Conflict.into(),
    }
}
