//! Who may come in: evidence to verdict, checks 5 to 10 of the pipeline. The first refusal wins.

use interface::{Access, Spec};
use kernel::Error;
use kernel::problem::{
    AUTH_UNAVAILABLE, CREDENTIAL_EXPIRED, CREDENTIAL_INVALID, CREDENTIAL_MISSING,
    INSUFFICIENT_SCOPE, MISROUTED, MULTIPLE_CREDENTIALS, ORIGIN_NOT_ALLOWED, PERMISSION_DENIED,
    STEP_UP_REQUIRED, TENANT_MISMATCH, TENANT_SUSPENDED,
};

use super::request::Request;
use super::served::Served;
use crate::call::authorizer::{Evidence, Standing, TenantStatus};
use crate::call::caller::{InTenant, Principal, PrincipalKind};
use crate::module::function::Function;

pub(super) fn evidence(spec: &Spec, request: &Request) -> Result<Evidence, Error> {
    if !spec.access.wants_evidence() {
        return Ok(Evidence::without(Standing::None, "public"));
    }
    let missing = || MISROUTED.because("a protected route without its authorizer");
    request.evidence().ok_or_else(missing)
}

/// Checks 5 to 9: evidence, tenant, mode, scope, permission, step-up.
pub(super) fn admit(
    spec: &Spec,
    request: &Request,
    evidence: Evidence,
    now: kernel::Timestamp,
    served: &mut Served,
) -> Result<Option<Principal>, Error> {
    if !spec.access.needs_credential() {
        return Ok(evidence.principal);
    }
    let principal = proven(&evidence)?;
    check_tenant(&evidence, &principal, request.header("x-tenant"))?;
    check_access(spec.access, &principal)?;
    if let Some(max_age_s) = spec.max_auth_age_s {
        let oldest = now.seconds() - i64::from(max_age_s);
        if principal.auth_time().is_none_or(|at| at.seconds() < oldest) {
            served.step_up_age_s = Some(max_age_s);
            return Err(STEP_UP_REQUIRED.error());
        }
    }
    Ok(Some(principal))
}

fn proven(evidence: &Evidence) -> Result<Principal, Error> {
    let invalid = || CREDENTIAL_INVALID.error();
    match evidence.standing {
        Standing::Valid => evidence.principal.clone().ok_or_else(invalid),
        Standing::None => Err(CREDENTIAL_MISSING.error()),
        Standing::Expired => Err(CREDENTIAL_EXPIRED.error()),
        Standing::Invalid | Standing::Revoked => Err(invalid()),
        Standing::Multiple => Err(MULTIPLE_CREDENTIALS.error()),
        Standing::Unavailable => Err(AUTH_UNAVAILABLE.error().retry_after(1)),
    }
}

fn check_tenant(evidence: &Evidence, who: &Principal, hint: Option<&str>) -> Result<(), Error> {
    if evidence.tenant_status != TenantStatus::Active {
        return Err(TENANT_SUSPENDED.error());
    }
    match hint {
        Some(hint) if hint != who.tenant().to_string() => Err(TENANT_MISMATCH.error()),
        _ => Ok(()),
    }
}

fn check_access(access: Access, who: &Principal) -> Result<(), Error> {
    let allowed = match access {
        Access::Permission(permission) => who.may(permission),
        Access::Own { first_party } => {
            if first_party && !who.scopes().iter().any(|scope| scope == "api") {
                return Err(INSUFFICIENT_SCOPE.error().at("api"));
            }
            who.kind() == PrincipalKind::User
        }
        Access::AnyPrincipal => who.kind() != PrincipalKind::Publishable,
        Access::Undecided => false,
        Access::Public { .. } | Access::Handle { .. } | Access::Open { .. } => true,
    };
    if allowed { Ok(()) } else { Err(PERMISSION_DENIED.error()) }
}

/// Check 10: a page of another origin may read public documents and nothing else.
pub(super) fn check_origin(
    function: &Function,
    spec: &Spec,
    origin: Option<&str>,
) -> Result<(), Error> {
    let harmless = spec.answers_any_origin();
    match origin {
        Some(origin) if !harmless && !function.ports.config.allows_origin(origin) => {
            Err(ORIGIN_NOT_ALLOWED.error())
        }
        _ => Ok(()),
    }
}
