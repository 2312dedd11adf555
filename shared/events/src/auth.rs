//! Events of module `auth`.

use kernel::{EntityKind, LinkId, SessionId, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Event, Fact, events};

events! {
    /// A person started an account; the address is not verified yet.
    USER_REGISTERED: Event<UserRegistered> =
        Event::new("auth.user.registered", EntityKind::Account).public();

    /// A link has to be mailed. Carries no token: the sender derives it.
    LINK_REQUESTED: Event<LinkRequested> =
        Event::new("auth.link.requested", EntityKind::Link).urgent().nth(1);

    /// A person proved to own the address of their account.
    EMAIL_VERIFIED: Event<EmailVerified> = Event::new("auth.email.verified", EntityKind::Account);

    /// A person signed in.
    SESSION_CREATED: Event<SessionCreated> =
        Event::new("auth.session.created", EntityKind::Session).nth(1);

    /// Sessions ended before their time.
    SESSION_REVOKED: Event<SessionRevoked> =
        Event::new("auth.session.revoked", EntityKind::Session).urgent().nth(2);

    /// An old refresh token was used: its session was ended.
    SESSION_REUSE_DETECTED: Event<SessionReuseDetected> =
        Event::new("auth.session.reuse_detected", EntityKind::Session).urgent().nth(2);

    /// Too many wrong passwords closed the password sign-in of an account for a while.
    LOGIN_LOCKED: Event<LoginLocked> = Event::new("auth.login.locked", EntityKind::Account).urgent();

    /// A fresh signing key took over.
    KEY_PROMOTED: Event<KeyPromoted> =
        Event::new("auth.key.promoted", EntityKind::SigningKey).nth(1);
}

/// Data of [`USER_REGISTERED`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct UserRegistered {
    pub user_id: UserId,
    /// Language of messages to the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = 35), extend("x-pii" = "fact"))]
    pub locale: Option<String>,
}

impl Fact for UserRegistered {
    fn sample() -> Self {
        Self { user_id: sample_user(), locale: Some("en".to_owned()) }
    }
}

/// What a mailed link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkPurpose {
    /// Verifies the address of a new account.
    Verify,
    /// No link: tells the owner of an active account that somebody registered the address again.
    AlreadyRegistered,
}

/// Data of [`LINK_REQUESTED`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct LinkRequested {
    pub link_id: LinkId,
    pub user_id: UserId,
    #[schemars(extend("x-pii" = "fact"))]
    pub purpose: LinkPurpose,
}

impl Fact for LinkRequested {
    fn sample() -> Self {
        let link_id = LinkId::from_bytes(SAMPLE);
        Self { link_id, user_id: sample_user(), purpose: LinkPurpose::Verify }
    }
}

/// Data of [`EMAIL_VERIFIED`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct EmailVerified {
    pub user_id: UserId,
}

impl Fact for EmailVerified {
    fn sample() -> Self {
        Self { user_id: sample_user() }
    }
}

/// Data of [`SESSION_CREATED`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct SessionCreated {
    pub user_id: UserId,
    pub session_id: SessionId,
    /// Whether the device signed in for the first time.
    #[schemars(extend("x-pii" = "fact"))]
    pub new_device: bool,
    /// Network of the caller: /24 or /48.
    #[schemars(length(max = 43), extend("x-pii" = "fact"))]
    pub network: String,
}

impl Fact for SessionCreated {
    fn sample() -> Self {
        Self {
            user_id: sample_user(),
            session_id: SessionId::from_bytes(SAMPLE),
            new_device: true,
            network: "203.0.113.0/24".to_owned(),
        }
    }
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RevocationReason {
    Logout,
    LogoutAll,
    Password,
    Factor,
    Admin,
    Consent,
    Cap,
    Status,
}

/// Data of [`SESSION_REVOKED`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct SessionRevoked {
    pub user_id: UserId,
    /// At most 50.
    #[schemars(length(max = 50))]
    pub session_ids: Vec<SessionId>,
    #[schemars(extend("x-pii" = "fact"))]
    pub reason: RevocationReason,
}

impl Fact for SessionRevoked {
    fn sample() -> Self {
        Self {
            user_id: sample_user(),
            session_ids: vec![SessionId::from_bytes(SAMPLE)],
            reason: RevocationReason::Logout,
        }
    }
}

/// Data of [`SESSION_REUSE_DETECTED`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct SessionReuseDetected {
    pub user_id: UserId,
    pub session_id: SessionId,
}

impl Fact for SessionReuseDetected {
    fn sample() -> Self {
        Self { user_id: sample_user(), session_id: SessionId::from_bytes(SAMPLE) }
    }
}

/// Data of [`LOGIN_LOCKED`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct LoginLocked {
    pub user_id: UserId,
    /// How long password sign-in stays closed.
    #[schemars(extend("x-pii" = "fact"))]
    pub closed_for_s: u32,
}

impl Fact for LoginLocked {
    fn sample() -> Self {
        Self { user_id: sample_user(), closed_for_s: 60 }
    }
}

/// Data of [`KEY_PROMOTED`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct KeyPromoted {
    /// RFC 7638 thumbprint of the key that signs from now on.
    #[schemars(length(max = 43), extend("x-pii" = "fact"))]
    pub kid: String,
}

impl Fact for KeyPromoted {
    fn sample() -> Self {
        Self { kid: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs".to_owned() }
    }
}

const SAMPLE: [u8; 16] = [1, 147, 77, 12, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

fn sample_user() -> UserId {
    UserId::from_bytes(SAMPLE)
}
