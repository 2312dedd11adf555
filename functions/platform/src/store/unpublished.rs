//! Rows that are not settled: given up, found by type, or waiting, found by when they are due.

use kernel::{Error, Timestamp};
use serde::{Deserialize, Serialize};
use store::outbox::{self, OutboxRow, Status};
use store::{Consistency, Item, Key, Store};

use super::due::{self, DuePage, opened, sealed};
use super::pages::{cursor, resumed};

/// The outbox's indexes of what is not settled.
pub struct Unsettled<'a> {
    store: &'a Store,
}

/// Rows as they are now, and where to go on.
#[derive(Debug, Default)]
pub struct Page {
    pub rows: Vec<OutboxRow>,
    pub next: Option<String>,
}

/// Where a list of failed rows goes on: among the rows of a type, or before them.
#[derive(Serialize, Deserialize)]
struct AmongTypes {
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
        from: Option<&str>,
    ) -> Result<Page, Error> {
        let from: Option<AmongTypes> = from.map(opened).transpose()?;
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
                next = Some(AmongTypes { kind: kind.clone(), at: Some(cursor(&query, position)) });
                break;
            }
        }
        let next = next.as_ref().map(sealed).transpose()?;
        self.page(&keys, |row| row.status == Status::Failed, next).await
    }

    /// Rows that were due by now, oldest first. One query for each shard.
    pub async fn pending(
        &self,
        now: Timestamp,
        limit: usize,
        from: Option<&str>,
    ) -> Result<Page, Error> {
        let shard = |number, from: Option<i64>| {
            let due = outbox::due(number, now);
            match from {
                Some(from) => due.between(from, now.ms()),
                None => due,
            }
        };
        let DuePage { keys, next } = due::page(self.store, limit, from, shard).await?;
        self.page(&keys, |row| !row.status.is_settled(), next).await
    }

    async fn page(
        &self,
        keys: &[Key],
        wanted: fn(&OutboxRow) -> bool,
        next: Option<String>,
    ) -> Result<Page, Error> {
        if keys.is_empty() {
            return Ok(Page::default());
        }
        let rows = self.store.get_many::<OutboxRow>(keys, Consistency::Strong).await?;
        Ok(Page { rows: rows.into_iter().flatten().filter(wanted).collect(), next })
    }
}
