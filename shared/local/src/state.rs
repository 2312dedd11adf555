//! One small durable store for queues, topics, secrets and stream checkpoints: rows of
//! (kind, scope, key) → JSON in a SQLite file beside the engine's own.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS records (
    kind TEXT NOT NULL,
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (kind, scope, key)
) WITHOUT ROWID";

/// The store. Clones share it. What `apply` has answered survives `kill -9`.
#[derive(Clone)]
pub(crate) struct Store {
    connection: Arc<Mutex<Connection>>,
    kept: bool,
}

/// Why the store could not do it: a full disk, a damaged file.
#[derive(Debug, thiserror::Error)]
#[error("the local cloud's state file cannot be used: {0}")]
pub(crate) struct StoreError(#[from] rusqlite::Error);

/// One change; the changes of one `apply` happen together or not at all.
#[derive(Debug)]
pub(crate) enum Change {
    Put { kind: &'static str, scope: String, key: String, value: Vec<u8> },
    Delete { kind: &'static str, scope: String, key: String },
    Clear { kind: &'static str, scope: String },
}

impl Change {
    /// Writes `value`, replacing what was there.
    pub fn put<T: Serialize>(kind: &'static str, scope: &str, key: &str, value: &T) -> Self {
        // Our own types serialise without fail; an empty value would be skipped when loading.
        let value = serde_json::to_vec(value).unwrap_or_default();
        Self::Put { kind, scope: scope.to_owned(), key: key.to_owned(), value }
    }

    /// Removes one row, if present.
    pub fn delete(kind: &'static str, scope: &str, key: &str) -> Self {
        Self::Delete { kind, scope: scope.to_owned(), key: key.to_owned() }
    }

    /// Removes every row of one kind and scope.
    pub fn clear(kind: &'static str, scope: &str) -> Self {
        Self::Clear { kind, scope: scope.to_owned() }
    }
}

impl Store {
    /// Opens the file, made if missing; `None` keeps everything in memory.
    pub fn open(path: Option<&Path>) -> Result<Self, StoreError> {
        let connection = match path {
            None => Connection::open_in_memory()?,
            Some(path) => Connection::open(path)?,
        };
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), kept: path.is_some() })
    }

    /// Whether another process may load what is applied. What only a restart would load need not be
    /// written where there is none.
    pub fn is_kept(&self) -> bool {
        self.kept
    }

    /// Applies the changes in order, all or none.
    pub fn apply(&self, changes: &[Change]) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction()?;
        for change in changes {
            match change {
                Change::Put { kind, scope, key, value } => transaction
                    .prepare_cached("INSERT OR REPLACE INTO records VALUES (?1, ?2, ?3, ?4)")?
                    .execute(params![kind, scope, key, value])?,
                Change::Delete { kind, scope, key } => transaction
                    .prepare_cached("DELETE FROM records WHERE kind=?1 AND scope=?2 AND key=?3")?
                    .execute(params![kind, scope, key])?,
                Change::Clear { kind, scope } => transaction
                    .prepare_cached("DELETE FROM records WHERE kind=?1 AND scope=?2")?
                    .execute(params![kind, scope])?,
            };
        }
        transaction.commit()?;
        Ok(())
    }

    /// Makes every further write fail as on a full disk.
    #[cfg(test)]
    pub fn fill_disk(&self) {
        let connection = self.connection.lock().unwrap();
        let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        connection.pragma_update(None, "max_page_count", pages).unwrap();
    }

    /// Every row of a kind as (scope, key, value), sorted. A row that cannot be read is left out.
    pub fn load<T: DeserializeOwned>(
        &self,
        kind: &'static str,
    ) -> Result<Vec<(String, String, T)>, StoreError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut statement = connection.prepare_cached(
            "SELECT scope, key, value FROM records WHERE kind = ?1 ORDER BY scope, key",
        )?;
        let rows = statement.query_map([kind], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, Vec<u8>>(2)?))
        })?;
        let mut loaded = Vec::new();
        for row in rows {
            let (scope, key, value) = row?;
            if let Ok(value) = serde_json::from_slice(&value) {
                loaded.push((scope, key, value));
            }
        }
        Ok(loaded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_apply_together_and_load_sorted() {
        let store = Store::open(None).unwrap();
        store
            .apply(&[
                Change::put("q", "b", "2", &20),
                Change::put("q", "a", "1", &10),
                Change::put("q", "b", "1", &15),
                Change::put("q", "c", "1", &30),
                Change::delete("q", "c", "1"),
            ])
            .unwrap();
        let rows: Vec<(String, String, i32)> = store.load("q").unwrap();
        let rows: Vec<_> = rows.iter().map(|(s, k, v)| (s.as_str(), k.as_str(), *v)).collect();
        assert_eq!(rows, [("a", "1", 10), ("b", "1", 15), ("b", "2", 20)]);
        store.apply(&[Change::clear("q", "b")]).unwrap();
        assert_eq!(store.load::<i32>("q").unwrap().len(), 1);
    }
}
