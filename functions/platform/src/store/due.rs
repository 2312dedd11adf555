//! Pages of rows by when they are due, over all shards of a due index: earliest first.

use kernel::Error;
use serde::{Deserialize, Serialize};
use store::outbox::DUE_SHARDS;
use store::{Item, Key, Query, Store};

/// Where such a list goes on: after this row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AfterDue {
    pub due_at_ms: i64,
    pk: String,
    sk: String,
}

/// Keys of rows, and where the list goes on.
#[derive(Debug, Default)]
pub struct DuePage {
    pub keys: Vec<Key>,
    pub next: Option<AfterDue>,
}

/// One page of `limit` rows. `shard` is the query of one shard, from a time on where there is one.
/// One request for each shard.
pub async fn page(
    store: &Store,
    limit: usize,
    from: Option<AfterDue>,
    shard: impl Fn(u64, Option<i64>) -> Query,
) -> Result<DuePage, Error> {
    let mut due: Vec<(AfterDue, Key)> = Vec::new();
    for number in 0..DUE_SHARDS {
        let query = shard(number, from.as_ref().map(|from| from.due_at_ms));
        // Rows due at the very moment the list goes on from come again, and are left out.
        let page = store.query_items(&query.limit(2 * limit)).await?;
        due.extend(page.items.iter().filter_map(place));
    }
    due.retain(|(place, _)| from.as_ref().is_none_or(|from| place > from));
    due.sort_by(|(one, _), (other, _)| one.cmp(other));
    let more = due.len() > limit;
    due.truncate(limit);
    let next = due.last().filter(|_| more).map(|(place, _)| place.clone());
    Ok(DuePage { keys: due.into_iter().map(|(_, key)| key).collect(), next })
}

fn place(item: &Item) -> Option<(AfterDue, Key)> {
    let key = item.key()?;
    let (pk, sk) = key.texts().ok()?;
    let due_at_ms = i64::try_from(item.number("due_at_ms")?).ok()?;
    let place = AfterDue { due_at_ms, pk: pk.to_owned(), sk: sk.to_owned() };
    Some((place, key))
}
