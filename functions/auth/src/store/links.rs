//! Mailed links. The row says what a link is for; the token itself is derived when it is mailed and
//! never stored.

use std::time::Duration;

use events::auth::LinkPurpose;
use kernel::{Error, LinkId, TenantId, Timestamp, UserId};
use runtime::{Ctx, InTenant};
use serde::{Deserialize, Serialize};
use store::{Change, Condition, Consistency, Key, Scope, Store, Stored, Table};

use super::keys::{self, AUTH};
use crate::domain::address::Lookup;
use crate::domain::link::{Link, Purpose};

/// The label of a refused use of a link.
pub const LINK: &str = "link";

/// How long a dead link is kept, for answers and support.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// A link, or the notice that takes its place.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LinkRow {
    pub tenant: TenantId,
    pub link: LinkId,
    pub purpose: LinkPurpose,
    /// Whose it is. A link made for an address nobody has is for a person who does not exist.
    pub user: UserId,
    /// Where the credentials are.
    pub address: Lookup,
    /// The version of the credentials it was made for.
    #[serde(rename = "cred_v")]
    pub credential_version: u64,
    /// The tenant as people know it, for the mail.
    pub tenant_name: String,
    #[serde(with = "kernel::time::ms", rename = "expires_at_ms")]
    pub expires_at: Timestamp,
    #[serde(rename = "expires_at")]
    removed_at_s: i64,
}

impl Stored for LinkRow {
    const TABLE: Table = AUTH;

    fn key(&self) -> Key {
        keys::link(&Scope::tenant(self.tenant), self.link)
    }
}

impl LinkRow {
    /// The link to decide on; a notice is none.
    pub fn to_link(&self) -> Option<Link> {
        match self.purpose {
            LinkPurpose::Verify => Some(Link {
                purpose: Purpose::Verify,
                user: self.user,
                credential_version: self.credential_version,
                expires_at: self.expires_at,
            }),
            LinkPurpose::AlreadyRegistered => None,
        }
    }
}

/// A link to make.
pub struct NewLink {
    pub link: LinkId,
    pub purpose: LinkPurpose,
    pub user: UserId,
    pub address: Lookup,
    pub credential_version: u64,
    pub tenant_name: String,
    pub expires_at: Timestamp,
}

/// The links of one tenant.
pub struct Links<'a> {
    store: &'a Store,
    tenant: TenantId,
}

impl<'a> Links<'a> {
    /// The links of the tenant of this call.
    pub fn of<Who: InTenant>(ctx: &'a Ctx<Who>) -> Self {
        Self { store: ctx.store(), tenant: ctx.tenant() }
    }

    /// The link of this id.
    pub async fn get(&self, link: LinkId) -> Result<Option<LinkRow>, Error> {
        let key = keys::link(&Scope::tenant(self.tenant), link);
        Ok(self.store.get(&key, Consistency::Strong).await?)
    }

    /// Makes a link.
    pub fn create(&self, new: NewLink) -> Change {
        let row = LinkRow {
            tenant: self.tenant,
            link: new.link,
            purpose: new.purpose,
            user: new.user,
            address: new.address,
            credential_version: new.credential_version,
            tenant_name: new.tenant_name,
            expires_at: new.expires_at,
            removed_at_s: new.expires_at.plus(KEPT).seconds(),
        };
        let mut change = Change::new();
        change.create(&row);
        change
    }

    /// Uses a link up. Refused as [`LINK`] where it was used before.
    pub fn consume(&self, row: &LinkRow) -> Change {
        let mut change = Change::new();
        change.delete(AUTH, row.key()).when(Condition::some_item()).named(LINK);
        change
    }
}
