//! Every route and every standing of a caller, and the status each gets: derived from the contracts, so
//! that a changed decision shows in review.

use contracts::{Access, Method, Spec};
use kernel::{PermissionSet, SystemRole};
use runtime::{Module, Row};

use crate::platform::route_keys;

/// How a caller stands before a route.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Standing {
    /// No credential, or a bad one.
    Unproven,
    /// The proof could not be checked.
    Unavailable,
    /// Two credentials.
    Multiple,
    /// A proven person whose tenant is suspended, or who names another tenant.
    OtherTenant,
    /// A proven person whose sign-in is old.
    Stale,
    /// A proven person with a role.
    Person(SystemRole),
    /// A person of another home tenant, with no role here.
    Guest,
    /// A service account or an application, with a role.
    Machine(SystemRole),
    /// A publishable key.
    Publishable,
}

const COLUMNS: &[(&str, Standing)] = &[
    ("none", Standing::Unproven),
    ("expired", Standing::Unproven),
    ("garbled", Standing::Unproven),
    ("wrong_audience", Standing::Unproven),
    ("revoked", Standing::Unproven),
    ("two", Standing::Multiple),
    ("unavailable", Standing::Unavailable),
    ("suspended", Standing::OtherTenant),
    ("other_tenant", Standing::OtherTenant),
    ("stale", Standing::Stale),
    ("platform_admin", Standing::Person(SystemRole::PlatformAdmin)),
    ("tenant_owner", Standing::Person(SystemRole::TenantOwner)),
    ("tenant_admin", Standing::Person(SystemRole::TenantAdmin)),
    ("finance", Standing::Person(SystemRole::Finance)),
    ("auditor", Standing::Person(SystemRole::Auditor)),
    ("support", Standing::Person(SystemRole::Support)),
    ("moderator", Standing::Person(SystemRole::Moderator)),
    ("member", Standing::Person(SystemRole::Member)),
    ("guest", Standing::Guest),
    ("service", Standing::Machine(SystemRole::Service)),
    ("application", Standing::Machine(SystemRole::Service)),
    ("secret_key", Standing::Machine(SystemRole::TenantOwner)),
    ("restricted_key", Standing::Machine(SystemRole::Member)),
    ("publishable_key", Standing::Publishable),
];

/// The matrix of a module's routes as aligned text; nothing where it has none.
pub fn access_matrix(module: &Module) -> Option<String> {
    let mut lines = vec![
        "# Status of a good request by route and standing. Numbers below 400 are the success of the".to_owned(),
        "# contract. `secret_key` is a key of a tenant owner, `restricted_key` one without permissions,".to_owned(),
        "# `suspended` and `other_tenant` are proven callers of a suspended tenant and with the header".to_owned(),
        "# X-Tenant of another tenant. Rows of another tenant answer 404 everywhere.".to_owned(),
        String::new(),
    ];
    let routes = module.rows.iter().filter_map(Row::http);
    let mut rows: Vec<(String, &Spec)> =
        routes.flat_map(|spec| route_keys(spec).into_iter().map(move |key| (key, spec))).collect();
    if rows.is_empty() {
        return None;
    }
    rows.sort_by_key(|(key, _)| place(key));
    let width = rows.iter().map(|(key, _)| key.len()).max().unwrap_or(0).max(5);
    let access_width =
        rows.iter().map(|(_, spec)| word(spec.access).len()).max().unwrap_or(0).max(6);
    let heads: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    lines.push(format!("{:width$}  {:access_width$}  {}", "route", "access", heads.join("  ")));
    for (key, spec) in rows {
        let cells: Vec<String> = COLUMNS
            .iter()
            .map(|(name, standing)| format!("{:>w$}", status(spec, *standing), w = name.len()))
            .collect();
        let access = word(spec.access);
        lines.push(format!("{key:width$}  {access:access_width$}  {}", cells.join("  ")));
    }
    Some(lines.join("\n"))
}

/// By path, then by method.
fn place(key: &str) -> (String, String) {
    let (method, path) = key.split_once(' ').unwrap_or(("", key));
    (path.to_owned(), method.to_owned())
}

fn word(access: Access) -> String {
    match access {
        Access::Undecided => "undecided".to_owned(),
        Access::Public { .. } => "public".to_owned(),
        Access::Handle { .. } => "handle".to_owned(),
        Access::Open { .. } => "open".to_owned(),
        Access::Own { first_party: false } => "own".to_owned(),
        Access::Own { first_party: true } => "own (first party)".to_owned(),
        Access::AnyPrincipal => "any principal".to_owned(),
        Access::Permission(permission) => permission.as_str().to_owned(),
    }
}

/// The status; the order of tests is that of the pipeline.
fn status(spec: &Spec, standing: Standing) -> u16 {
    let success = if spec.method == Method::Any { 404 } else { spec.success.status() };
    if !spec.access.needs_credential() {
        return success;
    }
    let may = |role: Option<SystemRole>, is_person: bool| match spec.access {
        Access::Own { .. } => is_person,
        Access::Permission(permission) => {
            let held = role.map_or_else(PermissionSet::new, SystemRole::permissions);
            held.contains(permission)
        }
        _ => true,
    };
    let allowed = match standing {
        Standing::Unproven => return 401,
        Standing::Unavailable => return 503,
        Standing::Multiple => return 400,
        Standing::OtherTenant => return 403,
        Standing::Stale => {
            let allowed = may(Some(SystemRole::PlatformAdmin), true);
            if allowed && spec.max_auth_age_s.is_some() {
                return 401;
            }
            allowed
        }
        Standing::Person(role) => may(Some(role), true),
        Standing::Guest => may(None, true),
        Standing::Machine(role) => may(Some(role), false),
        Standing::Publishable => false,
    };
    if allowed { success } else { 403 }
}

#[cfg(test)]
mod tests {
    use contracts::{auth, gateway, profile};

    use super::*;

    #[test]
    fn statuses_follow_the_access_decision() {
        use Standing::{Guest, Machine, Multiple, OtherTenant, Person, Publishable, Unproven};
        let admin = Person(SystemRole::PlatformAdmin);
        let member = Person(SystemRole::Member);
        let service = Machine(SystemRole::Service);
        let cases = [
            (profile::GET.spec, Unproven, 401),
            (profile::GET.spec, Multiple, 400),
            (profile::GET.spec, OtherTenant, 403),
            (profile::GET.spec, member, 200),
            (profile::GET.spec, Guest, 200),
            (profile::GET.spec, service, 403),
            (profile::VIEW.spec, service, 200),
            (profile::VIEW.spec, Publishable, 403),
            (gateway::MODULES.spec, member, 403),
            (gateway::MODULES.spec, admin, 200),
            (gateway::HEALTH.spec, Unproven, 200),
            (auth::REGISTER.spec, Unproven, 202),
        ];
        for (spec, standing, expected) in cases {
            assert_eq!(status(&spec, standing), expected, "{} {standing:?}", spec.id);
        }
    }
}
