//! Whether the state behind a proven access token still stands: asked after every verification, so
//! that a revocation is in force for the next request.

use kernel::{AppId, SessionId, TenantId, Timestamp, UserId};

use super::access_token::{Claims, Subject};
use super::rotation::SessionStatus;

/// What the session row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The session.
    pub id: SessionId,
    /// The tenant it is in.
    pub tenant: TenantId,
    /// Whose it is.
    pub user: UserId,
    /// The application it belongs to.
    pub application: AppId,
    /// Live or test data.
    pub livemode: bool,
    /// Whether it was ended.
    pub status: SessionStatus,
    /// When it ends for good.
    pub absolute_expires_at: Timestamp,
    /// Tokens of it that were revoked one by one.
    pub revoked_tokens: Vec<String>,
}

/// What the assignment row says, where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// No row: people have the default role in their home tenant, and none elsewhere.
    None,
    /// A row in use.
    Active,
    /// A row that was switched off.
    Disabled,
}

/// Why a proven token is worth nothing; variants in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// The application of the token does not exist.
    Application,
    /// There is no such session.
    NoSession,
    /// The session is another person's, application's or mode's than the token says.
    OtherSession,
    /// The session was ended.
    Ended,
    /// The session has passed its absolute end.
    Expired,
    /// This very token was revoked.
    Token,
    /// The tenant is gone.
    NoTenant,
    /// The person does not belong to the tenant.
    NotMember,
    /// The person's roles were switched off.
    Disabled,
}

impl Revoked {
    /// The reason code for logs; callers see one answer for all.
    pub fn why(self) -> &'static str {
        match self {
            Self::Application => "application_unknown",
            Self::NoSession => "session_unknown",
            Self::OtherSession => "session_mismatch",
            Self::Ended => "session_ended",
            Self::Expired => "session_expired",
            Self::Token => "token_revoked",
            Self::NoTenant => "tenant_unknown",
            Self::NotMember => "not_a_member",
            Self::Disabled => "assignment_disabled",
        }
    }
}

/// The person and the session a token still speaks for, or why it does not.
pub fn decide(
    claims: &Claims,
    session: Option<&Session>,
    tenant_exists: bool,
    membership: Membership,
    now: Timestamp,
) -> Result<(UserId, SessionId), Revoked> {
    let Subject::User { id: user, session: session_id, home, .. } = &claims.subject else {
        return Err(Revoked::Application);
    };
    let session = session.ok_or(Revoked::NoSession)?;
    let same = session.id == *session_id
        && session.tenant == claims.tenant
        && session.user == *user
        && session.application == claims.application
        && session.livemode == claims.livemode;
    if !same {
        return Err(Revoked::OtherSession);
    }
    match session.status {
        SessionStatus::Active => {}
        SessionStatus::Revoked | SessionStatus::ReuseRevoked => return Err(Revoked::Ended),
    }
    if now >= session.absolute_expires_at {
        return Err(Revoked::Expired);
    }
    if session.revoked_tokens.contains(&claims.id.text()) {
        return Err(Revoked::Token);
    }
    if !tenant_exists {
        return Err(Revoked::NoTenant);
    }
    match membership {
        Membership::Active => Ok((*user, *session_id)),
        Membership::None if home.is_none() => Ok((*user, *session_id)),
        Membership::None => Err(Revoked::NotMember),
        Membership::Disabled => Err(Revoked::Disabled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::access_token::TokenId;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);
    const LATER: Timestamp = Timestamp::from_seconds(1_000_001);

    fn claims(home: Option<TenantId>) -> Claims {
        Claims {
            issuer: String::new(),
            audience: String::new(),
            id: TokenId::new([7; 16]),
            subject: Subject::User {
                id: UserId::from_bytes([1; 16]),
                session: SessionId::from_bytes([2; 16]),
                home,
                authenticated_at: None,
                assurance: None,
                methods: Vec::new(),
            },
            application: AppId::from_bytes([3; 16]),
            tenant: TenantId::from_bytes([3; 16]),
            livemode: true,
            scope: "api".to_owned(),
            issued_at: NOW,
            expires_at: LATER,
        }
    }

    fn session() -> Session {
        Session {
            id: SessionId::from_bytes([2; 16]),
            tenant: TenantId::from_bytes([3; 16]),
            user: UserId::from_bytes([1; 16]),
            application: AppId::from_bytes([3; 16]),
            livemode: true,
            status: SessionStatus::Active,
            absolute_expires_at: LATER,
            revoked_tokens: vec![TokenId::new([8; 16]).text()],
        }
    }

    fn asked(session: Option<&Session>, member: Membership) -> Result<(), Revoked> {
        decide(&claims(None), session, true, member, NOW).map(|_| ())
    }

    #[test]
    fn the_first_thing_that_fell_is_named() {
        use SessionStatus::{ReuseRevoked, Revoked as Ended};
        let good = session();
        let table = [
            (Session { user: UserId::from_bytes([9; 16]), ..session() }, Revoked::OtherSession),
            (
                Session { application: AppId::from_bytes([9; 16]), ..session() },
                Revoked::OtherSession,
            ),
            (Session { tenant: TenantId::from_bytes([9; 16]), ..session() }, Revoked::OtherSession),
            (Session { livemode: false, ..session() }, Revoked::OtherSession),
            (Session { status: Ended, absolute_expires_at: NOW, ..session() }, Revoked::Ended),
            (Session { status: ReuseRevoked, ..session() }, Revoked::Ended),
            (Session { absolute_expires_at: NOW, ..session() }, Revoked::Expired),
            (
                Session { revoked_tokens: vec![TokenId::new([7; 16]).text()], ..session() },
                Revoked::Token,
            ),
        ];
        for (row, expected) in table {
            assert_eq!(asked(Some(&row), Membership::Active), Err(expected), "{row:?}");
        }
        assert_eq!(asked(None, Membership::Active), Err(Revoked::NoSession));
        assert_eq!(asked(Some(&good), Membership::Disabled), Err(Revoked::Disabled));
        let gone = decide(&claims(None), Some(&good), false, Membership::None, NOW);
        assert_eq!(gone, Err(Revoked::NoTenant));
    }

    #[test]
    fn people_without_an_assignment_belong_to_their_home_tenant_alone() {
        let home = TenantId::from_bytes([4; 16]);
        let guest = |member| decide(&claims(Some(home)), Some(&session()), true, member, NOW);
        assert_eq!(asked(Some(&session()), Membership::None), Ok(()));
        assert_eq!(guest(Membership::None), Err(Revoked::NotMember));
        assert!(guest(Membership::Active).is_ok());
    }

    #[test]
    fn a_token_of_an_application_is_not_a_persons() {
        let application =
            Claims { subject: Subject::Application { generation: 0 }, ..claims(None) };
        let asked = decide(&application, Some(&session()), true, Membership::Active, NOW);
        assert_eq!(asked, Err(Revoked::Application));
    }
}
