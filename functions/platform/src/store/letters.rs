//! Dead letters: events a listener gave up, kept in its inbox as `failed`.

use contracts::platform::EventAddress;
use kernel::{Error, EventId, Timestamp};
use store::inbox::{self, InboxKey, InboxRow, State};
use store::{Consistency, Item, Key, Query, Store};

use super::outbox::scope_of;
use crate::domain::letter::Letter;

/// A dead letter as it is now.
#[derive(Clone, Debug)]
pub struct Dead {
    pub letter: Letter,
    pub row: InboxRow,
    pub failed_at: Timestamp,
}

/// What one listener gave up.
pub struct Letters<'a> {
    store: &'a Store,
    listener: &'a str,
}

impl<'a> Letters<'a> {
    pub fn of(store: &'a Store, listener: &'a str) -> Self {
        Self { store, listener }
    }

    /// All of them, oldest first; the index holds keys only and may be some moments behind.
    pub fn query(&self) -> Query {
        inbox::dead_of(self.listener)
    }

    /// Those of a page that are dead letters still.
    pub async fn opened(&self, page: &[Item]) -> Result<Vec<Dead>, Error> {
        let keys: Vec<Key> = page.iter().filter_map(Item::key).collect();
        self.rows(&keys).await
    }

    /// Those of these events that are dead letters, in their order.
    pub async fn named(&self, events: &[(EventAddress, EventId)]) -> Result<Vec<Dead>, Error> {
        let keys = events.iter().map(|(address, event)| self.key(address, *event).key().clone());
        self.rows(&keys.collect::<Vec<Key>>()).await
    }

    /// How many there are, at most so many counted.
    pub async fn count(&self, most: usize) -> Result<u64, Error> {
        let page = self.store.query_items(&self.query().limit(most)).await?;
        Ok(u64::try_from(page.items.len()).unwrap_or(u64::MAX))
    }

    fn key(&self, address: &EventAddress, event: EventId) -> InboxKey {
        let scope = scope_of(address.tenant_id, address.livemode);
        InboxKey::new(&scope, self.listener, event, None)
    }

    async fn rows(&self, keys: &[Key]) -> Result<Vec<Dead>, Error> {
        let rows = self.store.get_many::<InboxRow>(keys, Consistency::Strong).await?;
        Ok(rows.into_iter().flatten().filter_map(Dead::of).collect())
    }
}

impl Dead {
    fn of(row: InboxRow) -> Option<Self> {
        let letter = row.key.pk.text().ok().and_then(Letter::parse)?;
        let failed_at = Timestamp::from_ms(row.failed_at_ms.unwrap_or_default());
        (row.state == State::Failed).then_some(Self { letter, row, failed_at })
    }

    /// The key of its row, for its transitions.
    pub fn key(&self) -> InboxKey {
        let Letter { tenant_id, livemode, listener, event, part } = &self.letter;
        InboxKey::new(&scope_of(*tenant_id, *livemode), listener, *event, part.as_deref())
    }
}
