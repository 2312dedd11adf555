//! What an access token proves, checked in a fixed order (RFC 9068 §4, RFC 8725 §3).
//!
//! Nothing here reads a row: whether the session, key or tenant still stands is asked afterwards.

use std::time::Duration;

use kernel::{AppId, SessionId, TenantId, Timestamp, UserId};
use serde_json::{Map, Value};

use super::{Assurance, Claims, MAX_LIFE_S, Method, Subject, TokenId};
use crate::domain::jwk::Material;
use crate::domain::jws::{Header, JwsError, verify_compact};
use crate::domain::key_set::KeySet;
use crate::domain::signing_key::{KeyUse, PublicKey};
use crate::domain::strict_json;

/// The longest token that is looked at, in bytes.
const MAX_ACCEPTED_BYTES: usize = 4096;

/// The longest leeway between clocks that may be configured, in seconds.
const MAX_LEEWAY_S: u64 = 30;

/// The keys a token may have been signed with.
#[derive(Default)]
pub struct Keys {
    verifying: KeySet,
    access_kids: Vec<String>,
}

impl Keys {
    /// Keeps the keys whose state verifies; a shared secret never does.
    pub fn of(keys: &[PublicKey]) -> Self {
        let verifying: Vec<&PublicKey> = keys
            .iter()
            .filter(|key| key.state.verifies() && !matches!(key.jwk.material, Material::Secret(_)))
            .collect();
        Self {
            access_kids: verifying
                .iter()
                .filter(|key| key.key_use == KeyUse::Access)
                .filter_map(|key| key.jwk.kid.clone())
                .collect(),
            verifying: KeySet::of(verifying.into_iter().map(|key| &key.jwk)),
        }
    }
}

/// A leeway above 30 seconds was configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeewayTooLong;

/// What a token must say to be ours.
#[derive(Clone, Debug)]
pub struct Expected {
    issuer: String,
    audience: String,
    leeway: Duration,
}

impl Expected {
    /// The usual leeway, in seconds.
    pub const LEEWAY_S: u64 = 5;

    /// Issuer and API identifier to compare byte for byte, and the leeway in seconds, 0–30.
    pub fn new(issuer: &str, audience: &str, leeway_s: u64) -> Result<Self, LeewayTooLong> {
        if leeway_s > MAX_LEEWAY_S {
            return Err(LeewayTooLong);
        }
        let leeway = Duration::from_secs(leeway_s);
        Ok(Self { issuer: issuer.to_owned(), audience: audience.to_owned(), leeway })
    }
}

/// Claims that were proven. Only `verify_access` makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    claims: Claims,
}

impl Evidence {
    /// What the token says.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The proven claims, as values.
    pub fn into_claims(self) -> Claims {
        self.claims
    }

    /// When the credential ends.
    pub fn expires_at(&self) -> Timestamp {
        self.claims.expires_at
    }
}

/// How a refused token is spoken of to its holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was ours once; a refresh helps.
    Expired,
    /// Anything else, without distinction.
    Invalid,
}

/// Why a token proves nothing; variants in the order of the checks. For logs, never for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Above 4,096 bytes.
    TooLong,
    /// Not a JWS of ours.
    Jws(JwsError),
    /// The header has not exactly `alg`, `kid`, `typ`.
    HeaderMembers,
    /// `typ` is not `at+jwt`: another kind of token.
    Typ,
    /// The key is for ID tokens alone.
    KeyUse,
    /// The payload is not a JSON object with unique members.
    Payload,
    /// The named claim is missing, of the wrong type or outside its grammar.
    Claim(&'static str),
    /// `iss` is not ours.
    Issuer,
    /// `aud` is not our API.
    Audience,
    /// `iat` is in the future.
    IssuedInFuture,
    /// `nbf` is in the future.
    NotYetValid,
    /// `exp − iat` is outside 1–900 seconds.
    Life,
    /// `exp` has passed.
    Expired,
    /// `cnf` asks for a proof of possession that was not given (RFC 7800 §3.1).
    Confirmation,
}

impl Why {
    /// What the holder may know.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Expired => Outcome::Expired,
            Self::TooLong
            | Self::Jws(_)
            | Self::HeaderMembers
            | Self::Typ
            | Self::KeyUse
            | Self::Payload
            | Self::Claim(_)
            | Self::Issuer
            | Self::Audience
            | Self::IssuedInFuture
            | Self::NotYetValid
            | Self::Life
            | Self::Confirmation => Outcome::Invalid,
        }
    }
}

/// Verifies an access token and gives what it proves at `now`, or the first reason it does not.
pub fn verify_access(
    token: &str,
    keys: &Keys,
    now: Timestamp,
    expected: &Expected,
) -> Result<Evidence, Why> {
    if token.len() > MAX_ACCEPTED_BYTES {
        return Err(Why::TooLong);
    }
    let (header, payload) = verify_compact(token, &keys.verifying).map_err(Why::Jws)?;
    check_header(&header, keys)?;
    let payload = strict_json::object(&payload).map_err(|_| Why::Payload)?;
    let read = Read::from(&payload)?;

    if read.issuer != expected.issuer {
        return Err(Why::Issuer);
    }
    if read.audience.as_slice() != [expected.audience.as_str()] {
        return Err(Why::Audience);
    }
    if read.issued_at > now.plus(expected.leeway) {
        return Err(Why::IssuedInFuture);
    }
    if read.not_before.is_some_and(|at| at > now.plus(expected.leeway)) {
        return Err(Why::NotYetValid);
    }
    let life_s = read.expires_at.seconds().saturating_sub(read.issued_at.seconds());
    if !(1..=MAX_LIFE_S).contains(&life_s) {
        return Err(Why::Life);
    }
    if now >= read.expires_at.plus(expected.leeway) {
        return Err(Why::Expired);
    }
    if payload.contains_key("cnf") {
        return Err(Why::Confirmation);
    }
    Ok(Evidence { claims: read.claims(&expected.audience) })
}

fn check_header(header: &Header, keys: &Keys) -> Result<(), Why> {
    let mut names: Vec<&str> = header.names().collect();
    names.sort_unstable();
    if names != ["alg", "kid", "typ"] {
        return Err(Why::HeaderMembers);
    }
    // RFC 9068 §4 with RFC 7515 §4.1.9: media types compare without case, `application/` may be
    // left out.
    let typ = header.get("typ").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    if typ.strip_prefix("application/").unwrap_or(&typ) != "at+jwt" {
        return Err(Why::Typ);
    }
    match header.kid() {
        Some(kid) if keys.access_kids.iter().any(|access| access == kid) => Ok(()),
        _ => Err(Why::KeyUse),
    }
}

/// The payload with every type and grammar checked, nothing compared yet.
struct Read {
    issuer: String,
    audience: Vec<String>,
    expires_at: Timestamp,
    issued_at: Timestamp,
    not_before: Option<Timestamp>,
    id: TokenId,
    subject: Subject,
    application: AppId,
    tenant: TenantId,
    livemode: bool,
    scope: String,
}

impl Read {
    fn from(payload: &Map<String, Value>) -> Result<Self, Why> {
        let application: AppId = required(payload, "client_id", parsed)?;
        Ok(Self {
            issuer: required(payload, "iss", text)?,
            subject: subject(payload, application)?,
            audience: required(payload, "aud", audience)?,
            expires_at: required(payload, "exp", instant)?,
            issued_at: required(payload, "iat", instant)?,
            not_before: optional(payload, "nbf", instant)?,
            id: required(payload, "jti", |value| TokenId::parse(value.as_str()?))?,
            application,
            tenant: required(payload, "tid", parsed)?,
            livemode: required(payload, "livemode", Value::as_bool)?,
            scope: optional(payload, "scope", text)?.unwrap_or_default(),
        })
    }

    fn claims(self, audience: &str) -> Claims {
        Claims {
            issuer: self.issuer,
            audience: audience.to_owned(),
            id: self.id,
            subject: self.subject,
            application: self.application,
            tenant: self.tenant,
            livemode: self.livemode,
            scope: self.scope,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
        }
    }
}

fn subject(payload: &Map<String, Value>, application: AppId) -> Result<Subject, Why> {
    let sub = required(payload, "sub", text)?;
    let session: Option<SessionId> = optional(payload, "sid", parsed)?;
    let generation = optional(payload, "gen", strict_json::integer)?;
    let home = optional(payload, "hid", parsed)?;
    let authenticated_at = optional(payload, "auth_time", instant)?;
    let assurance = optional(payload, "acr", |value| Assurance::named(value.as_str()?))?;
    let methods = optional(payload, "amr", methods)?.unwrap_or_default();
    if let Ok(id) = sub.parse::<UserId>() {
        let session = session.ok_or(Why::Claim("sid"))?;
        return Ok(Subject::User { id, session, home, authenticated_at, assurance, methods });
    }
    // RFC 9068 §2.2: where no person is involved, `sub` is the application.
    if sub.parse::<AppId>().ok() != Some(application) {
        return Err(Why::Claim("sub"));
    }
    Ok(Subject::Application { generation: generation.ok_or(Why::Claim("gen"))? })
}

fn required<T>(
    payload: &Map<String, Value>,
    name: &'static str,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<T, Why> {
    optional(payload, name, read)?.ok_or(Why::Claim(name))
}

fn optional<T>(
    payload: &Map<String, Value>,
    name: &'static str,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Option<T>, Why> {
    payload.get(name).map(|value| read(value).ok_or(Why::Claim(name))).transpose()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn parsed<T: std::str::FromStr>(value: &Value) -> Option<T> {
    value.as_str()?.parse().ok()
}

fn audience(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(one) => Some(vec![one.clone()]),
        Value::Array(several) => several.iter().map(text).collect(),
        _ => None,
    }
}

fn methods(value: &Value) -> Option<Vec<Method>> {
    value.as_array()?.iter().map(|name| Method::named(name.as_str()?)).collect()
}

fn instant(value: &Value) -> Option<Timestamp> {
    i64::try_from(strict_json::integer(value)?).ok().map(Timestamp::from_seconds)
}
