//! The outbox as operators see it: events found by their address, by type, or because they wait.

use contracts::platform::{EventAddress, Place};
use kernel::{EntityRef, Error, EventId, TenantId};
use store::outbox::{self, OutboxRow};
use store::{Consistency, Item, Key, OUTBOX, Rows, Scope, Store};

use crate::domain::days;

/// The outbox of all tenants.
pub struct Outbox<'a> {
    store: &'a Store,
}

/// One tenant's rows of one mode.
pub fn scope_of(tenant: TenantId, livemode: bool) -> Scope {
    Scope::tenant(tenant).mode(livemode)
}

/// Where an event is, and the events of the tenant that follow it on the same day.
#[derive(Debug)]
pub struct Found {
    pub key: Key,
    pub event: EventId,
    /// The type's canonical name.
    pub kind: String,
    /// Keys of later events, oldest first.
    pub later: Vec<(EventId, Key)>,
    /// The last event the search came to, where the day has more.
    pub until: Option<EventId>,
}

impl Found {
    /// The entity, as the key names it.
    pub fn subject(&self) -> Option<EntityRef> {
        outbox::place_of(&self.key).map(|(subject, _)| subject)
    }
}

impl<'a> Outbox<'a> {
    pub fn of(store: &'a Store) -> Self {
        Self { store }
    }

    /// The key of an event; none where there is no such event, or not any more. One that is named
    /// by its id costs up to two requests, four in the first second of a day.
    pub async fn key(&self, address: &EventAddress) -> Result<Option<Key>, Error> {
        let scope = scope_of(address.tenant_id, address.livemode);
        let event = match &address.place {
            Place::Nth(subject, sequence) => {
                return Ok(Some(outbox::key_of(&scope, subject, *sequence)));
            }
            Place::Id(event) => *event,
        };
        for day in days::of(event) {
            for public in [true, false] {
                let id = event.to_string();
                let query = outbox::of_day(&scope, &day, public).between(id.clone(), id).limit(1);
                let page = self.store.query_items(&query).await?;
                if let Some(key) = page.items.first().and_then(Item::key) {
                    return Ok(Some(key));
                }
            }
        }
        Ok(None)
    }

    /// The row of an event.
    pub async fn row(&self, address: &EventAddress) -> Result<Option<OutboxRow>, Error> {
        match self.key(address).await? {
            Some(key) => Ok(self.store.get(&key, Consistency::Strong).await?),
            None => Ok(None),
        }
    }

    /// An event with those of its millisecond and after, at most `most` of each index. Two
    /// requests, where the event is named by its id and fewer than `most` share its millisecond.
    pub async fn around(
        &self,
        address: &EventAddress,
        most: usize,
    ) -> Result<Option<Found>, Error> {
        let event = match &address.place {
            Place::Id(event) => *event,
            Place::Nth(..) => match self.row(address).await? {
                Some(row) => return self.beside(address, row, most).await.map(Some),
                None => return Ok(None),
            },
        };
        for day in days::of(event) {
            let pages = self.since(address, &day, event, most).await?;
            let found = merged(&pages, event, None);
            if found.is_some() {
                return Ok(found);
            }
        }
        match self.row(address).await? {
            Some(row) => self.beside(address, row, most).await.map(Some),
            None => Ok(None),
        }
    }

    async fn beside(
        &self,
        address: &EventAddress,
        row: OutboxRow,
        most: usize,
    ) -> Result<Found, Error> {
        let (key, event, kind) = (row.key, row.event_id, row.kind);
        let pages = self.since(address, &event.created_at().day(), event, most).await?;
        let found = merged(&pages, event, Some((key.clone(), kind.clone())));
        Ok(found.unwrap_or(Found { key, event, kind, later: Vec::new(), until: None }))
    }

    async fn since(
        &self,
        address: &EventAddress,
        day: &str,
        event: EventId,
        most: usize,
    ) -> Result<Vec<Rows<Item>>, Error> {
        let scope = scope_of(address.tenant_id, address.livemode);
        let first = EventId::new(event.created_at(), [0; 10]).to_string();
        let mut pages = Vec::new();
        for public in [true, false] {
            let query = outbox::of_day(&scope, day, public).from_value(first.clone()).limit(most);
            pages.push(self.store.query_items(&query).await?);
        }
        Ok(pages)
    }

    /// The rows with these keys (at most 100), as they are now; those that are gone are left out.
    pub async fn rows(&self, keys: &[Key]) -> Result<Vec<OutboxRow>, Error> {
        let rows = self.store.get_many::<OutboxRow>(keys, Consistency::Strong).await?;
        Ok(rows.into_iter().flatten().collect())
    }
}

/// The name of a row that is at hand.
pub fn address_of(row: &OutboxRow) -> Option<EventAddress> {
    let mut words = row.partitionkey.split('/');
    let tenant = words.next()?.parse().ok()?;
    let livemode = words.next()? == "l";
    Some(EventAddress::nth(tenant, livemode, row.subject.clone(), row.sequence))
}

/// The canonical name of a type; as it is where the catalogue does not know it.
pub fn canonical(kind: &str) -> String {
    let catalogue = events::catalogue();
    events::alias::find(&catalogue, kind)
        .map_or_else(|| kind.to_owned(), |entry| entry.spec.name.to_owned())
}

/// The event among the first of one of the pages, and what follows it on both, by id. The search
/// ends where the first of the pages does.
fn merged(pages: &[Rows<Item>], event: EventId, given: Option<(Key, String)>) -> Option<Found> {
    let mut own = given;
    let mut later = Vec::new();
    let mut until: Option<EventId> = None;
    for page in pages {
        let mut last = None;
        for item in &page.items {
            let id: EventId = item.text("event_id")?.parse().ok()?;
            last = Some(id);
            if id == event {
                own = Some((item.key()?, item.text("type")?.to_owned()));
            } else {
                later.push((id, item.key()?));
            }
        }
        if page.next.is_some() {
            until = until.into_iter().chain(last).min();
        }
    }
    let (key, kind) = own?;
    later.retain(|(id, _)| until.is_none_or(|until| *id <= until));
    later.sort_by_key(|(id, _)| *id);
    Some(Found { key, event, kind, later, until })
}

/// The table of these rows, for joint reads.
pub fn placed(key: &Key) -> (store::Table, Key) {
    (OUTBOX, key.clone())
}
