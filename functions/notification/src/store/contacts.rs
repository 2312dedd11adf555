//! What is remembered of how a person is reached: whether, never where. Addresses and names stay
//! with module `auth`, which is asked when a mail is written; there is no copy to encrypt, to age
//! or to erase.

use contracts::auth::{ACCOUNT_GET, Account, AccountGet};
use kernel::problem::NOT_FOUND;
use kernel::{Error, Timestamp, UserId};
use runtime::{Commit, Ctx, Uncommitted, Worker};
use serde::{Deserialize, Serialize};
use store::{Change, Condition, Key, Stored, Table};

use crate::domain::plan::MailAddress;
use crate::store::keys;

/// A person's contact row.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Contact {
    #[serde(flatten)]
    key: Key,
    user_id: UserId,
    pub mail: MailAddress,
    pub locale: Option<String>,
    /// The account's version these facts are of.
    account_version: u64,
    #[serde(with = "kernel::time::ms", rename = "updated_at_ms")]
    updated_at: Timestamp,
}

impl Stored for Contact {
    const TABLE: Table = keys::NOTIFICATION;

    fn key(&self) -> Key {
        self.key.clone()
    }
}

/// The contacts of a tenant.
pub struct Contacts<'a> {
    ctx: &'a Ctx<Worker>,
}

impl<'a> Contacts<'a> {
    /// The contacts of the caller's tenant.
    pub fn of(ctx: &'a Ctx<Worker>) -> Self {
        Self { ctx }
    }

    /// The account itself, with name and address; nothing where it is gone.
    pub async fn account(&self, user: UserId) -> Result<Option<Account>, Error> {
        match self.ctx.call(&ACCOUNT_GET, &AccountGet { user_id: user }).await {
            Ok(account) => Ok(Some(account)),
            Err(error) if error.is(&NOT_FOUND) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What is to be remembered of an account.
    pub fn contact(&self, account: &Account) -> Contact {
        let mail = match (account.email.is_empty(), account.verified) {
            (true, _) => MailAddress::None,
            (false, false) => MailAddress::Unverified,
            (false, true) => MailAddress::Verified,
        };
        Contact {
            key: keys::contact(&self.ctx.mode_scope(), account.user_id),
            user_id: account.user_id,
            mail,
            locale: account.locale.clone(),
            account_version: account.version,
            updated_at: self.ctx.now(),
        }
    }

    /// Remembers the contact unless facts of a later version are known; says whether it did.
    pub async fn remember(&self, contact: &Contact) -> Result<bool, Error> {
        const NEWER: &str = "newer";
        let known = Condition::at_most("account_version", contact.account_version);
        let mut change = Change::new();
        change.put_when(contact, Condition::no_item().or(known)).named(NEWER);
        match self.ctx.try_apply(Commit::of(change)).await {
            Ok(()) => Ok(true),
            Err(Uncommitted::Refused { label: NEWER, .. }) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }
}
