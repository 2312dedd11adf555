//! Rows that are not settled: given up, found by type, or waiting, found by when they are due.

use kernel::problem::CURSOR_INVALID;
use kernel::{Error, Timestamp, codec};
use serde::{Deserialize, Serialize};
use store::outbox::{self, OutboxRow, Status};
use store::{Consistency, Item, Key, Query, Store};

use super::due::{self, AfterDue, DuePage};

/// The outbox's indexes of what is not settled.
pub struct Unsettled<'a> {
    store: &'a Store,
}

/// Rows as they are now, and where the list goes on.
#[derive(Debug)]
pub struct Found<Position> {
    pub rows: Vec<OutboxRow>,
    pub next: Option<Position>,
}

/// Where a list of failed rows goes on: among the rows of a type, or before them.
#[derive(Debug, Serialize, Deserialize)]
pub struct AmongTypes {
    kind: String,
    at: Option<String>,
}

impl<'a> Unsettled<'a> {
    pub fn of(store: &'a Store) -> Self {
        Self { store }
    }

    /// Failed rows of these types, type by type, oldest first. One query for each type.
    pub async fn failed(
        &self,
        kinds: &[String],
        limit: usize,
        from: Option<AmongTypes>,
    ) -> Result<Found<AmongTypes>, Error> {
        let mut keys: Vec<Key> = Vec::new();
        let mut next = None;
        for kind in kinds {
            if from.as_ref().is_some_and(|from| *kind < from.kind) {
                continue;
            }
            if keys.len() >= limit {
                next = Some(AmongTypes { kind: kind.clone(), at: None });
                break;
            }
            let at = from.as_ref().filter(|from| from.kind == *kind);
            let at = at.and_then(|from| from.at.as_deref());
            let query = outbox::failed_of(kind).limit(limit - keys.len());
            let query = resumed(query, at)?;
            let page = self.store.query_items(&query).await?;
            keys.extend(page.items.iter().filter_map(Item::key));
            if let Some(position) = &page.next {
                next = Some(AmongTypes {
                    kind: kind.clone(),
                    at: Some(codec::encode(&query.encode(position))),
                });
                break;
            }
        }
        let rows = self.rows(&keys, |row| row.status == Status::Failed).await?;
        Ok(Found { rows, next })
    }

    /// Rows that were due by now, oldest first. One query for each shard.
    pub async fn pending(
        &self,
        now: Timestamp,
        limit: usize,
        from: Option<AfterDue>,
    ) -> Result<Found<AfterDue>, Error> {
        let shard = |number, from: Option<i64>| {
            let due = outbox::due(number, now);
            match from {
                Some(from) => due.between(from, now.ms()),
                None => due,
            }
        };
        let DuePage { keys, next } = due::page(self.store, limit, from, shard).await?;
        let rows = self.rows(&keys, |row| !row.status.is_settled()).await?;
        Ok(Found { rows, next })
    }

    async fn rows(
        &self,
        keys: &[Key],
        wanted: fn(&OutboxRow) -> bool,
    ) -> Result<Vec<OutboxRow>, Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.store.get_many::<OutboxRow>(keys, Consistency::Strong).await?;
        Ok(rows.into_iter().flatten().filter(wanted).collect())
    }
}

/// The query from this position on.
fn resumed(query: Query, at: Option<&str>) -> Result<Query, Error> {
    let Some(at) = at else { return Ok(query) };
    let position = codec::decode(at).and_then(|bytes| query.position(&bytes).ok());
    let position = position.ok_or_else(|| CURSOR_INVALID.error())?;
    Ok(query.after(Some(position)))
}
