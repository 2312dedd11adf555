//! A replay's events by the day index of the outbox.

use kernel::Error;
use store::outbox::{self, OutboxRow};
use store::planted::{self, Bug};
use store::{Item, Key, Rows, Store};

use super::outbox::{Outbox, scope_of};
use super::replay_row::ReplayRow;
use crate::domain::chunk::{Chunk, Kept};
use crate::domain::replay::CHUNK;
use crate::domain::walk::{InIndex, Position};

/// Indexes one chunk looks into before it finds an event: two for every day of the widest range.
const INDEXES_MAX: usize = 66;

/// The indexes of one replay's tenant.
pub struct DayIndex<'a> {
    store: &'a Store,
    replay: &'a ReplayRow,
}

impl<'a> DayIndex<'a> {
    pub fn of(store: &'a Store, replay: &'a ReplayRow) -> Self {
        Self { store, replay }
    }

    /// The next events: one page of the first index that has any. An index may lag behind its table,
    /// so that a page that ends is not its end: two reads that find nothing are.
    pub async fn chunk(&self, from: InIndex) -> Result<Chunk, Error> {
        let mut at = from;
        for _ in 0..INDEXES_MAX {
            let mut page = self.page(&at).await?;
            if page.items.is_empty() && !planted::is(Bug::StaleIndexTrusted) {
                page = self.page(&at).await?;
            }
            let last = page.items.last().and_then(|item| item.text("event_id")?.parse().ok());
            let trusted = planted::is(Bug::StaleIndexTrusted) && page.next.is_none();
            match last.filter(|_| !trusted) {
                Some(last) => {
                    let next = Position::Index(InIndex { after: Some(last), ..at });
                    return self.opened(&page.items, Some(next)).await;
                }
                None => match self.replay.range.next_index(&at) {
                    Some(Position::Index(next)) if page.items.is_empty() => at = next,
                    next => return self.opened(&page.items, next).await,
                },
            }
        }
        self.opened(&[], Some(Position::Index(at))).await
    }

    async fn page(&self, at: &InIndex) -> Result<Rows<Item>, Error> {
        let tenant = match planted::is(Bug::ForeignKey) {
            true => kernel::TenantId::from_bytes([0xee; 16]),
            false => self.replay.tenant_id,
        };
        let scope = scope_of(tenant, self.replay.livemode);
        let (first, last) = self.replay.range.ids_after(at);
        let query = outbox::of_day(&scope, &at.day.day(), at.public)
            .between(first.to_string(), last.to_string())
            .limit(CHUNK);
        Ok(self.store.query_items(&query).await?)
    }

    /// The wanted ones of a page, as they are now.
    async fn opened(&self, items: &[Item], next: Option<Position>) -> Result<Chunk, Error> {
        let types = &self.replay.types;
        // The index knows the name of an event, and nothing of its major.
        let named = |kind: &str| types.iter().any(|one| one.split('@').next() == Some(kind));
        let wanted = items.iter().filter(|item| item.text("type").is_some_and(named));
        let keys: Vec<Key> = wanted.filter_map(Item::key).collect();
        let mut rows = Outbox::of(self.store).rows(&keys).await?;
        rows.retain(|row| types.contains(&row.topic_type()));
        let seen = u64::try_from(items.len()).unwrap_or(u64::MAX);
        let events = rows.into_iter().map(Kept::from).collect();
        Ok(Chunk { events, seen, unreadable: 0, next })
    }
}

impl From<OutboxRow> for Kept {
    fn from(row: OutboxRow) -> Self {
        let OutboxRow { event_id: id, subject, sequence, envelope, partitionkey, .. } = row;
        Self { id, subject, sequence, envelope, partitionkey }
    }
}
