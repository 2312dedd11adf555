//! The cache port: values with versions, so that a late writer cannot bring an old one back.
//!
//! Never for balances, permissions or idempotency.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::BoxFuture;
use kernel::Timestamp;

/// A cached value: absent rows are cached too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cached {
    /// The row's version; 0 for a row that is not there.
    pub version: u64,
    /// The value as JSON; `None` for a row that is not there.
    pub value: Option<String>,
    /// When it was put in.
    pub stored_at: Timestamp,
}

/// A cache. Faults never reach the caller: a value that cannot be had is not there.
pub trait Cache: Send + Sync {
    /// Whether other processes see the same values.
    fn is_shared(&self) -> bool;

    /// The value under this key.
    fn get<'a>(&'a self, key: &'a str, now: Timestamp) -> BoxFuture<'a, Option<Cached>>;

    /// Puts a value in for `life`; dropped where a newer version, or a tombstone, is there.
    fn set<'a>(&'a self, key: &'a str, cached: Cached, life: Duration) -> BoxFuture<'a, ()>;

    /// Takes a value out and keeps versions up to `version` out for `floor`.
    fn delete<'a>(
        &'a self,
        key: &'a str,
        version: u64,
        now: Timestamp,
        floor: Duration,
    ) -> BoxFuture<'a, ()>;
}

/// Values kept in this process, at most so many.
const CAPACITY: usize = 10_000;

/// The cache of one process.
#[derive(Default)]
pub struct InProcess {
    slots: Mutex<HashMap<String, Slot>>,
}

struct Slot {
    cached: Cached,
    until: Timestamp,
    tombstone: bool,
}

impl Cache for InProcess {
    fn is_shared(&self) -> bool {
        false
    }

    fn get<'a>(&'a self, key: &'a str, now: Timestamp) -> BoxFuture<'a, Option<Cached>> {
        let found = self.slots.lock().ok().and_then(|slots| {
            let slot = slots.get(key).filter(|slot| now < slot.until && !slot.tombstone)?;
            Some(slot.cached.clone())
        });
        Box::pin(std::future::ready(found))
    }

    fn set<'a>(&'a self, key: &'a str, cached: Cached, life: Duration) -> BoxFuture<'a, ()> {
        let until = cached.stored_at.plus(life);
        self.put(key, Slot { cached, until, tombstone: false });
        Box::pin(std::future::ready(()))
    }

    fn delete<'a>(
        &'a self,
        key: &'a str,
        version: u64,
        now: Timestamp,
        floor: Duration,
    ) -> BoxFuture<'a, ()> {
        let cached = Cached { version, value: None, stored_at: now };
        self.put(key, Slot { cached, until: now.plus(floor), tombstone: true });
        Box::pin(std::future::ready(()))
    }
}

impl InProcess {
    fn put(&self, key: &str, slot: Slot) {
        let Ok(mut slots) = self.slots.lock() else { return };
        let now = slot.cached.stored_at;
        if slots.len() >= CAPACITY {
            slots.retain(|_, slot| now < slot.until);
        }
        let newer = slots.get(key).is_some_and(|held| {
            let outranks = match held.tombstone {
                true => held.cached.version >= slot.cached.version,
                false => held.cached.version > slot.cached.version,
            };
            now < held.until && outranks
        });
        if !newer && slots.len() < CAPACITY {
            slots.insert(key.to_owned(), slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(300);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn value(version: u64, seconds: i64) -> Cached {
        Cached { version, value: Some(format!("{version}")), stored_at: at(seconds) }
    }

    #[tokio::test]
    async fn a_value_ends_with_its_life() {
        let cache = InProcess::default();
        cache.set("k", value(1, 0), LIFE).await;
        assert_eq!(cache.get("k", at(299)).await, Some(value(1, 0)));
        assert_eq!(cache.get("k", at(300)).await, None);
    }

    #[tokio::test]
    async fn a_late_writer_does_not_bring_an_old_version_back() {
        let cache = InProcess::default();
        cache.set("k", value(3, 0), LIFE).await;
        cache.set("k", value(2, 1), LIFE).await;
        assert_eq!(cache.get("k", at(2)).await, Some(value(3, 0)));
    }

    #[tokio::test]
    async fn a_deleted_value_stays_deleted() {
        let cache = InProcess::default();
        cache.delete("k", 3, at(0), LIFE).await;
        cache.set("k", value(3, 1), LIFE).await;
        assert_eq!(cache.get("k", at(2)).await, None);
        cache.set("k", value(4, 3), LIFE).await;
        assert_eq!(cache.get("k", at(4)).await, Some(value(4, 3)));
    }
}
