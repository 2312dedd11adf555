//! The store: one per process, a cheap clone per call. Reads, and what every request shares.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use serde::de::DeserializeOwned;

use crate::condition::Placeholders;
use crate::error::{Failure, StoreError, failure};
use crate::item::{Item, Stored, Value};
use crate::key::Key;
use crate::meter::{Meter, Operation};
use crate::names::{Endpoint, Names};
use crate::query::{Consistency, Position, Query, Rows};
use crate::retry::{Backoff, Deadline, Random};
use crate::table::Table;

/// Access to the tables. Every request counts on its meter and ends at its deadline.
///
/// There is no scan: whatever is looked for has a key or an index.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    pub(crate) meter: Arc<Meter>,
    deadline: Option<Deadline>,
}

struct Shared {
    client: Client,
    elsewhere: HashMap<String, Endpoint>,
    names: Names,
    random: Random,
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Store").field("names", &self.shared.names).finish_non_exhaustive()
    }
}

impl Store {
    /// A store over this client. Its retry configuration should be one attempt: the store retries
    /// itself, knowing what may be repeated.
    pub fn new(client: Client, names: Names, random: Random) -> Self {
        Self::with_endpoints(client, HashMap::new(), names, random)
    }

    /// A store where some tables, by logical name, are behind endpoints of their own. A change can
    /// only write tables behind the same endpoint.
    pub fn with_endpoints(
        client: Client,
        elsewhere: HashMap<String, Endpoint>,
        names: Names,
        random: Random,
    ) -> Self {
        let shared = Arc::new(Shared { client, elsewhere, names, random });
        Self { shared, meter: Arc::default(), deadline: None }
    }

    /// The same store, counting on this meter.
    #[must_use]
    pub fn metered(&self, meter: Arc<Meter>) -> Self {
        Self { meter, ..self.clone() }
    }

    /// The same store, giving up at this deadline.
    #[must_use]
    pub fn until(&self, deadline: Deadline) -> Self {
        Self { deadline: Some(deadline), ..self.clone() }
    }

    /// The meter of this store.
    pub fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// The physical name of a table.
    pub fn physical(&self, table: &Table) -> String {
        self.shared.names.physical(table)
    }

    /// The row with this key.
    ///
    /// # Errors
    /// [`StoreError`]; `Corrupt` when the row is not a `T`.
    pub async fn get<T: Stored>(
        &self,
        key: &Key,
        consistency: Consistency,
    ) -> Result<Option<T>, StoreError> {
        let item = self.get_item(&T::TABLE, key, consistency).await?;
        item.map(|item| decoded(&T::TABLE, item)).transpose()
    }

    /// The item with this key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn get_item(
        &self,
        table: &Table,
        key: &Key,
        consistency: Consistency,
    ) -> Result<Option<Item>, StoreError> {
        let request = self
            .client(table)
            .get_item()
            .table_name(self.physical(table))
            .set_key(Some(key_attributes(key)?))
            .consistent_read(consistency == Consistency::Strong)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = self.read(Operation::Get, || request.clone().send()).await?;
        self.meter.read(usize::from(answer.item.is_some()), answer.consumed_capacity.as_slice());
        Ok(answer.item.map(Item::from))
    }

    /// One page of a query, read as `T` ([`Item`] itself for an index that keeps only keys, by
    /// [`Store::query_items`]). One request, unless a page exceeds 1 MB.
    ///
    /// # Errors
    /// [`StoreError`]; `Corrupt` when a row is not a `T`.
    pub async fn query<T: DeserializeOwned>(&self, query: &Query) -> Result<Rows<T>, StoreError> {
        let Rows { items, next } = self.query_items(query).await?;
        let items = items.into_iter().map(|item| decoded(&query.table, item));
        Ok(Rows { items: items.collect::<Result<_, _>>()?, next })
    }

    /// One page of a query as plain items. `next` is exact: it is there only if a further item is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn query_items(&self, query: &Query) -> Result<Rows<Item>, StoreError> {
        let mut holders = Placeholders::default();
        let condition = query.condition(&mut holders)?;
        // One more than asked for tells whether there is a next page.
        let wanted = query.limit;
        let mut items: Vec<Item> = Vec::new();
        let mut start = query.from.as_ref().map(Position::start_key);
        loop {
            let missing = i32::try_from(wanted + 1 - items.len()).unwrap_or(i32::MAX);
            let request = self
                .client(&query.table)
                .query()
                .table_name(self.physical(&query.table))
                .set_index_name(query.index.map(|index| index.name().to_owned()))
                .key_condition_expression(&condition)
                .set_expression_attribute_names(holders.names())
                .set_expression_attribute_values(holders.values())
                .scan_index_forward(!query.descending)
                .consistent_read(query.consistency == Consistency::Strong)
                .limit(missing)
                .set_exclusive_start_key(start)
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let answer = self.read(Operation::Query, || request.clone().send()).await?;
            let page = answer.items.unwrap_or_default();
            self.meter.read(page.len(), answer.consumed_capacity.as_slice());
            items.extend(page.into_iter().map(Item::from));
            start = answer.last_evaluated_key;
            if items.len() > wanted || start.is_none() {
                break;
            }
        }
        let more = items.len() > wanted;
        items.truncate(wanted);
        let next = items.last().filter(|_| more).map(|last| query.position_of(last));
        Ok(Rows { items, next })
    }

    /// Sends a read until it is answered, refused or out of retries or time.
    pub(crate) async fn read<T, E, R, F>(
        &self,
        operation: Operation,
        mut send: impl FnMut() -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, SdkError<E, R>>>,
        E: ProvideErrorMetadata,
    {
        let mut backoff = Backoff::of_lost_answers();
        let work = async {
            loop {
                self.meter.sent(operation);
                let failed = match send().await {
                    Ok(answer) => return Ok(answer),
                    Err(error) => failure(&error),
                };
                let again = !matches!(failed, Failure::Invalid(_));
                match backoff.pause(self.random()).filter(|_| again) {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => return Err(failed.of_read()),
                }
            }
        };
        self.until_deadline(work).await.unwrap_or(Err(StoreError::Timeout))
    }

    /// The work's outcome, or nothing when the deadline came first.
    pub(crate) async fn until_deadline<F: Future>(&self, work: F) -> Option<F::Output> {
        match self.deadline {
            Some(deadline) => tokio::time::timeout_at(deadline.instant(), work).await.ok(),
            None => Some(work.await),
        }
    }

    pub(crate) fn client(&self, table: &Table) -> &Client {
        let own = self.shared.elsewhere.get(table.name());
        own.map_or(&self.shared.client, |endpoint| &endpoint.client)
    }

    /// Where the table is; nothing for the usual database.
    pub(crate) fn endpoint(&self, table: &Table) -> Option<&str> {
        self.shared.elsewhere.get(table.name()).map(|endpoint| endpoint.url.as_str())
    }

    pub(crate) fn random(&self) -> u64 {
        (self.shared.random)()
    }
}

pub(crate) fn key_attributes(key: &Key) -> Result<HashMap<String, Value>, StoreError> {
    let mut item = Item::default();
    item.place(key)?;
    Ok(item.into_attributes())
}

pub(crate) fn decoded<T: DeserializeOwned>(table: &Table, item: Item) -> Result<T, StoreError> {
    let table = table.name();
    item.decode().map_err(|error| StoreError::Corrupt { table, reason: error.to_string() })
}
