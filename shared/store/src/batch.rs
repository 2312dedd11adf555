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
        let wanted = wanted(keys)?;
        let mut open: Vec<Attributes> = Vec::new();
        for key in keys {
            let attributes = key_attributes(key)?;
            if !open.contains(&attributes) {
                open.push(attributes);
            }
        }
        let mut found: HashMap<(String, String), Item> = HashMap::new();
        let mut backoff = Backoff::of_conflicts();
        while !open.is_empty() {
            let (items, left) = self.batch_get(&T::TABLE, open, consistency).await?;
            for item in items.into_iter().map(Item::from) {
                if let (Some(pk), Some(sk)) = (item.text(PARTITION), item.text(SORT)) {
                    found.insert((pk.to_owned(), sk.to_owned()), item);
                }
            }
            open = left;
            if !open.is_empty() {
                let pause = backoff.pause(self.random()).ok_or(StoreError::Throttled)?;
                let rest = tokio::time::sleep(pause);
                self.until_deadline(rest).await.ok_or(StoreError::Timeout)?;
            }
        }
        let rows = wanted.into_iter().map(|key| found.get(&key).cloned());
        rows.map(|item| item.map(|item| decoded(&T::TABLE, item)).transpose()).collect()
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

    async fn batch_get(
        &self,
        table: &Table,
        keys: Vec<Attributes>,
        consistency: Consistency,
    ) -> Result<(Vec<Attributes>, Vec<Attributes>), StoreError> {
        let physical = self.physical(table);
        let keys = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            .consistent_read(consistency == Consistency::Strong)
            .build()
            .map_err(unbuilt)?;
        let request = self
            .client(table)
            .batch_get_item()
            .request_items(&physical, keys)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = self.read(Operation::BatchGet, || request.clone().send()).await?;
        let items = answer.responses.and_then(|mut all| all.remove(&physical)).unwrap_or_default();
        let capacity = answer.consumed_capacity.as_deref().unwrap_or_default();
        self.meter.read(items.len(), capacity);
        let left = answer.unprocessed_keys.and_then(|mut all| all.remove(&physical));
        Ok((items, left.map(|left| left.keys).unwrap_or_default()))
    }
}

fn wanted(keys: &[Key]) -> Result<Vec<(String, String)>, StoreError> {
    check_count(keys.len())?;
    let texts = keys.iter().map(|key| {
        let (pk, sk) = key.texts()?;
        Ok((pk.to_owned(), sk.to_owned()))
    });
    texts.collect()
}

fn check_count(keys: usize) -> Result<(), StoreError> {
    if keys <= BATCH_GET_MAX {
        return Ok(());
    }
    Err(StoreError::Invalid(format!(
        "{keys} keys in one read, at most {BATCH_GET_MAX} are allowed"
    )))
}
