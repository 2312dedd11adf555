//! Accounts: the credentials found by address, and the security state found by user.
//!
//! Both rows change in one transaction, so that what a sign-in reads is never older than the
//! account.

use std::collections::BTreeMap;

use kernel::{EntityKind, EntityRef, Error, SessionId, TenantId, Timestamp, UserId};
use runtime::{Commit, Ctx, InTenant, User};
use serde::{Deserialize, Serialize};
use store::{
    Aggregate, Change, Condition, Consistency, Head, Key, Places, Scope, Store, Stored, Table,
    Update, Versioned,
};

use super::keys::{self, AUTH};
use crate::domain::account::AccountStatus;
use crate::domain::address::Lookup;
use crate::domain::login::Credentials;
use crate::domain::password_hash::PasswordHash;
use crate::domain::registration::Existing;
use crate::domain::session::{Entry, Room};

/// The head of an account that was just registered.
pub const REGISTERED: Head = Head { version: 1, event_seq: 1 };

/// The label of a refused change of [`SubjectRow`].
pub const SUBJECT: &str = "subject";
/// The label of a refused change of [`AddressRow`].
pub const ADDRESS: &str = "address";

/// What signing in needs to know, found by the keyed hash of the address. No `Debug`: it holds the
/// hash of the password.
#[derive(Clone, Deserialize, Serialize)]
pub struct AddressRow {
    pub tenant: TenantId,
    pub user: UserId,
    /// Where the row is.
    pub address: Lookup,
    /// PHC string; absent while somebody else's invitation has not been taken up.
    pub phc: Option<String>,
    /// Raised by every change of the credentials: links are bound to it.
    #[serde(rename = "cred_v")]
    pub credential_version: u64,
    status: String,
    /// As typed.
    pub email: String,
    pub name: String,
    pub locale: Option<String>,
    /// Active second factors.
    #[serde(default)]
    pub factors: Vec<String>,
    /// When the owner was last told that somebody registered the address again.
    #[serde(with = "kernel::time::ms_option", rename = "noticed_at_ms", default)]
    pub noticed_at: Option<Timestamp>,
}

impl Stored for AddressRow {
    const TABLE: Table = AUTH;

    fn key(&self) -> Key {
        keys::address(&self.address)
    }
}

impl AddressRow {
    /// Where the account stands; an unknown word counts as banned.
    pub fn status(&self) -> AccountStatus {
        AccountStatus::named(&self.status).unwrap_or(AccountStatus::Banned)
    }

    /// What a sign-in is decided on; `None` for an account without a password. Refuses a row whose
    /// hash cannot be read.
    pub fn credentials(&self) -> Result<Option<Credentials>, Error> {
        let Some(phc) = &self.phc else { return Ok(None) };
        let hash = PasswordHash::parse(phc)
            .map_err(|fault| Error::internal(format!("a stored password hash: {fault:?}")))?;
        let has_second_factor = !self.factors.is_empty();
        Ok(Some(Credentials { user: self.user, status: self.status(), hash, has_second_factor }))
    }

    /// What a registration is decided on.
    pub fn existing(&self) -> Existing {
        Existing {
            user: self.user,
            status: self.status(),
            credential_version: self.credential_version,
            noticed_at: self.noticed_at,
        }
    }
}

/// A session in the list of its owner.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Place {
    pub tenant: TenantId,
    #[serde(with = "kernel::time::ms", rename = "expires_at_ms")]
    pub expires_at: Timestamp,
}

/// The security state of an account.
#[derive(Clone, Deserialize, Serialize)]
pub struct SubjectRow {
    pub home: TenantId,
    pub user: UserId,
    status: String,
    pub email: String,
    pub name: String,
    pub locale: Option<String>,
    pub address: Lookup,
    /// Sessions in every tenant, at most 50.
    pub sessions: BTreeMap<SessionId, Place>,
    #[serde(with = "kernel::time::ms", rename = "created_at_ms")]
    pub created_at: Timestamp,
    #[serde(flatten)]
    pub head: Head,
}

impl Stored for SubjectRow {
    const TABLE: Table = AUTH;

    fn key(&self) -> Key {
        keys::subject(&Scope::tenant(self.home), self.user)
    }

    fn index(&self, places: &mut Places) {
        if self.status() == AccountStatus::Pending {
            places.put(&keys::PENDING, keys::pending(self.user), self.user);
        }
    }
}

impl Versioned for SubjectRow {
    fn head(&self) -> Head {
        self.head
    }
}

impl Aggregate for SubjectRow {
    fn entity(&self) -> EntityRef {
        entity(self.user)
    }
}

fn entity(user: UserId) -> EntityRef {
    EntityRef::new(EntityKind::Account, user)
}

impl SubjectRow {
    /// Where the account stands; an unknown word counts as banned.
    pub fn status(&self) -> AccountStatus {
        AccountStatus::named(&self.status).unwrap_or(AccountStatus::Banned)
    }

    /// The list that room is made in.
    pub fn entries(&self) -> Vec<Entry> {
        let entries = self.sessions.iter();
        entries
            .map(|(id, place)| Entry {
                id: *id,
                tenant: place.tenant,
                expires_at: place.expires_at,
            })
            .collect()
    }
}

/// An account that starts.
pub struct NewAccount {
    pub user: UserId,
    pub address: Lookup,
    pub phc: Option<String>,
    pub status: AccountStatus,
    pub email: String,
    pub name: String,
    pub locale: Option<String>,
}

/// What a registration puts in the place of an earlier one that nobody verified.
pub struct Replacement {
    pub credential_version: u64,
    pub phc: String,
    pub email: String,
    pub name: String,
    pub locale: Option<String>,
}

/// The accounts of one tenant.
pub struct Accounts<'a> {
    store: &'a Store,
    tenant: TenantId,
}

impl<'a> Accounts<'a> {
    /// The accounts at home in the tenant of this call.
    pub fn of<Who: InTenant>(ctx: &'a Ctx<Who>) -> Self {
        Self { store: ctx.store(), tenant: ctx.tenant() }
    }

    /// The accounts at home where this person's is: another tenant for guests.
    pub fn at_home_of(ctx: &'a Ctx<User>) -> Self {
        Self { store: ctx.store(), tenant: ctx.user().home_tenant() }
    }

    /// The security state of an account.
    pub async fn subject(&self, user: UserId) -> Result<Option<SubjectRow>, Error> {
        let key = keys::subject(&self.scope(), user);
        Ok(self.store.get(&key, Consistency::Strong).await?)
    }

    /// The credentials behind an address, the newest look-up first; `None` where nobody has it.
    pub async fn by_address(&self, lookups: &[Lookup]) -> Result<Option<AddressRow>, Error> {
        let keys: Vec<Key> = lookups.iter().map(keys::address).collect();
        let rows = self.store.get_many(&keys, Consistency::Strong).await?;
        Ok(rows.into_iter().flatten().next())
    }

    /// Starts an account. Where the address was taken meanwhile, the handler runs again from its
    /// read.
    pub fn create(&self, new: NewAccount, now: Timestamp) -> Commit {
        let row = AddressRow {
            tenant: self.tenant,
            user: new.user,
            address: new.address.clone(),
            phc: new.phc,
            credential_version: 1,
            status: new.status.name().to_owned(),
            email: new.email.clone(),
            name: new.name.clone(),
            locale: new.locale.clone(),
            factors: Vec::new(),
            noticed_at: None,
        };
        let subject = SubjectRow {
            home: self.tenant,
            user: new.user,
            status: new.status.name().to_owned(),
            email: new.email,
            name: new.name,
            locale: new.locale,
            address: new.address,
            sessions: BTreeMap::new(),
            created_at: now,
            head: Head::NEW,
        };
        let mut change = Change::new();
        change.create(&row);
        Commit::of(change).save(&subject)
    }

    /// Replaces password and person of a pending account, if it is still what was read.
    pub fn replace(&self, read: &AddressRow, by: Replacement) -> Change {
        let mut change = Change::new();
        let address = Update::of(AUTH, read.key())
            .set("cred_v", by.credential_version)
            .set("phc", &by.phc)
            .set("email", &by.email)
            .set("name", &by.name)
            .set("locale", &by.locale)
            .when(Self::pending_at(read.user, read.credential_version));
        change.update(address);
        let subject = self.change_of(read.user).set("email", &by.email).set("name", &by.name);
        change.update(subject.set("locale", &by.locale));
        change
    }

    /// Makes earlier links of a pending account worthless, if it is still what was read.
    pub fn renew(&self, read: &AddressRow, credential_version: u64) -> Change {
        let mut change = Change::new();
        change.update(
            Update::of(AUTH, read.key())
                .set("cred_v", credential_version)
                .when(Self::pending_at(read.user, read.credential_version)),
        );
        change
    }

    /// Notes that the owner of the address is told of a registration now.
    pub fn noticed(&self, read: &AddressRow, now: Timestamp) -> Change {
        let unchanged = match read.noticed_at {
            Some(at) => Condition::equal("noticed_at_ms", at.ms()),
            None => Condition::absent("noticed_at_ms"),
        };
        let mut change = Change::new();
        let update = Update::of(AUTH, read.key()).set("noticed_at_ms", now.ms());
        change.update(update.when(Condition::equal("user", read.user)).when(unchanged));
        change
    }

    /// Makes a pending account active. Refused as [`SUBJECT`] where its head is another or it is not
    /// pending, and as [`ADDRESS`] where the credentials are other than the link was made for.
    pub fn activate(
        &self,
        user: UserId,
        head: Head,
        address: &Lookup,
        credential_version: u64,
    ) -> Commit {
        let active = AccountStatus::Active.name();
        let subject = Update::of(AUTH, keys::subject(&self.scope(), user))
            .versioned(head)
            .set("status", active)
            .remove("pending_pk")
            .remove("pending_sk")
            .when(Condition::equal("status", AccountStatus::Pending.name()));
        let mut change = Change::new();
        let row = Update::of(AUTH, keys::address(address))
            .set("status", active)
            .when(Self::pending_at(user, credential_version));
        change.update(row).named(ADDRESS);
        Commit::new().update(entity(user), subject).named(SUBJECT).with(change)
    }

    /// Replaces a password hash by one of other cost, if it is still what was verified.
    pub fn rehash(&self, read: &AddressRow, phc: &str) -> Change {
        let mut change = Change::new();
        let update = Update::of(AUTH, read.key()).set("phc", phc);
        change.update(update.when(Condition::equal("phc", &read.phc)));
        change
    }

    /// Enters a session in its owner's list. Refused as [`SUBJECT`] where the account is not active
    /// or the list has `limit` sessions.
    pub fn enter(&self, user: UserId, session: SessionId, place: Place, limit: usize) -> Change {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let update = self
            .change_of(user)
            .set(&format!("sessions.{session}"), place)
            .when(Condition::equal("status", AccountStatus::Active.name()))
            .when(Condition::size_below("sessions", limit));
        let mut change = Change::new();
        change.update(update).named(SUBJECT);
        change
    }

    /// Enters a session in the list that was read, after others left it. Runs again from its read
    /// where the list changed since.
    pub fn enter_instead(
        &self,
        read: &SubjectRow,
        session: SessionId,
        place: Place,
        room: &Room,
    ) -> Change {
        let leaving = room.expired.iter().chain(&room.revoked);
        let update = leaving
            .fold(Update::of(AUTH, read.key()).versioned(read.head), |update, gone| {
                update.remove(&format!("sessions.{gone}"))
            });
        let mut change = Change::new();
        change.update(update.set(&format!("sessions.{session}"), place));
        change
    }

    /// Takes a session out of its owner's list.
    pub fn leave(&self, user: UserId, session: SessionId) -> Change {
        let mut change = Change::new();
        change.update(self.change_of(user).remove(&format!("sessions.{session}")));
        change
    }

    fn change_of(&self, user: UserId) -> Update {
        let key = keys::subject(&self.scope(), user);
        Update::of(AUTH, key).add("v", 1).when(Condition::some_item())
    }

    fn pending_at(user: UserId, credential_version: u64) -> Condition {
        Condition::equal("user", user)
            .and(Condition::equal("status", AccountStatus::Pending.name()))
            .and(Condition::equal("cred_v", credential_version))
    }

    fn scope(&self) -> Scope {
        Scope::tenant(self.tenant)
    }
}
