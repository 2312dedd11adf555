//! Rows that are not settled: given up, found by type, or waiting, found by when they are due.

use kernel::{Error, Timestamp, codec};
use serde::{Deserialize, Serialize};
use store::outbox::{self, DUE_SHARDS, OutboxRow, Status};
use store::{Consistency, Item, Key, Store};

use super::pages::{cursor, no_cursor, resumed};

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

/// Where a list of waiting rows goes on: after this row.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct AfterDue {
    due_at_ms: i64,
    pk: String,
    sk: String,
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
        self.page(&keys, |row| row.status == Status::Failed, next.as_ref()).await
    }

    /// Rows that were due by now, oldest first. One query for each shard.
    pub async fn pending(
        &self,
        now: Timestamp,
        limit: usize,
        from: Option<&str>,
    ) -> Result<Page, Error> {
        let from: Option<AfterDue> = from.map(opened).transpose()?;
        let mut due: Vec<(AfterDue, Key)> = Vec::new();
        for shard in 0..DUE_SHARDS {
            let query = outbox::due(shard, now);
            let query = match &from {
                Some(from) => query.between(from.due_at_ms, now.ms()),
                None => query,
            };
            // Rows due at the very moment the list goes on from come again, and are left out.
            let page = self.store.query_items(&query.limit(2 * limit)).await?;
            due.extend(page.items.iter().filter_map(place));
        }
        due.retain(|(place, _)| from.as_ref().is_none_or(|from| place > from));
        due.sort_by(|(one, _), (other, _)| one.cmp(other));
        let more = due.len() > limit;
        due.truncate(limit);
        let next = due.last().filter(|_| more).map(|(place, _)| place.clone());
        let keys: Vec<Key> = due.into_iter().map(|(_, key)| key).collect();
        self.page(&keys, |row| !row.status.is_settled(), next.as_ref()).await
    }

    async fn page(
        &self,
        keys: &[Key],
        wanted: fn(&OutboxRow) -> bool,
        next: Option<&impl Serialize>,
    ) -> Result<Page, Error> {
        if keys.is_empty() {
            return Ok(Page::default());
        }
        let rows = self.store.get_many::<OutboxRow>(keys, Consistency::Strong).await?;
        let next = next.map(sealed).transpose()?;
        Ok(Page { rows: rows.into_iter().flatten().filter(wanted).collect(), next })
    }
}

fn place(item: &Item) -> Option<(AfterDue, Key)> {
    let key = item.key()?;
    let (pk, sk) = key.texts().ok()?;
    let due_at_ms = i64::try_from(item.number("due_at_ms")?).ok()?;
    let place = AfterDue { due_at_ms, pk: pk.to_owned(), sk: sk.to_owned() };
    Some((place, key))
}

fn sealed(position: &impl Serialize) -> Result<String, Error> {
    let text = serde_json::to_vec(position);
    let text = text.map_err(|fault| Error::internal(format!("a cursor: {fault}")))?;
    Ok(codec::encode(&text))
}

fn opened<T: serde::de::DeserializeOwned>(cursor: &str) -> Result<T, Error> {
    let bytes = codec::decode(cursor).ok_or_else(no_cursor)?;
    serde_json::from_slice(&bytes).map_err(|_| no_cursor())
}
