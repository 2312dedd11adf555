//! Starting an account. The caller learns nothing about the address: whatever is decided here, the
//! answer and the work are the same.

use std::time::Duration;

use contracts::auth::REGISTRATION_CLOSED;
use kernel::{Error, Timestamp, UserId};

use super::account::AccountStatus;

/// How often the owner of an account may be told that somebody registered their address.
pub const NOTICE_INTERVAL: Duration = Duration::from_secs(24 * 3600);

/// Who may register with a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignUp {
    /// Anybody.
    Open,
    /// People who were invited.
    InviteOnly,
    /// Nobody.
    Closed,
}

/// Why nobody may register here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationRefusal {
    /// The tenant takes invited people only, or nobody.
    Closed,
}

impl From<RegistrationRefusal> for Error {
    fn from(refusal: RegistrationRefusal) -> Self {
        match refusal {
            RegistrationRefusal::Closed => REGISTRATION_CLOSED.error(),
        }
    }
}

/// Whether this tenant takes registrations; asked before anything else.
pub fn admit(sign_up: SignUp) -> Result<(), RegistrationRefusal> {
    match sign_up {
        SignUp::Open => Ok(()),
        SignUp::InviteOnly | SignUp::Closed => Err(RegistrationRefusal::Closed),
    }
}

/// The account that already has the address.
#[derive(Clone, Copy, Debug)]
pub struct Existing {
    /// Whose it is.
    pub user: UserId,
    /// Where it stands.
    pub status: AccountStatus,
    /// Version of its credentials: links are bound to it.
    pub credential_version: u64,
    /// When its owner was last told of a registration.
    pub noticed_at: Option<Timestamp>,
}

/// What a registration does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Nobody has the address: a pending account and its first link.
    Create {
        /// The version of its credentials.
        credential_version: u64,
    },
    /// A pending account has it: password and link are replaced. Whoever holds the mailbox and
    /// registered last wins, because earlier links are bound to an earlier version.
    Replace {
        /// The pending account.
        user: UserId,
        /// The new version of its credentials.
        credential_version: u64,
    },
    /// The account is in use or closed: nothing changes; its owner is told at most once a day.
    Keep {
        /// The account.
        user: UserId,
        /// Whether its owner is told now.
        notify: bool,
    },
}

/// Decides on a registration whose password was accepted and hashed.
pub fn decide(existing: Option<&Existing>, now: Timestamp) -> Registration {
    let Some(existing) = existing else {
        return Registration::Create { credential_version: 1 };
    };
    match existing.status {
        AccountStatus::Pending => Registration::Replace {
            user: existing.user,
            credential_version: existing.credential_version.saturating_add(1),
        },
        AccountStatus::Active
        | AccountStatus::Suspended
        | AccountStatus::Banned
        | AccountStatus::Deleted => Registration::Keep {
            user: existing.user,
            notify: existing.noticed_at.is_none_or(|at| now.since(at) >= NOTICE_INTERVAL),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn user() -> UserId {
        UserId::from_bytes([1; 16])
    }

    #[test]
    fn only_open_tenants_take_registrations() {
        assert_eq!(admit(SignUp::Open), Ok(()));
        for closed in [SignUp::InviteOnly, SignUp::Closed] {
            let refusal = admit(closed).unwrap_err();
            assert_eq!(Error::from(refusal).code(), "registration_closed");
        }
    }

    #[test]
    fn the_state_of_the_address_decides_what_happens() {
        let day = NOTICE_INTERVAL;
        let almost = day - Duration::from_millis(1);
        let keep = |notify| Registration::Keep { user: user(), notify };
        let table = [
            (
                AccountStatus::Pending,
                None,
                Registration::Replace { user: user(), credential_version: 8 },
            ),
            (AccountStatus::Active, None, keep(true)),
            (AccountStatus::Active, Some(NOW.minus(day)), keep(true)),
            (AccountStatus::Active, Some(NOW.minus(almost)), keep(false)),
            (AccountStatus::Active, Some(NOW.plus(day)), keep(false)),
            (AccountStatus::Suspended, None, keep(true)),
            (AccountStatus::Banned, None, keep(true)),
            (AccountStatus::Deleted, None, keep(true)),
        ];
        for (status, noticed_at, expected) in table {
            let existing = Existing { user: user(), status, credential_version: 7, noticed_at };
            assert_eq!(decide(Some(&existing), NOW), expected, "{status:?} {noticed_at:?}");
        }
        assert_eq!(decide(None, NOW), Registration::Create { credential_version: 1 });
    }
}
