//! DynamoDB done once: tables, keys, the transaction builder, cursors and conflicts.
//!
//! A repository declares its tables as constants, makes keys through a [`Scope`], reads with
//! [`Store`] and writes with one [`Change`]. Nothing here knows events, HTTP or Lambda.

pub mod big;
pub mod collected;
pub mod cursor;
pub mod idempotency;
pub mod inbox;
pub mod lease;
pub mod outbox;
pub mod planted;
pub mod redelivery;
pub mod schedule;
pub mod transition;

mod batch;
mod change;
mod commit;
mod condition;
mod error;
mod fold;
mod item;
mod key;
mod meter;
mod names;
mod query;
mod retry;
mod store;
mod table;
mod update;
mod write;

#[cfg(test)]
mod tests;

pub use batch::BATCH_GET_MAX;
pub use change::{Action, Change};
pub use commit::{Committed, NotCommitted, Refusal, Token};
pub use condition::Condition;
pub use error::StoreError;
pub use fold::{ACTIONS_MAX, ITEM_MAX_BYTES, TRANSACTION_MAX_BYTES};
pub use item::{Aggregate, Item, ItemError, Places, Stored, Value, Versioned, value};
pub use kernel::Head;
pub use key::{Key, KeyError, PartitionKey, Parts, Scope, SortKey, escaped, shard_of};
pub use meter::{Meter, Operation, Reading};
pub use names::{Endpoint, Names};
pub use query::{Consistency, PAGE_MAX, Position, Query, Rows, SortValue};
pub use retry::{Backoff, Deadline, Random};
pub use store::Store;
pub use table::{
    AUDIT, DUE, IDEMPOTENCY, INBOX, INBOX_FAILED, Index, OUTBOX, OUTBOX_FAILED, PARTITION,
    PLATFORM, PLATFORM_TABLES, Projection, SORT, SortType, TENANT_DAY, Table, UNSEALED,
};
pub use update::Update;
pub use write::Written;
