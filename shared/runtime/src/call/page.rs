//! Lists: the page after a cursor, and the cursor of the next page. A cursor is a sealed position; it
//! works for the one it was made for, in the tenant, list and filters it was made in.

mod seal;

pub use seal::SealKeys;

use std::time::Duration;

use kernel::problem::{CURSOR_INVALID, DEPENDENCY_UNAVAILABLE};
use kernel::{Cursor, Error, List, Page};
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::Query;

use self::seal::Binding;
use super::caller::{InTenant, Operator, Principal, User};
use super::ctx::Ctx;
use crate::ports::log::Line;
use crate::ports::secrets::SecretName;

/// The keys that seal cursors. Module `platform` keeps them; whoever serves a list opens them.
pub const CURSOR_SEAL: SecretName = SecretName::new("platform/seal/cursor");

/// How old the keys may be in a process, and how old where a cursor names one that is not among them.
const FRESH: Duration = Duration::from_secs(300);
const AT_ONCE: Duration = Duration::from_secs(5);

/// Who may read lists.
pub trait Reader {
    /// What a cursor of theirs is bound to: equal for no two readers.
    fn reader(&self) -> String;
}

impl Reader for User {
    fn reader(&self) -> String {
        in_tenant(self, &self.id())
    }
}

impl Reader for Principal {
    fn reader(&self) -> String {
        in_tenant(self, &self.subject())
    }
}

impl Reader for Operator {
    fn reader(&self) -> String {
        format!("operator/{}", self.name())
    }
}

fn in_tenant(who: &impl InTenant, subject: &dyn std::fmt::Display) -> String {
    let mode = if who.livemode() { "live" } else { "test" };
    format!("{}/{mode}/{subject}", who.tenant())
}

impl<Who: Reader> Ctx<Who> {
    /// One page of a list that is one query: at most `limit` of its rows, from the cursor on. Rows
    /// that come before it meanwhile do not shift it.
    pub async fn page<Row, Filters>(
        &self,
        query: Query,
        list: &List<Filters>,
    ) -> Result<Page<Row>, Error>
    where
        Row: DeserializeOwned,
        Filters: Serialize,
    {
        let mut query = query.limit(list.limit.get());
        if let Some(position) = self.opened(list).await? {
            let position = query.position(&position).map_err(|_| no_cursor())?;
            query = query.after(Some(position));
        }
        let rows = self.store().query::<Row>(&query).await?;
        let next = rows.next.map(|position| query.encode(&position));
        self.sealed(list, rows.items, next).await
    }

    /// Where a list goes on that is more than one query; nothing on its first page.
    pub async fn resumed<Position, Filters>(
        &self,
        list: &List<Filters>,
    ) -> Result<Option<Position>, Error>
    where
        Position: DeserializeOwned,
        Filters: Serialize,
    {
        let position = self.opened(list).await?;
        let position = position.map(|bytes| serde_json::from_slice(&bytes));
        position.transpose().map_err(|_| no_cursor())
    }

    /// A page of such a list, and where it goes on.
    pub async fn paged<Item, Position, Filters>(
        &self,
        list: &List<Filters>,
        data: Vec<Item>,
        next: Option<Position>,
    ) -> Result<Page<Item>, Error>
    where
        Position: Serialize,
        Filters: Serialize,
    {
        let next = next.as_ref().map(serde_json::to_vec).transpose();
        let next = next.map_err(|fault| Error::internal(format!("a position: {fault}")))?;
        self.sealed(list, data, next).await
    }

    async fn opened<Filters: Serialize>(
        &self,
        list: &List<Filters>,
    ) -> Result<Option<Vec<u8>>, Error> {
        let Some(cursor) = &list.cursor else { return Ok(None) };
        let mut keys = self.seal_keys(FRESH).await?;
        if !keys.know(cursor) {
            keys = self.seal_keys(AT_ONCE).await?;
        }
        let position = keys.open(cursor, &self.binding(list)?);
        position.ok_or_else(no_cursor).map(Some)
    }

    async fn sealed<Item, Filters: Serialize>(
        &self,
        list: &List<Filters>,
        data: Vec<Item>,
        next: Option<Vec<u8>>,
    ) -> Result<Page<Item>, Error> {
        let cursor = match next {
            Some(next) => Some(self.cursor(list, &next).await?),
            None => None,
        };
        Ok(Page::new(data, cursor))
    }

    async fn cursor<Filters: Serialize>(
        &self,
        list: &List<Filters>,
        position: &[u8],
    ) -> Result<Cursor, Error> {
        let keys = self.seal_keys(FRESH).await?;
        keys.seal(position, &self.binding(list)?).ok_or_else(unreadable)
    }

    fn binding<Filters: Serialize>(&self, list: &List<Filters>) -> Result<Binding, Error> {
        let filters = serde_json::to_string(&list.filters);
        let filters = filters.map_err(|fault| Error::internal(format!("filters: {fault}")))?;
        Ok(Binding { reader: self.who.reader(), list: self.call.function, filters })
    }

    async fn seal_keys(&self, age: Duration) -> Result<SealKeys, Error> {
        let Some(document) = self.secrets().get_within(CURSOR_SEAL, age).await? else {
            let line = Line::error("a secret was never made: run platform.keep_seal");
            self.log(line.with("secret", CURSOR_SEAL.as_str()));
            return Err(DEPENDENCY_UNAVAILABLE.error());
        };
        SealKeys::parse(document.expose()).ok_or_else(unreadable)
    }
}

fn no_cursor() -> Error {
    CURSOR_INVALID.error().at("cursor")
}

fn unreadable() -> Error {
    Error::internal(format!("secret {CURSOR_SEAL} has not the form this program reads"))
}
