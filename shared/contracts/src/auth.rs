//! Module `auth`: accounts, sign-in, tokens and keys.

use kernel::problem::{CREDENTIAL_INVALID, NOT_FOUND, TENANT_SUSPENDED, VALIDATION_FAILED};
use kernel::text::{EmailAddress, LocaleTag, Slug, Text};
use kernel::{AnyId, Secret, SessionId, TenantId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    Call, Empty, Endpoint, Granted, Nothing, Own, Public, Rate, Success, calls, endpoints, problems,
};

/// Largest body of this module, in bytes.
const BODY_LIMIT_BYTES: usize = 16 * 1024;
/// How long documents may be cached.
const DOCUMENT_CACHE: &str = "public, max-age=900";

endpoints! {
    /// Registers a person.
    ///
    /// Starts an account in the tenant and mails a link that verifies the address. The answer is the
    /// same whether or not the address is known, so that nobody learns who has an account. Registering
    /// a pending address again replaces its password and its link.
    REGISTER: Public<Register, Started> = Endpoint::post("auth.register", "/v1/auth/register")
        .public("no account yet")
        .rate(Rate::Credential)
        .keyed()
        .answers(Success::Accepted)
        .body_limit(BODY_LIMIT_BYTES)
        .refuses(&[&REGISTRATION_CLOSED, &TENANT_UNKNOWN, &TENANT_SUSPENDED])
        .audited("account.registered")
        .budget(3);

    /// Verifies an e-mail address.
    ///
    /// Takes the token of the mailed link, once. The account becomes active; the person still has to
    /// sign in. A token that is wrong, used, superseded or expired is refused with `handle_invalid`.
    /// The page behind the link posts the token as an HTML form; such a post is answered with a
    /// redirect to a page that says so.
    EMAIL_VERIFY: Public<VerifyEmail, Verified> =
        Endpoint::post("auth.email_verify", "/v1/auth/email/verify")
            .handle("the token of a mailed link")
            .rate(Rate::Credential)
            .one_time()
            .body_limit(BODY_LIMIT_BYTES)
            .form("/v1/auth/links/verified")
            .refuses(&[&HANDLE_INVALID])
            .audited("email.verified")
            .budget(3);

    /// Mails a new verification link.
    ///
    /// Always answers 202, for known and unknown addresses alike. Earlier links stop working.
    EMAIL_VERIFY_RESEND: Public<ResendVerification, Started> =
        Endpoint::post("auth.email_verify_resend", "/v1/auth/email/verify/resend")
            .public("no session yet")
            .rate(Rate::Credential)
            .answers(Success::Accepted)
            .body_limit(BODY_LIMIT_BYTES)
            .refuses(&[&TENANT_UNKNOWN, &TENANT_SUSPENDED])
            .unaudited("asks for a mail, and changes no account")
            .budget(3);

    /// Shows the page behind a mailed link.
    ///
    /// The page holds a form that posts the token. Opening it changes nothing, so mail scanners that
    /// fetch links do no harm.
    LINK_PAGE: Public<LinkPage, String> = Endpoint::get("auth.link_page", "/v1/auth/links/{purpose}")
        .public("a page without effect")
        .rate(Rate::PublicDocument)
        .html();

    /// Signs a person in.
    ///
    /// Answers an access token (ES256, about ten minutes) and a refresh token that changes with every
    /// use. Unknown addresses, wrong passwords and closed counters get the same `invalid_credentials`.
    LOGIN: Public<Login, SignedIn> = Endpoint::post("auth.login", "/v1/auth/login")
        .public("obtains the credential")
        .rate(Rate::Credential)
        .body_limit(BODY_LIMIT_BYTES)
        .refuses(&[
            &INVALID_CREDENTIALS,
            &EMAIL_NOT_VERIFIED,
            &ACCOUNT_SUSPENDED,
            &TENANT_UNKNOWN,
            &TENANT_SUSPENDED,
        ])
        .audited("session.created")
        .budget(4);

    /// Exchanges a refresh token for new tokens.
    ///
    /// Every use answers the next refresh token. Sending the same one again within ten seconds answers
    /// the same next token; later it counts as theft and ends the session.
    TOKEN_REFRESH: Public<Refresh, Tokens> =
        Endpoint::post("auth.token_refresh", "/v1/auth/token/refresh")
            .handle("the refresh token of a direct session")
            .rate(Rate::Token)
            .body_limit(BODY_LIMIT_BYTES)
            .refuses(&[&CREDENTIAL_INVALID])
            .audited("session.reuse_revoked")
            .budget(1);

    /// Ends this session.
    ///
    /// The access token of the session is refused from the next request on.
    LOGOUT: Own<Nothing, Empty> = Endpoint::post("auth.logout", "/v1/auth/logout")
        .own()
        .natural()
        .answers(Success::NoContent)
        .audited("session.revoked")
        .budget(1);

    /// Shows the caller: who, in which tenant, with which permissions.
    ME: Granted<Nothing, Me> = Endpoint::get("auth.me", "/v1/auth/me").any_principal();

    /// The public keys that verify our tokens, as a JSON Web Key Set (RFC 7517).
    JWKS: Public<Nothing, KeySet> = Endpoint::get("auth.jwks", "/.well-known/jwks.json")
        .public("key distribution")
        .rate(Rate::PublicDocument)
        .cached("public, max-age=900, stale-while-revalidate=60")
        .any_origin()
        .budget(1);

    /// The OpenID Provider configuration (OpenID Connect Discovery 1.0 section 4).
    OIDC_CONFIGURATION: Public<Nothing, ProviderConfiguration> =
        Endpoint::get("auth.oidc_configuration", "/.well-known/openid-configuration")
            .public("discovery")
            .rate(Rate::PublicDocument)
            .cached(DOCUMENT_CACHE)
            .any_origin();
}

calls! {
    /// The address, name, locale and status of an account.
    ACCOUNT_GET: Call<AccountGet, Account> =
        Call::new("auth.account_get").refuses(&[&NOT_FOUND]);

    /// Makes an account at home in the tenant: verified where a password comes with it, pending without.
    /// Answers `exists`, and changes nothing, where somebody has the address.
    ACCOUNT_CREATE: Call<AccountCreate, AccountCreated> =
        Call::new("auth.account_create").refuses(&[&VALIDATION_FAILED]);
}

problems! {
    /// Address or password is wrong.
    INVALID_CREDENTIALS: Unauthenticated = "invalid_credentials",
        "address or password is wrong; check both, or reset the password";
    /// The address is not verified yet.
    EMAIL_NOT_VERIFIED: Forbidden = "email_not_verified",
        "open the link in the mail we sent you, or ask for a new one";
    /// The account is suspended.
    ACCOUNT_SUSPENDED: Forbidden = "account_suspended",
        "this account is closed; ask the people who run this service";
    /// The tenant takes no registrations.
    REGISTRATION_CLOSED: Forbidden = "registration_closed",
        "registration is closed here; ask for an invitation";
    /// There is no such tenant.
    TENANT_UNKNOWN: NotFound = "tenant_unknown", "there is no tenant of this name";
    /// The link or handle is not valid any more.
    HANDLE_INVALID: Unauthenticated = "handle_invalid",
        "this link was used, replaced or has expired; ask for a new one";
}

/// A JSON Web Key Set (RFC 7517 section 5).
#[derive(Debug, Serialize, JsonSchema)]
pub struct KeySet {
    /// Public keys: `kty`, `use`, `alg` and `kid` of each, and the numbers of its type.
    pub keys: Vec<Map<String, Value>>,
}

/// What this installation offers (OpenID Connect Discovery 1.0 section 3): `issuer`, `jwks_uri`,
/// `subject_types_supported`, and the endpoints and abilities that are there.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct ProviderConfiguration(pub Map<String, Value>);

/// A tenant as people write it: its slug or its id.
pub type TenantName = Text<1, 64>;

/// What a person sends to register.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// Slug or id of the tenant.
    pub tenant: TenantName,
    /// The address to verify.
    pub email: EmailAddress,
    /// At least 15 characters, or 8 where a second factor is required; at most 128.
    #[schemars(with = "String")]
    pub password: Secret<String>,
    /// How the person is called.
    pub name: Text<1, 100>,
    /// Language of mails and pages, as a BCP 47 tag.
    #[serde(default)]
    pub locale: Option<LocaleTag>,
}

/// The one answer to everything that mails a link.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Started {
    pub status: StartedStatus,
}

/// What was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StartedStatus {
    VerificationSent,
}

/// The token of a mailed link.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyEmail {
    #[schemars(with = "String")]
    pub token: Secret<String>,
}

/// The account is active.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Verified {
    pub status: VerifiedStatus,
}

/// What verification made of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerifiedStatus {
    Verified,
}

/// Asks for another verification mail.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResendVerification {
    pub tenant: TenantName,
    pub email: EmailAddress,
}

/// Which page, for which token.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkPage {
    /// What the link is for: `verify`; `verified` is the page a browser comes to afterwards.
    pub purpose: Slug,
    /// The token, copied into the form unread.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub token: Option<Secret<String>>,
}

/// What a person sends to sign in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    pub tenant: TenantName,
    pub email: EmailAddress,
    #[schemars(with = "String")]
    pub password: Secret<String>,
    /// Proof that this device signed in before; keeps the owner out of a lock others caused.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub device_token: Option<Secret<String>>,
    /// Longer lifetimes for the session.
    #[serde(default)]
    pub remember: bool,
    /// `false` makes a session for test data.
    #[serde(default = "live")]
    pub livemode: bool,
}

fn live() -> bool {
    true
}

/// A new session.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SignedIn {
    pub status: SignedInStatus,
    #[serde(flatten)]
    pub tokens: Tokens,
    pub session_id: SessionId,
    /// Send it with the next sign-in from this device.
    pub device_token: String,
    pub user: Person,
}

/// How far the sign-in came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignedInStatus {
    Authenticated,
}

/// The person who signed in.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Person {
    pub id: UserId,
    pub email: String,
    pub name: String,
    pub locale: Option<String>,
}

/// Tokens of a session.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Tokens {
    /// A JSON Web Token for `Authorization: Bearer` (RFC 9068).
    pub access_token: String,
    pub token_type: TokenType,
    /// Life of the access token, in seconds.
    pub expires_in: i64,
    /// Good for one use.
    pub refresh_token: String,
    /// Life of the refresh token, in seconds.
    pub refresh_expires_in: i64,
}

/// How the access token is presented (RFC 6750).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum TokenType {
    Bearer,
}

/// A refresh token to exchange.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    #[schemars(with = "String")]
    pub refresh_token: Secret<String>,
}

/// The caller as we see them.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Me {
    /// `user`, `service` or `application`.
    pub kind: &'static str,
    pub subject_id: AnyId,
    pub tenant_id: TenantId,
    pub home_tenant_id: TenantId,
    pub livemode: bool,
    pub session_id: Option<SessionId>,
    pub roles: Vec<String>,
    /// Dotted names.
    pub permissions: Vec<&'static str>,
    pub scopes: Vec<String>,
    /// Authentication class: `aal1` or `aal2`.
    pub acr: Option<String>,
    pub authenticated_at: Option<Timestamp>,
}

/// Which account.
#[derive(Debug, Deserialize, Serialize)]
pub struct AccountGet {
    pub user_id: UserId,
}

/// What other modules may know of an account.
#[derive(Debug, Deserialize, Serialize)]
pub struct Account {
    pub user_id: UserId,
    pub email: String,
    pub verified: bool,
    pub name: String,
    pub locale: Option<String>,
    pub version: u64,
}

/// The account to make.
#[derive(Debug, Deserialize, Serialize)]
pub struct AccountCreate {
    pub email: EmailAddress,
    pub name: Text<1, 100>,
    pub locale: Option<LocaleTag>,
    /// With a password the address counts as proven by the caller, and the account is active.
    #[serde(serialize_with = "disclosed")]
    pub password: Option<Secret<String>>,
}

/// A typed call is the one place where a password is written down: on its way to its hash, between two
/// functions of ours.
fn disclosed<S: serde::Serializer>(
    password: &Option<Secret<String>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    password.as_ref().map(Secret::expose).serialize(serializer)
}

/// The account that has the address now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct AccountCreated {
    pub user_id: UserId,
    pub outcome: AccountOutcome,
}

/// Whether the account was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountOutcome {
    Created,
    Exists,
}
