//! Evidence as the authorizer's context: strings only, at most 2 KB, never a token or an address.

use std::collections::HashMap;

use kernel::{PermissionSet, Timestamp};
use serde_json::{Map, Value, json};

use crate::call::authorizer::{Evidence, Proof, Standing, TenantStatus};
use crate::call::caller::{Principal, PrincipalKind};
use crate::ports::rate::RateState;

/// The authorizer's simple response (API Gateway HTTP API, payload format 2.0): always authorised but
/// for blocked networks, because the verdict is the function's.
pub(crate) fn response(evidence: &Evidence) -> Value {
    json!({ "isAuthorized": !evidence.blocked, "context": write(evidence) })
}

fn write(evidence: &Evidence) -> Map<String, Value> {
    let mut context = Map::new();
    let mut put = |name: &str, text: String| {
        if !text.is_empty() {
            context.insert(name.to_owned(), Value::String(text));
        }
    };
    put("evidence", evidence.standing.as_str().to_owned());
    put("why", evidence.why.to_owned());
    put("tenant_status", evidence.tenant_status.as_str().to_owned());
    put("plan", evidence.plan.clone());
    put("rate", evidence.rates.iter().map(write_rate).collect::<Vec<_>>().join(" "));
    if let Some(principal) = &evidence.principal {
        let optional = |id: Option<String>| id.unwrap_or_default();
        put("kind", principal.kind.as_str().to_owned());
        put("subject_id", principal.subject.to_string());
        put("tenant_id", principal.tenant.to_string());
        put("home_tenant_id", principal.home_tenant.to_string());
        put("mode", if principal.livemode { "live" } else { "test" }.to_owned());
        put("session_id", optional(principal.session.map(|id| id.to_string())));
        put("device_id", optional(principal.device.map(|id| id.to_string())));
        put("application_id", optional(principal.application.map(|id| id.to_string())));
        put("key_id", optional(principal.key.map(|id| id.to_string())));
        put("scope", principal.scopes.join(" "));
        put("permissions", principal.permissions.to_bits());
        put("roles", principal.roles.join(" "));
        put("acr", principal.acr.clone().unwrap_or_default());
        put("auth_time", optional(principal.auth_time.map(|at| at.seconds().to_string())));
    }
    context
}

/// Reads the context a function was handed; what is missing or malformed counts as no evidence at all.
pub(crate) fn read(fields: &HashMap<String, Value>) -> Option<Evidence> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let standing = Standing::parse(fields.get("evidence")?.as_str()?);
    let principal = match standing {
        Standing::Valid => Some(read_principal(&text)?),
        _ => None,
    };
    Some(Evidence {
        principal,
        tenant_status: match text("tenant_status") {
            "" => TenantStatus::Active,
            word => TenantStatus::parse(word),
        },
        plan: text("plan").to_owned(),
        rates: text("rate").split_whitespace().filter_map(read_rate).collect(),
        ..Evidence::without(standing, "")
    })
}

fn read_principal<'a>(text: &impl Fn(&'a str) -> &'a str) -> Option<Principal> {
    let words = |name| text(name).split_whitespace().map(str::to_owned).collect();
    let proof = Proof {
        kind: PrincipalKind::parse(text("kind"))?,
        subject: text("subject_id").parse().ok()?,
        tenant: text("tenant_id").parse().ok()?,
        home_tenant: text("home_tenant_id").parse().ok()?,
        livemode: match text("mode") {
            "live" => true,
            "test" => false,
            _ => return None,
        },
        session: text("session_id").parse().ok(),
        device: text("device_id").parse().ok(),
        application: text("application_id").parse().ok(),
        key: text("key_id").parse().ok(),
        scopes: words("scope"),
        permissions: PermissionSet::from_bits(text("permissions"))?,
        roles: words("roles"),
        acr: Some(text("acr").to_owned()).filter(|acr| !acr.is_empty()),
        auth_time: text("auth_time").parse().ok().map(Timestamp::from_seconds),
    };
    Evidence::valid(proof).principal
}

fn write_rate(rate: &RateState) -> String {
    let refused = u8::from(rate.refused);
    let RateState { policy, limit, window_s, remaining, reset_s, .. } = rate;
    format!("{policy}:{limit}:{window_s}:{remaining}:{reset_s}:{refused}")
}

fn read_rate(text: &str) -> Option<RateState> {
    let mut parts = text.split(':');
    let policy = parts.next()?.to_owned();
    let mut number = || parts.next()?.parse::<u32>().ok();
    Some(RateState {
        policy,
        limit: number()?,
        window_s: number()?,
        remaining: number()?,
        reset_s: number()?,
        refused: number()? == 1,
    })
}

#[cfg(test)]
mod tests {
    use kernel::{AnyId, Permission};

    use super::*;

    fn fields(evidence: &Evidence) -> HashMap<String, Value> {
        write(evidence).into_iter().collect()
    }

    fn proof() -> Proof {
        let id = |prefix: &str| format!("{prefix}_01arz3ndektsv4rrffq69g5fav");
        Proof {
            kind: PrincipalKind::User,
            subject: id("usr").parse::<AnyId>().unwrap(),
            tenant: id("cli").parse().unwrap(),
            home_tenant: id("cli").parse().unwrap(),
            livemode: true,
            session: id("ses").parse().ok(),
            device: None,
            application: id("app").parse().ok(),
            key: None,
            scopes: vec!["api".to_owned()],
            permissions: [Permission::GatewayHealthRead].into_iter().collect(),
            roles: vec!["member".to_owned()],
            acr: Some("aal1".to_owned()),
            auth_time: Some(Timestamp::from_seconds(1_795_000_000)),
        }
    }

    #[test]
    fn evidence_round_trips_through_strings() {
        let rate = RateState {
            policy: "read".to_owned(),
            limit: 600,
            window_s: 60,
            remaining: 599,
            reset_s: 41,
            refused: false,
        };
        let evidence = Evidence::valid(proof())
            .in_tenant(TenantStatus::Suspended, "free")
            .counted(vec![rate.clone()]);
        let read = read(&fields(&evidence)).unwrap();
        assert_eq!(fields(&read).get("permissions"), fields(&evidence).get("permissions"));
        assert_eq!((read.tenant_status, read.plan.as_str()), (TenantStatus::Suspended, "free"));
        assert_eq!(read.rates, [rate]);
        assert_eq!(read.principal.unwrap().session, proof().session);
    }

    #[test]
    fn a_context_without_a_whole_principal_proves_nothing() {
        let whole = fields(&Evidence::valid(proof()));
        for name in ["evidence", "kind", "subject_id", "tenant_id", "home_tenant_id", "mode"] {
            let mut broken = whole.clone();
            broken.remove(name);
            assert!(read(&broken).is_none(), "{name}");
        }
        let none = Evidence::without(Standing::None, "none");
        assert!(read(&fields(&none)).is_some_and(|read| read.principal.is_none()));
    }
}
