//! Somebody at the door of a tenant: the tenant by the name they gave, and everything kept about
//! the address they gave, in one read that is the same for known and unknown addresses.

use contracts::auth::{TENANT_UNKNOWN, TenantName};
use kernel::problem::TENANT_SUSPENDED;
use kernel::text::EmailAddress;
use kernel::{Error, Refusal, TenantId};
use runtime::access::{TenantHead, TenantSlug};
use runtime::authorizer::TenantStatus;
use runtime::{Anonymous, Ctx, Guest};
use serde::de::DeserializeOwned;
use store::{Consistency, Item, Stored};

use crate::domain::address::{Address, Lookup};
use crate::secrets;
use crate::store::keys::{self, AUTH};
use crate::store::{AddressRow, CounterRow};

/// What is known at the door.
pub struct Visit {
    /// The call, inside the tenant.
    pub guest: Ctx<Guest>,
    pub head: TenantHead,
    pub address: Address,
    /// Where a new account is put.
    pub lookup: Lookup,
    /// Who has the address.
    pub row: Option<AddressRow>,
    /// The address's counter of failed sign-ins.
    pub counter: Option<CounterRow>,
}

impl Visit {
    /// Opens the door. Refuses an address that cannot be one (422), a tenant nobody knows (404) and
    /// a tenant that is not active (403).
    pub async fn of(
        ctx: &Ctx<Anonymous>,
        tenant: &TenantName,
        email: &EmailAddress,
    ) -> Result<Self, Error> {
        let address = Address::parse(email.as_str())
            .map_err(|refusal| Error::validation(vec![Refusal::from(refusal).at("/email")]))?;
        let peppers = secrets::email_peppers(ctx).await?;
        let tenant = tenant_of(ctx, tenant).await?;
        let guest = ctx.enter(tenant, true, None);
        let lookups: Vec<Lookup> =
            peppers.newest_first().map(|pepper| address.lookup(tenant, pepper)).collect();
        let lookup = lookups.first().cloned();
        let lookup = lookup.ok_or_else(|| Error::internal("a pepper document is never empty"))?;
        let mut keys = vec![
            (TenantHead::TABLE, TenantHead::key_of(tenant)),
            (AUTH, keys::counter(&guest.scope(), &lookup.digest)),
        ];
        keys.extend(lookups.iter().map(|lookup| (AUTH, keys::address(lookup))));
        let items = ctx.store().get_batch(&keys, Consistency::Strong).await?;
        let mut items = items.into_iter();
        let head: Option<TenantHead> = decoded(items.next().flatten())?;
        let counter = decoded(items.next().flatten())?;
        let row = decoded(items.flatten().next())?;
        let head = head.ok_or_else(tenant_unknown)?;
        if head.status() != TenantStatus::Active {
            return Err(TENANT_SUSPENDED.error());
        }
        Ok(Self { guest, head, address, lookup, row, counter })
    }
}

/// The tenant of this id or slug.
async fn tenant_of(ctx: &Ctx<Anonymous>, name: &TenantName) -> Result<TenantId, Error> {
    if let Ok(id) = name.as_str().parse() {
        return Ok(id);
    }
    let key = TenantSlug::key_of(name.as_str());
    let slug: Option<TenantSlug> = ctx.store().get(&key, Consistency::Strong).await?;
    slug.map(|slug| slug.tenant).ok_or_else(tenant_unknown)
}

fn tenant_unknown() -> Error {
    TENANT_UNKNOWN.error().at("/tenant")
}

fn decoded<T: DeserializeOwned>(item: Option<Item>) -> Result<Option<T>, Error> {
    let row = item.map(|item| item.decode()).transpose();
    row.map_err(|fault| Error::internal(format!("a stored row cannot be read: {fault}")))
}
