//! The authorizer's question and its answer: evidence, never a verdict.
//!
//! The authorizer gathers, the pipeline of every function decides; so every refusal has the right
//! status and body, and a fault in the authorizer is a clean 503.

use kernel::{AnyId, AppId, DeviceId, KeyId, PermissionSet, SessionId, TenantId, Timestamp};

use super::caller::{Principal, PrincipalKind};
use crate::ports::rate::RateState;

/// What the gateway knows of a request before the function runs. Headers that were repeated are marked.
#[derive(Clone, Debug, Default)]
pub struct Inquiry {
    /// Every value of `Authorization`, as sent.
    pub authorization: Vec<String>,
    /// Every value of `x-api-key`, as sent.
    pub api_key: Vec<String>,
    pub source_ip: String,
    pub route_key: String,
}

/// How good the caller's credential is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A principal is proven.
    Valid,
    /// No credential was sent.
    None,
    Expired,
    Invalid,
    Revoked,
    /// Two credentials, or one header twice.
    Multiple,
    /// The proof could not be checked: a dependency failed.
    Unavailable,
}

impl Standing {
    const WORDS: [(Self, &'static str); 7] = [
        (Self::Valid, "valid"),
        (Self::None, "none"),
        (Self::Expired, "expired"),
        (Self::Invalid, "invalid"),
        (Self::Revoked, "revoked"),
        (Self::Multiple, "multiple"),
        (Self::Unavailable, "unavailable"),
    ];

    /// The word in the context.
    pub fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|(one, _)| *one == self).map_or("invalid", |(_, word)| word)
    }

    /// The standing of that word; unknown words are invalid.
    pub fn parse(word: &str) -> Self {
        Self::WORDS.iter().find(|(_, one)| *one == word).map_or(Self::Invalid, |(one, _)| *one)
    }
}

/// The state of the caller's tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TenantStatus {
    #[default]
    Active,
    Suspended,
    Deleting,
}

impl TenantStatus {
    /// The word in the context and in the tenant's row.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deleting => "deleting",
        }
    }

    /// The status of that word; unknown words count as suspended.
    pub fn parse(word: &str) -> Self {
        match word {
            "active" => Self::Active,
            "deleting" => Self::Deleting,
            _ => Self::Suspended,
        }
    }
}

/// What the authorizer found out.
#[derive(Clone, Debug)]
pub struct Evidence {
    pub standing: Standing,
    /// A closed reason code: logged, never answered.
    pub why: &'static str,
    /// Who, where the standing is valid.
    pub principal: Option<Principal>,
    pub tenant_status: TenantStatus,
    pub plan: String,
    /// The verdicts of the policies the principal is counted by.
    pub rates: Vec<RateState>,
    /// Whether the network is on the operator's block list: refused before any function runs.
    pub blocked: bool,
}

impl Evidence {
    /// Evidence without a principal.
    pub fn without(standing: Standing, why: &'static str) -> Self {
        Self {
            standing,
            why,
            principal: None,
            tenant_status: TenantStatus::Active,
            plan: String::new(),
            rates: Vec::new(),
            blocked: false,
        }
    }

    /// Evidence for a proven principal.
    pub fn valid(proof: Proof) -> Self {
        let principal = Principal {
            kind: proof.kind,
            subject: proof.subject,
            tenant: proof.tenant,
            home_tenant: proof.home_tenant,
            livemode: proof.livemode,
            session: proof.session,
            device: proof.device,
            application: proof.application,
            key: proof.key,
            scopes: proof.scopes,
            permissions: proof.permissions,
            roles: proof.roles,
            acr: proof.acr,
            auth_time: proof.auth_time,
        };
        Self { principal: Some(principal), ..Self::without(Standing::Valid, "valid") }
    }

    /// In this tenant state and on this plan.
    pub fn in_tenant(mut self, status: TenantStatus, plan: &str) -> Self {
        self.tenant_status = status;
        plan.clone_into(&mut self.plan);
        self
    }

    /// With these rate verdicts.
    pub fn counted(mut self, rates: Vec<RateState>) -> Self {
        self.rates = rates;
        self
    }
}

/// Everything a checked credential proves.
#[derive(Clone, Debug)]
pub struct Proof {
    pub kind: PrincipalKind,
    pub subject: AnyId,
    pub tenant: TenantId,
    pub home_tenant: TenantId,
    pub livemode: bool,
    pub session: Option<SessionId>,
    pub device: Option<DeviceId>,
    pub application: Option<AppId>,
    pub key: Option<KeyId>,
    pub scopes: Vec<String>,
    pub permissions: PermissionSet,
    pub roles: Vec<String>,
    pub acr: Option<String>,
    pub auth_time: Option<Timestamp>,
}
