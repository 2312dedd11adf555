//! Access tokens (RFC 9068): what they say, how they are made, and what one proves.
//!
//! Roles and permissions are not in tokens, so their length does not depend on them.

use kernel::{AppId, SessionId, TenantId, Timestamp, UserId, codec};
use serde_json::{Map, Value, json};

use super::algorithm::ISSUED;
use super::signing_key::SigningKey;

mod verify;

pub use verify::{Evidence, Expected, Keys, LeewayTooLong, Outcome, Why, verify_access};

/// The longest token we issue, in bytes.
pub const MAX_ISSUED_BYTES: usize = 1024;

/// The longest life of an access token, in seconds.
pub const MAX_LIFE_S: i64 = 900;

/// Identifies one token (`jti`): 16 random bytes, written as 22 base64url characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenId([u8; 16]);

impl TokenId {
    /// An id of these random bytes.
    pub fn new(random: [u8; 16]) -> Self {
        Self(random)
    }

    /// Reads the form `text` writes; any other spelling gives `None`.
    pub fn parse(text: &str) -> Option<Self> {
        codec::decode(text)?.try_into().ok().map(Self)
    }

    /// The form in tokens and rows.
    pub fn text(&self) -> String {
        codec::encode(&self.0)
    }
}

/// How surely a person was authenticated (`acr`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Assurance {
    /// One factor.
    Aal1,
    /// Two factors.
    Aal2,
}

impl Assurance {
    /// The `acr` value.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aal1 => "aal1",
            Self::Aal2 => "aal2",
        }
    }

    /// The assurance with this `acr` value.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Aal1, Self::Aal2].into_iter().find(|assurance| assurance.name() == name)
    }
}

/// A means by which a person was authenticated (`amr`, RFC 8176 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Password.
    Pwd,
    /// One-time password or recovery code.
    Otp,
    /// More than one factor.
    Mfa,
    /// Key held in hardware.
    Hwk,
    /// Key held in software.
    Swk,
    /// Presence of the person.
    User,
    /// Sign-in at another provider.
    Fed,
}

impl Method {
    const ALL: [Self; 7] =
        [Self::Pwd, Self::Otp, Self::Mfa, Self::Hwk, Self::Swk, Self::User, Self::Fed];

    /// The `amr` value.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pwd => "pwd",
            Self::Otp => "otp",
            Self::Mfa => "mfa",
            Self::Hwk => "hwk",
            Self::Swk => "swk",
            Self::User => "user",
            Self::Fed => "fed",
        }
    }

    /// The method with this `amr` value.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}

/// On whose behalf a token speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A person, through one session.
    User {
        /// The person (`sub`).
        id: UserId,
        /// The session (`sid`).
        session: SessionId,
        /// The tenant that owns the account, when it is not the token's tenant (`hid`).
        home: Option<TenantId>,
        /// When the person last proved who they are (`auth_time`), to the second.
        authenticated_at: Option<Timestamp>,
        /// How surely (`acr`).
        assurance: Option<Assurance>,
        /// By which means (`amr`).
        methods: Vec<Method>,
    },
    /// The application itself; `sub` is its `client_id`.
    Application {
        /// Raised to kill every token of the application (`gen`).
        generation: u64,
    },
}

/// What an access token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Who issued it (`iss`): the configured issuer, without trailing slash.
    pub issuer: String,
    /// Whom it is for (`aud`): the configured API identifier.
    pub audience: String,
    /// This token (`jti`).
    pub id: TokenId,
    /// On whose behalf.
    pub subject: Subject,
    /// The application it was issued to (`client_id`).
    pub application: AppId,
    /// The tenant it is valid in (`tid`).
    pub tenant: TenantId,
    /// Live or test data (`livemode`).
    pub livemode: bool,
    /// Scopes, separated by single spaces (`scope`).
    pub scope: String,
    /// When it was issued (`iat`), to the second.
    pub issued_at: Timestamp,
    /// When it ends (`exp`), to the second; the second itself is no longer valid.
    pub expires_at: Timestamp,
}

/// Why a token could not be minted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MintError {
    /// It would end before it begins, or live longer than `MAX_LIFE_S`.
    Life,
    /// It would be longer than `MAX_ISSUED_BYTES`: the scope string is too long.
    TooLong,
    /// The cryptographic library did not sign.
    Signature,
}

/// Writes and signs a token: header exactly `alg`, `kid` and `typ` `at+jwt` (RFC 9068 §2.1).
///
/// Refuses a life outside 1–900 seconds and a token above 1,024 bytes.
pub fn mint(claims: &Claims, key: &SigningKey) -> Result<String, MintError> {
    let life_s = claims.expires_at.seconds().saturating_sub(claims.issued_at.seconds());
    if !(1..=MAX_LIFE_S).contains(&life_s) {
        return Err(MintError::Life);
    }
    let header = json!({"alg": ISSUED, "kid": key.kid(), "typ": "at+jwt"});
    let payload = Value::Object(payload(claims));
    let signed = format!("{}.{}", segment(&header), segment(&payload));
    let signature = key.sign(signed.as_bytes()).ok_or(MintError::Signature)?;
    let token = format!("{signed}.{signature}");
    if token.len() > MAX_ISSUED_BYTES { Err(MintError::TooLong) } else { Ok(token) }
}

fn payload(claims: &Claims) -> Map<String, Value> {
    let mut payload = Map::new();
    let mut put = |name: &str, value: Value| {
        payload.insert(name.to_owned(), value);
    };
    put("iss", json!(claims.issuer));
    match &claims.subject {
        Subject::User { id, .. } => put("sub", json!(id.to_string())),
        Subject::Application { .. } => put("sub", json!(claims.application.to_string())),
    }
    put("aud", json!(claims.audience));
    put("exp", json!(claims.expires_at.seconds()));
    put("iat", json!(claims.issued_at.seconds()));
    put("jti", json!(claims.id.text()));
    put("client_id", json!(claims.application.to_string()));
    put("scope", json!(claims.scope));
    put("tid", json!(claims.tenant.to_string()));
    put("livemode", json!(claims.livemode));
    match &claims.subject {
        Subject::User { session, home, authenticated_at, assurance, methods, .. } => {
            put("sid", json!(session.to_string()));
            if let Some(home) = home {
                put("hid", json!(home.to_string()));
            }
            if let Some(at) = authenticated_at {
                put("auth_time", json!(at.seconds()));
            }
            if let Some(assurance) = assurance {
                put("acr", json!(assurance.name()));
            }
            if !methods.is_empty() {
                put("amr", methods.iter().map(|method| method.name()).collect());
            }
        }
        Subject::Application { generation } => put("gen", json!(generation)),
    }
    payload
}

fn segment(value: &Value) -> String {
    codec::encode(value.to_string().as_bytes())
}

#[cfg(test)]
mod tests;
