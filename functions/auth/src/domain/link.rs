//! Mailed links: used once, for one purpose, while the credentials they were made for still stand.

use std::time::Duration;

use contracts::auth::HANDLE_INVALID;
use kernel::{Error, Timestamp, UserId};

use super::account::AccountStatus;
use super::sealed::Kind;

/// The life of a reset link that activates an account somebody else created.
pub const ACTIVATION_LIFE: Duration = Duration::from_secs(72 * 3600);

/// What a link does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Proves the address of a new account.
    Verify,
    /// Sets a new password; also activates accounts created by others.
    Reset,
    /// Proves a new address.
    EmailChange,
    /// Accepts an invitation.
    Invite,
}

impl Purpose {
    /// All purposes.
    pub const ALL: [Self; 4] = [Self::Verify, Self::Reset, Self::EmailChange, Self::Invite];

    /// The kind of token that carries a link of this purpose.
    pub fn kind(self) -> Kind {
        match self {
            Self::Verify => Kind::Verify,
            Self::Reset => Kind::Reset,
            Self::EmailChange => Kind::EmailChange,
            Self::Invite => Kind::Invite,
        }
    }

    /// The stored spelling, also that of paths.
    pub fn name(self) -> &'static str {
        self.kind().name()
    }

    /// The purpose with this stored spelling.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }
}

/// A link as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// What it does.
    pub purpose: Purpose,
    /// Whose account it is for.
    pub user: UserId,
    /// The version of the credentials it was made for.
    pub credential_version: u64,
    /// The instant from which it is dead.
    pub expires_at: Timestamp,
}

/// The account a link is for, at the moment of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Whose it is.
    pub user: UserId,
    /// Where it stands.
    pub status: AccountStatus,
    /// Version of its credentials.
    pub credential_version: u64,
}

/// Why a link does nothing; variants in the order of the checks. One answer for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkRefusal {
    /// No such link: never made, used, or cleaned up.
    Unknown,
    /// Made for something else.
    Purpose,
    /// Too old.
    Expired,
    /// The credentials changed since, or belong to somebody else.
    Superseded,
    /// The account is not in a state this link acts on.
    Account,
}

impl From<LinkRefusal> for Error {
    fn from(refusal: LinkRefusal) -> Self {
        match refusal {
            LinkRefusal::Unknown
            | LinkRefusal::Purpose
            | LinkRefusal::Expired
            | LinkRefusal::Superseded
            | LinkRefusal::Account => HANDLE_INVALID.error(),
        }
    }
}

/// Checks a link by itself, before the account is touched.
pub fn open(link: Option<Link>, purpose: Purpose, now: Timestamp) -> Result<Link, LinkRefusal> {
    let link = link.ok_or(LinkRefusal::Unknown)?;
    if link.purpose != purpose {
        return Err(LinkRefusal::Purpose);
    }
    if now >= link.expires_at {
        return Err(LinkRefusal::Expired);
    }
    Ok(link)
}

/// The state of the account once an opened link was used, or why the link does nothing to it.
///
/// A verification acts on pending accounts alone. A reset and an accepted invitation prove the
/// mailbox and so activate a pending account, but reopen no closed one; a change of address needs
/// an active account.
pub fn apply(link: &Link, account: &Account) -> Result<AccountStatus, LinkRefusal> {
    if link.user != account.user || link.credential_version != account.credential_version {
        return Err(LinkRefusal::Superseded);
    }
    match (link.purpose, account.status) {
        (Purpose::Verify | Purpose::Reset | Purpose::Invite, AccountStatus::Pending)
        | (Purpose::Reset | Purpose::Invite | Purpose::EmailChange, AccountStatus::Active) => {
            Ok(AccountStatus::Active)
        }
        (Purpose::Verify, AccountStatus::Active)
        | (Purpose::EmailChange, AccountStatus::Pending)
        | (_, AccountStatus::Suspended | AccountStatus::Banned | AccountStatus::Deleted) => {
            Err(LinkRefusal::Account)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);
    const SECOND: Duration = Duration::from_secs(1);

    fn link(purpose: Purpose) -> Link {
        Link {
            purpose,
            user: UserId::from_bytes([1; 16]),
            credential_version: 3,
            expires_at: NOW.plus(SECOND),
        }
    }

    fn account(status: AccountStatus) -> Account {
        Account { user: UserId::from_bytes([1; 16]), status, credential_version: 3 }
    }

    #[test]
    fn a_link_opens_once_for_its_purpose_before_its_end() {
        let good = link(Purpose::Verify);
        let old = Link { expires_at: NOW, ..good };
        let table = [
            (Some(good), Purpose::Verify, Ok(good)),
            (None, Purpose::Verify, Err(LinkRefusal::Unknown)),
            (Some(good), Purpose::Reset, Err(LinkRefusal::Purpose)),
            (Some(old), Purpose::Reset, Err(LinkRefusal::Purpose)),
            (Some(old), Purpose::Verify, Err(LinkRefusal::Expired)),
        ];
        for (stored, purpose, expected) in table {
            assert_eq!(open(stored, purpose, NOW), expected);
        }
    }

    #[test]
    fn links_for_earlier_credentials_are_dead() {
        let stale = Account { credential_version: 4, ..account(AccountStatus::Pending) };
        let earlier = Account { credential_version: 2, ..account(AccountStatus::Pending) };
        let stranger =
            Account { user: UserId::from_bytes([2; 16]), ..account(AccountStatus::Pending) };
        for account in [stale, earlier, stranger] {
            for purpose in Purpose::ALL {
                assert_eq!(apply(&link(purpose), &account), Err(LinkRefusal::Superseded));
            }
        }
    }

    #[test]
    fn what_a_link_does_depends_on_the_state_of_the_account() {
        use AccountStatus::{Active, Banned, Deleted, Pending, Suspended};
        let table = [
            (Purpose::Verify, vec![Pending]),
            (Purpose::Reset, vec![Pending, Active]),
            (Purpose::EmailChange, vec![Active]),
            (Purpose::Invite, vec![Pending, Active]),
        ];
        for (purpose, allowed) in table {
            for status in [Pending, Active, Suspended, Banned, Deleted] {
                let expected =
                    if allowed.contains(&status) { Ok(Active) } else { Err(LinkRefusal::Account) };
                assert_eq!(
                    apply(&link(purpose), &account(status)),
                    expected,
                    "{purpose:?} {status:?}"
                );
            }
        }
    }

    #[test]
    fn every_refusal_is_the_same_answer() {
        let refusals = [
            LinkRefusal::Unknown,
            LinkRefusal::Purpose,
            LinkRefusal::Expired,
            LinkRefusal::Superseded,
            LinkRefusal::Account,
        ];
        for refusal in refusals {
            assert_eq!(Error::from(refusal), Error::from(LinkRefusal::Unknown));
        }
    }

    #[test]
    fn purposes_and_token_kinds_share_their_names() {
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::named(purpose.name()), Some(purpose));
        }
    }
}
