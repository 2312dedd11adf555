//! Who may come in: evidence to verdict, checks 5 to 10 of the pipeline. The first refusal wins.

use interface::{Access, Rate, Spec};
use kernel::{Error, ErrorKind};

use super::request::Request;
use super::served::Served;
use crate::call::authorizer::{Evidence, Standing, TenantStatus};
use crate::call::caller::{InTenant, Principal, PrincipalKind};
use crate::module::function::Function;

pub(super) fn evidence(spec: &Spec, request: &Request) -> Result<Evidence, Error> {
    if !spec.access.wants_evidence() {
        return Ok(Evidence::without(Standing::None, "public"));
    }
    let missing =
        || Error::new(ErrorKind::Internal, "misrouted", "a protected route without its authorizer");
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
            let message = "sign in again and repeat the call";
            return Err(Error::unauthenticated("step_up_required", message));
        }
    }
    Ok(Some(principal))
}

fn proven(evidence: &Evidence) -> Result<Principal, Error> {
    let invalid = || Error::unauthenticated("credential_invalid", "the credential is not valid");
    match evidence.standing {
        Standing::Valid => evidence.principal.clone().ok_or_else(invalid),
        Standing::None => Err(Error::unauthenticated(
            "credential_missing",
            "send a credential in the Authorization header",
        )),
        Standing::Expired => {
            Err(Error::unauthenticated("credential_expired", "the credential has expired"))
        }
        Standing::Invalid | Standing::Revoked => Err(invalid()),
        Standing::Multiple => {
            Err(Error::invalid("multiple_credentials", "send one credential, once"))
        }
        Standing::Unavailable => {
            Err(Error::unavailable("auth_unavailable", "credentials cannot be checked right now")
                .retry_after(1))
        }
    }
}

fn check_tenant(evidence: &Evidence, who: &Principal, hint: Option<&str>) -> Result<(), Error> {
    if evidence.tenant_status != TenantStatus::Active {
        return Err(Error::forbidden("tenant_suspended", "the tenant is suspended"));
    }
    match hint {
        Some(hint) if hint != who.tenant().to_string() => {
            Err(Error::forbidden("tenant_mismatch", "the credential belongs to another tenant"))
        }
        _ => Ok(()),
    }
}

fn check_access(access: Access, who: &Principal) -> Result<(), Error> {
    let denied = || Error::forbidden("permission_denied", "the credential may not do this");
    let allowed = match access {
        Access::Permission(permission) => who.may(permission),
        Access::Own { first_party } => {
            if first_party && !who.scopes().iter().any(|scope| scope == "api") {
                return Err(
                    Error::forbidden("insufficient_scope", "this needs scope api").at("api")
                );
            }
            who.kind() == PrincipalKind::User
        }
        Access::AnyPrincipal => who.kind() != PrincipalKind::Publishable,
        Access::Undecided => false,
        Access::Public { .. } | Access::Handle { .. } | Access::Open { .. } => true,
    };
    if allowed { Ok(()) } else { Err(denied()) }
}

/// Check 10: a page of another origin may read public documents and nothing else.
pub(super) fn check_origin(
    function: &Function,
    spec: &Spec,
    origin: Option<&str>,
) -> Result<(), Error> {
    let harmless = spec.any_origin || spec.rate == Rate::Unlimited || is_catch_all(spec);
    match origin {
        Some(origin) if !harmless && !function.ports.config.allows_origin(origin) => {
            Err(Error::forbidden("origin_not_allowed", "this web page's origin is not registered"))
        }
        _ => Ok(()),
    }
}

/// Preflight and fallback answer for every path, and read none of its parameters.
pub(super) fn is_catch_all(spec: &Spec) -> bool {
    spec.path == "$default" || spec.path.contains("{proxy+}")
}
