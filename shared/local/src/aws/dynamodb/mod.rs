//! DynamoDB: the embedded engine behind the wire protocol, its tables, streams and expiry.

mod engine;
mod expiry;
mod keys;
mod spec;
mod stream;

#[cfg(test)]
mod tests;

pub(crate) use keys::{TableKeys, Touched};
pub use spec::{IndexSpec, KeyType, Projection, TableSpec};
pub use stream::StreamRecord;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use dynoxide::{Database, DynoxideError, TableMetadata};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::request::{Answer, JSON_1_0, Request, bare_code};
use crate::clock::VirtualClock;

/// The tables of one cloud. Clones share state.
#[derive(Clone)]
pub struct Tables {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    clock: VirtualClock,
    bells: Mutex<HashMap<String, watch::Sender<u64>>>,
    keys: Mutex<HashMap<String, TableKeys>>,
}

/// Why a table could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The engine refused; its words.
    #[error("DynamoDB refused {operation} on table {table}: {message}")]
    Refused {
        /// Table name.
        table: String,
        /// Operation name.
        operation: &'static str,
        /// The engine's error.
        message: String,
    },
    /// The stored table has other keys than the declared one, and keys cannot be changed.
    #[error(
        "table {table} is stored with {stored}, but {declared} is declared; \
         delete the data folder, or give the table a new name"
    )]
    OtherKeys {
        /// Table name.
        table: String,
        /// What the data folder holds.
        stored: String,
        /// What the program declares.
        declared: String,
    },
}

impl Tables {
    /// Opens the engine: `None` keeps everything in memory.
    pub(crate) fn open(path: Option<&Path>, clock: &VirtualClock) -> Result<Self, DynoxideError> {
        let database = match path {
            None => engine::open_memory(clock)?,
            Some(path) => engine::open_file(&path.to_string_lossy(), clock)?,
        };
        Ok(Self {
            inner: Arc::new(Inner {
                database,
                clock: clock.clone(),
                bells: Mutex::default(),
                keys: Mutex::default(),
            }),
        })
    }

    /// Makes the table, or brings a stored one up to date: missing indexes, stream and expiry are
    /// added, nothing is taken away. Refuses a stored table or index with other keys.
    pub fn ensure(&self, spec: &TableSpec) -> Result<(), TableError> {
        match self.metadata(&spec.name) {
            None => self.request(&spec.name, "CreateTable", &spec.create_body())?,
            Some(stored) => self.bring_up_to_date(spec, &stored)?,
        }
        let expires = self.metadata(&spec.name).is_some_and(|stored| stored.ttl_enabled);
        if let Some(attribute) = spec.ttl_attribute.as_ref().filter(|_| !expires) {
            let body = json!({
                "TableName": spec.name,
                "TimeToLiveSpecification": { "AttributeName": attribute, "Enabled": true },
            });
            self.request(&spec.name, "UpdateTimeToLive", &body)?;
        }
        Ok(())
    }

    /// Names of all tables, sorted.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut request = json!({});
        loop {
            let answer = self.call("ListTables", &request.to_string()).unwrap_or_default();
            let page: Value = serde_json::from_str(&answer).unwrap_or(Value::Null);
            let found = page.get("TableNames").and_then(Value::as_array).into_iter().flatten();
            names.extend(found.filter_map(Value::as_str).map(str::to_owned));
            match page.get("LastEvaluatedTableName") {
                Some(last) => request = json!({ "ExclusiveStartTableName": last }),
                None => return names,
            }
        }
    }

    /// Every item of a table, in the wire form of attributes. No function may read a whole table: this
    /// is for whoever looks at the cloud from outside.
    pub fn items(&self, table: &str) -> Result<Vec<Value>, TableError> {
        let (mut items, mut start) = (Vec::new(), Value::Null);
        loop {
            let mut request = json!({ "TableName": table });
            if let Some(members) = request.as_object_mut().filter(|_| !start.is_null()) {
                members.insert("ExclusiveStartKey".to_owned(), start);
            }
            let answer = self.call("Scan", &request.to_string()).map_err(|error| {
                let (table, message) = (table.to_owned(), error.to_string());
                TableError::Refused { table, operation: "Scan", message }
            })?;
            let mut page: Value = serde_json::from_str(&answer).unwrap_or(Value::Null);
            if let Some(Value::Array(found)) = page.get_mut("Items").map(Value::take) {
                items.extend(found);
            }
            start = page.get_mut("LastEvaluatedKey").map(Value::take).unwrap_or_default();
            if start.is_null() {
                return Ok(items);
            }
        }
    }

    /// Rings after every successful write to `table`, from whichever door it came.
    pub fn bell(&self, table: &str) -> watch::Receiver<u64> {
        let mut bells = lock(&self.inner.bells);
        bells.entry(table.to_owned()).or_insert_with(|| watch::channel(0).0).subscribe()
    }

    /// Answers one wire request.
    pub(crate) async fn answer(&self, request: &Request) -> Answer {
        let Ok(body) = std::str::from_utf8(&request.body) else {
            return Answer::error_json(
                400,
                "com.amazon.coral.service#SerializationException",
                "the request body is not UTF-8",
            );
        };
        match self.call(&request.operation, body) {
            Ok(body) => Answer {
                status: 200,
                content_type: JSON_1_0,
                headers: Vec::new(),
                body: Bytes::from(body),
                error: None,
            },
            Err(error) => Answer {
                status: error.status_code(),
                content_type: JSON_1_0,
                headers: Vec::new(),
                error: Some(bare_code(error.error_type())),
                body: Bytes::from(error.to_json()),
            },
        }
    }

    /// Key attribute names of a table; `None` when there is no such table.
    pub(crate) fn keys_of(&self, table: &str) -> Option<TableKeys> {
        if let Some(known) = lock(&self.inner.keys).get(table) {
            return Some(known.clone());
        }
        let found = table_keys(&self.metadata(table)?);
        lock(&self.inner.keys).insert(table.to_owned(), found.clone());
        Some(found)
    }

    /// One operation through the engine, ringing the bells of what it wrote.
    fn call(&self, operation: &str, body: &str) -> Result<String, DynoxideError> {
        let answer = engine::call(&self.inner.database, operation, body)?;
        match operation {
            "PutItem" | "UpdateItem" | "DeleteItem" | "BatchWriteItem" | "TransactWriteItems" => {
                self.ring(operation, body);
            }
            "ExecuteStatement" | "ExecuteTransaction" | "BatchExecuteStatement" => {
                for bell in lock(&self.inner.bells).values() {
                    ring(bell);
                }
            }
            "CreateTable" | "UpdateTable" | "DeleteTable" => lock(&self.inner.keys).clear(),
            _ => {}
        }
        Ok(answer)
    }

    fn ring(&self, operation: &str, body: &str) {
        let bells = lock(&self.inner.bells);
        if bells.is_empty() {
            return;
        }
        let body = serde_json::from_str(body).unwrap_or(Value::Null);
        for table in Touched::by(operation, &body, &|_| None).tables {
            if let Some(bell) = bells.get(&table) {
                ring(bell);
            }
        }
    }

    fn request(
        &self,
        table: &str,
        operation: &'static str,
        body: &Value,
    ) -> Result<(), TableError> {
        match self.call(operation, &body.to_string()) {
            Ok(_) => Ok(()),
            Err(error) => Err(TableError::Refused {
                table: table.to_owned(),
                operation,
                message: error.to_string(),
            }),
        }
    }

    fn metadata(&self, table: &str) -> Option<TableMetadata> {
        self.inner.database.get_table_metadata(table).ok().flatten()
    }

    fn bring_up_to_date(&self, spec: &TableSpec, stored: &TableMetadata) -> Result<(), TableError> {
        let keys = spec::key_schema(&spec.partition_key, spec.sort_key.as_deref());
        same_keys(&spec.name, &key_names(&stored.key_schema), &schema_names(&keys))?;
        let indexes = stored_indexes(stored);
        for index in &spec.indexes {
            let body = index.body();
            if let Some(schema) = indexes.get(&index.name) {
                let declared = schema_names(body.get("KeySchema").unwrap_or(&Value::Null));
                same_keys(&format!("{} ({})", spec.name, index.name), schema, &declared)?;
                continue;
            }
            let update = json!({
                "TableName": spec.name,
                "AttributeDefinitions": index.attribute_definitions(),
                "GlobalSecondaryIndexUpdates": [{ "Create": body }],
            });
            self.request(&spec.name, "UpdateTable", &update)?;
        }
        if spec.stream && !stored.stream_enabled {
            let update =
                json!({ "TableName": spec.name, "StreamSpecification": spec::stream_body() });
            self.request(&spec.name, "UpdateTable", &update)?;
        }
        Ok(())
    }
}

fn same_keys(table: &str, stored: &[String], declared: &[String]) -> Result<(), TableError> {
    if stored == declared {
        return Ok(());
    }
    Err(TableError::OtherKeys {
        table: table.to_owned(),
        stored: stored.join(" and "),
        declared: declared.join(" and "),
    })
}

fn table_keys(stored: &TableMetadata) -> TableKeys {
    let first = |names: Vec<String>| names.into_iter().next().unwrap_or_default();
    TableKeys {
        partition_key: first(key_names(&stored.key_schema)),
        index_keys: stored_indexes(stored)
            .into_iter()
            .map(|(name, names)| (name, first(names)))
            .collect(),
    }
}

/// Key attribute names of the stored indexes, partition key first.
fn stored_indexes(stored: &TableMetadata) -> BTreeMap<String, Vec<String>> {
    let text = stored.gsi_definitions.as_deref().unwrap_or("[]");
    let definitions: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
    definitions
        .iter()
        .filter_map(|definition| {
            let name = definition.get("IndexName")?.as_str()?.to_owned();
            Some((name, schema_names(definition.get("KeySchema")?)))
        })
        .collect()
}

fn key_names(schema: &str) -> Vec<String> {
    schema_names(&serde_json::from_str(schema).unwrap_or(Value::Null))
}

fn schema_names(schema: &Value) -> Vec<String> {
    let elements = schema.as_array().into_iter().flatten();
    elements
        .filter_map(|element| element.get("AttributeName")?.as_str().map(str::to_owned))
        .collect()
}

fn ring(bell: &watch::Sender<u64>) {
    bell.send_modify(|rings| *rings = rings.wrapping_add(1));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
