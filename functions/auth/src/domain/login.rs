//! The login core: what a presented password leads to. Everything up to the right password looks
//! and costs the same from outside, whoever asks about whatever account.

use contracts::auth::{ACCOUNT_SUSPENDED, EMAIL_NOT_VERIFIED, INVALID_CREDENTIALS};
use kernel::{Error, UserId};

use super::account::AccountStatus;
use super::failures::Closed;
use super::password_hash::{Parameters, PasswordHash};

/// The credentials of an account, as stored with its address.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Whose they are.
    pub user: UserId,
    /// Where the account stands.
    pub status: AccountStatus,
    /// The password.
    pub hash: PasswordHash,
    /// Whether a second factor is enrolled.
    pub has_second_factor: bool,
}

/// Whether a tenant asks for a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondFactorPolicy {
    /// Who has one, uses it.
    Optional,
    /// Who has none, enrols one first.
    Required,
}

/// The hash to verify the presented password against: the account's or, at equal cost, one no
/// password has.
pub fn hash_to_verify(account: Option<&Credentials>, current: Parameters) -> PasswordHash {
    account.map_or_else(|| PasswordHash::dummy(current), |account| account.hash.clone())
}

/// What a right password leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A session.
    Session,
    /// The second factor; the attempt waits for it.
    SecondFactor,
    /// Enrolment of a second factor; the attempt waits for it.
    EnrolSecondFactor,
}

/// Why a login ends here; variants in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginRefusal {
    /// The counter is closed: the result was discarded.
    Closed(Closed),
    /// No such account; the dummy was verified.
    UnknownAccount,
    /// The password is wrong.
    WrongPassword,
    /// The password is right, the address not proven.
    NotVerified,
    /// The password is right, the account closed.
    NotActive,
}

impl LoginRefusal {
    /// Whether the answer counts as wrong: the place taken for it is not given back.
    pub fn counts(self) -> bool {
        match self {
            Self::UnknownAccount | Self::WrongPassword => true,
            Self::Closed(_) | Self::NotVerified | Self::NotActive => false,
        }
    }
}

impl From<LoginRefusal> for Error {
    fn from(refusal: LoginRefusal) -> Self {
        match refusal {
            LoginRefusal::Closed(_)
            | LoginRefusal::UnknownAccount
            | LoginRefusal::WrongPassword => INVALID_CREDENTIALS.error(),
            LoginRefusal::NotVerified => EMAIL_NOT_VERIFIED.error(),
            LoginRefusal::NotActive => ACCOUNT_SUSPENDED.error(),
        }
    }
}

/// Decides on a login. `matches` is the outcome of verifying `hash_to_verify`, computed in every
/// case.
pub fn decide(
    place: Result<(), Closed>,
    account: Option<&Credentials>,
    matches: bool,
    policy: SecondFactorPolicy,
) -> Result<Next, LoginRefusal> {
    place.map_err(LoginRefusal::Closed)?;
    let account = account.ok_or(LoginRefusal::UnknownAccount)?;
    if !matches {
        return Err(LoginRefusal::WrongPassword);
    }
    match account.status {
        AccountStatus::Active => {}
        AccountStatus::Pending => return Err(LoginRefusal::NotVerified),
        AccountStatus::Suspended | AccountStatus::Banned | AccountStatus::Deleted => {
            return Err(LoginRefusal::NotActive);
        }
    }
    match (account.has_second_factor, policy) {
        (true, _) => Ok(Next::SecondFactor),
        (false, SecondFactorPolicy::Required) => Ok(Next::EnrolSecondFactor),
        (false, SecondFactorPolicy::Optional) => Ok(Next::Session),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(status: AccountStatus, has_second_factor: bool) -> Credentials {
        Credentials {
            user: UserId::from_bytes([1; 16]),
            status,
            hash: PasswordHash::dummy(Parameters::FLOOR),
            has_second_factor,
        }
    }

    #[test]
    fn logins_are_decided_in_the_order_of_the_checks() {
        use AccountStatus::{Active, Banned, Deleted, Pending, Suspended};
        use LoginRefusal::{Closed as Shut, NotActive, NotVerified, UnknownAccount, WrongPassword};
        use SecondFactorPolicy::{Optional, Required};
        let full = Err(Closed::Full);
        let some = |status, factor| Some(account(status, factor));
        let table = [
            (full, None, false, Optional, Err(Shut(Closed::Full))),
            (full, some(Active, false), true, Optional, Err(Shut(Closed::Full))),
            (full, some(Banned, false), true, Optional, Err(Shut(Closed::Full))),
            (Ok(()), None, false, Optional, Err(UnknownAccount)),
            (Ok(()), None, true, Optional, Err(UnknownAccount)),
            (Ok(()), some(Active, false), false, Optional, Err(WrongPassword)),
            (Ok(()), some(Pending, false), false, Optional, Err(WrongPassword)),
            (Ok(()), some(Banned, true), false, Required, Err(WrongPassword)),
            (Ok(()), some(Pending, true), true, Required, Err(NotVerified)),
            (Ok(()), some(Suspended, false), true, Optional, Err(NotActive)),
            (Ok(()), some(Banned, false), true, Optional, Err(NotActive)),
            (Ok(()), some(Deleted, false), true, Optional, Err(NotActive)),
            (Ok(()), some(Active, true), true, Optional, Ok(Next::SecondFactor)),
            (Ok(()), some(Active, true), true, Required, Ok(Next::SecondFactor)),
            (Ok(()), some(Active, false), true, Required, Ok(Next::EnrolSecondFactor)),
            (Ok(()), some(Active, false), true, Optional, Ok(Next::Session)),
        ];
        for (place, account, matches, policy, expected) in table {
            assert_eq!(decide(place, account.as_ref(), matches, policy), expected);
        }
    }

    #[test]
    fn nobody_can_tell_a_closed_counter_an_unknown_account_and_a_wrong_password_apart() {
        let wrong = Error::from(LoginRefusal::WrongPassword);
        assert_eq!(wrong.code(), "invalid_credentials");
        assert_eq!(wrong.retry_after_s(), None);
        for refusal in [
            LoginRefusal::UnknownAccount,
            LoginRefusal::Closed(Closed::Paused),
            LoginRefusal::Closed(Closed::Full),
            LoginRefusal::Closed(Closed::UntilReset),
        ] {
            assert_eq!(Error::from(refusal), wrong, "{refusal:?}");
        }
    }

    #[test]
    fn unknown_accounts_are_verified_at_the_cost_of_new_hashes() {
        let dummy = hash_to_verify(None, Parameters::DEFAULT);
        assert!(!dummy.is_outdated(Parameters::DEFAULT));
        let known = account(AccountStatus::Active, false);
        assert_eq!(hash_to_verify(Some(&known), Parameters::DEFAULT), known.hash);
    }

    #[test]
    fn only_wrong_passwords_count_as_failures() {
        let table = [
            (LoginRefusal::UnknownAccount, true),
            (LoginRefusal::WrongPassword, true),
            (LoginRefusal::Closed(Closed::Paused), false),
            (LoginRefusal::NotVerified, false),
            (LoginRefusal::NotActive, false),
        ];
        for (refusal, counts) in table {
            assert_eq!(refusal.counts(), counts, "{refusal:?}");
        }
    }
}
