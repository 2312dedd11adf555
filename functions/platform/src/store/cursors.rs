//! Where ordered listeners are with their entities.

use kernel::{EntityRef, Error};
use runtime::backbone::Hearing;
use store::cursor::{self, Cursor, CursorRow};
use store::{Consistency, Scope, Store};

/// Whether the listener has gone past this number of the entity: it would take the event for one that is
/// done.
pub async fn is_passed(
    store: &Store,
    listener: &Hearing,
    scope: &Scope,
    (subject, sequence): (&EntityRef, u64),
) -> Result<bool, Error> {
    if !listener.ordered {
        return Ok(false);
    }
    let key = cursor::key_of(scope, &listener.listener, subject);
    let found: Option<CursorRow> = store.get(&key, Consistency::Strong).await?;
    Ok(Cursor::of(key, found).applied_seq() >= sequence)
}
