//! Reading many items in one request: in batches, or together as of one moment.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{Get, KeysAndAttributes, ReturnConsumedCapacity, TransactGetItem};

use crate::commit::unbuilt;
use crate::error::StoreError;
use crate::item::{Item, Stored, Value};
use crate::key::Key;
use crate::meter::Operation;
use crate::query::Consistency;
use crate::retry::Backoff;
use crate::store::{Store, decoded, key_attributes};
use crate::table::{PARTITION, SORT, Table};

/// The most keys one batch or joint read takes (BatchGetItem, TransactGetItems).
pub const BATCH_GET_MAX: usize = 100;

/// The attributes of items or keys.
type Attributes = HashMap<String, Value>;
/// Where an item is: the table's name and both keys.
type Place = (&'static str, String, String);

impl Store {
    /// The rows with these keys (at most 100), in the order of the keys, `None` where there is no
    /// row. Keys the database left out are asked for again.
    ///
    /// # Errors
    /// [`StoreError`]; `Throttled` when keys stay unprocessed after all retries.
    pub async fn get_many<T: Stored>(
        &self,
        keys: &[Key],
        consistency: Consistency,
    ) -> Result<Vec<Option<T>>, StoreError> {
        let keys: Vec<_> = keys.iter().map(|key| (T::TABLE, key.clone())).collect();
        let items = self.get_batch(&keys, consistency).await?.into_iter();
        items.map(|item| item.map(|item| decoded(&T::TABLE, item)).transpose()).collect()
    }

    /// The items with these keys (at most 100), whatever their tables, in the order of the keys,
    /// `None` where there is no item. One request, and one more for each table behind an endpoint of
    /// its own; keys the database left out are asked for again.
    ///
    /// # Errors
    /// [`StoreError`]; `Throttled` when keys stay unprocessed after all retries.
    pub async fn get_batch(
        &self,
        keys: &[(Table, Key)],
        consistency: Consistency,
    ) -> Result<Vec<Option<Item>>, StoreError> {
        check_count(keys.len())?;
        let mut wanted: Vec<Place> = Vec::with_capacity(keys.len());
        let mut open: Vec<(Table, Attributes)> = Vec::new();
        for (table, key) in keys {
            let (pk, sk) = key.texts()?;
            let place = (table.name(), pk.to_owned(), sk.to_owned());
            if !wanted.contains(&place) {
                open.push((*table, key_attributes(key)?));
            }
            wanted.push(place);
        }
        let mut found: HashMap<Place, Item> = HashMap::new();
        let mut backoff = Backoff::of_conflicts();
        while let Some((first, _)) = open.first() {
            let endpoint = self.endpoint(first).map(str::to_owned);
            let (together, later): (Vec<_>, Vec<_>) = open
                .into_iter()
                .partition(|(table, _)| self.endpoint(table) == endpoint.as_deref());
            let (items, left) = self.batch_get(together, consistency).await?;
            for (table, item) in items {
                if let (Some(pk), Some(sk)) = (item.text(PARTITION), item.text(SORT)) {
                    found.insert((table.name(), pk.to_owned(), sk.to_owned()), item);
                }
            }
            if !left.is_empty() {
                let pause = backoff.pause(self.random()).ok_or(StoreError::Throttled)?;
                let rest = tokio::time::sleep(pause);
                self.until_deadline(rest).await.ok_or(StoreError::Timeout)?;
            }
            open = left;
            open.extend(later);
        }
        Ok(wanted.into_iter().map(|place| found.get(&place).cloned()).collect())
    }

    /// The items with these keys (at most 100) as of one moment (TransactGetItems), in the order of
    /// the keys. Twice the price of single reads.
    ///
    /// # Errors
    /// [`StoreError`]; `Conflict` when a transaction keeps changing one of them.
    pub async fn get_together(
        &self,
        keys: &[(Table, Key)],
    ) -> Result<Vec<Option<Item>>, StoreError> {
        check_count(keys.len())?;
        let Some((first, _)) = keys.first() else { return Ok(Vec::new()) };
        let mut request = self
            .client(first)
            .transact_get_items()
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        for (table, key) in keys {
            let get = Get::builder()
                .table_name(self.physical(table))
                .set_key(Some(key_attributes(key)?))
                .build()
                .map_err(unbuilt)?;
            request = request.transact_items(TransactGetItem::builder().get(get).build());
        }
        let answer = self.read(Operation::BatchGet, || request.clone().send()).await?;
        let responses = answer.responses.unwrap_or_default();
        let items: Vec<_> = responses.into_iter().map(|one| one.item.map(Item::from)).collect();
        self.meter.read(
            items.iter().flatten().count(),
            answer.consumed_capacity.as_deref().unwrap_or_default(),
        );
        Ok(items)
    }

    /// One request for keys behind one endpoint: the items found, and the keys left out.
    async fn batch_get(
        &self,
        keys: Vec<(Table, Attributes)>,
        consistency: Consistency,
    ) -> Result<(Vec<(Table, Item)>, Vec<(Table, Attributes)>), StoreError> {
        let Some((first, _)) = keys.first() else { return Ok((Vec::new(), Vec::new())) };
        let client = self.client(first);
        let mut by_table: Vec<(Table, Vec<Attributes>)> = Vec::new();
        for (table, key) in keys {
            match by_table.iter_mut().find(|(known, _)| *known == table) {
                Some((_, keys)) => keys.push(key),
                None => by_table.push((table, vec![key])),
            }
        }
        let mut request =
            client.batch_get_item().return_consumed_capacity(ReturnConsumedCapacity::Total);
        let mut tables = Vec::with_capacity(by_table.len());
        for (table, keys) in by_table {
            let keys = KeysAndAttributes::builder()
                .set_keys(Some(keys))
                .consistent_read(consistency == Consistency::Strong)
                .build()
                .map_err(unbuilt)?;
            request = request.request_items(self.physical(&table), keys);
            tables.push(table);
        }
        let answer = self.read(Operation::BatchGet, || request.clone().send()).await?;
        let mut responses = answer.responses.unwrap_or_default();
        let mut unprocessed = answer.unprocessed_keys.unwrap_or_default();
        let (mut items, mut left) = (Vec::new(), Vec::new());
        for table in tables {
            let physical = self.physical(&table);
            let found = responses.remove(&physical).unwrap_or_default();
            items.extend(found.into_iter().map(|item| (table, Item::from(item))));
            let open = unprocessed.remove(&physical).map(|open| open.keys).unwrap_or_default();
            left.extend(open.into_iter().map(|key| (table, key)));
        }
        let capacity = answer.consumed_capacity.as_deref().unwrap_or_default();
        self.meter.read(items.len(), capacity);
        Ok((items, left))
    }
}

fn check_count(keys: usize) -> Result<(), StoreError> {
    if keys <= BATCH_GET_MAX {
        return Ok(());
    }
    Err(StoreError::Invalid(format!(
        "{keys} keys in one read, at most {BATCH_GET_MAX} are allowed"
    )))
}
