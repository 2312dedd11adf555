//! Rows that several functions read to learn who may do what: each written only by its owner, their
//! shapes kept here because the authorizer and `auth` read them too.

use kernel::{AnyId, PermissionSet, SystemRole, TenantId};
use serde::{Deserialize, Serialize};
use store::{Key, Scope, Stored, Table};

use super::authorizer::TenantStatus;

/// Tenants: owned by module `client`.
pub const CLIENT: Table = Table::new("client");
/// Roles and who has them: owned by module `role`.
pub const ROLE: Table = Table::new("role");

/// Who may start an account in a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationPolicy {
    Open,
    InviteOnly,
    Closed,
}

/// The head of a tenant: what every request of the tenant depends on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct TenantHead {
    pub tenant: TenantId,
    pub slug: String,
    pub name: String,
    pub status: String,
    pub plan: String,
    pub registration: RegistrationPolicy,
    /// Whether it is the tenant that runs the platform.
    pub platform: bool,
}

impl TenantHead {
    /// Where the head of a tenant is.
    pub fn key_of(tenant: TenantId) -> Key {
        Key::alone(Scope::tenant(tenant).partition("HEAD", "tenant"))
    }

    /// The tenant's state.
    pub fn status(&self) -> TenantStatus {
        TenantStatus::parse(&self.status)
    }
}

impl Stored for TenantHead {
    const TABLE: Table = CLIENT;

    fn key(&self) -> Key {
        Self::key_of(self.tenant)
    }
}

/// The tenant a slug belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct TenantSlug {
    pub slug: String,
    pub tenant: TenantId,
}

impl TenantSlug {
    /// Where the owner of a slug is noted.
    pub fn key_of(slug: &str) -> Key {
        Key::alone(Scope::directory().partition("SLUG", &*store::escaped(slug)))
    }
}

impl Stored for TenantSlug {
    const TABLE: Table = CLIENT;

    fn key(&self) -> Key {
        Self::key_of(&self.slug)
    }
}

/// The roles of a subject in a tenant. Home users without one have the tenant's default role, `member`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Assignment {
    pub tenant: TenantId,
    pub subject: AnyId,
    pub roles: Vec<String>,
    /// `active` or `disabled`.
    pub status: String,
}

impl Assignment {
    /// Where the assignment of a subject is.
    pub fn key_of(tenant: TenantId, subject: AnyId) -> Key {
        Key::alone(Scope::tenant(tenant).partition("AS", &subject))
    }

    /// What the roles allow together. Roles of a tenant's own come with module `role`; until then only
    /// system roles exist, and unknown names grant nothing.
    pub fn permissions(&self, platform_tenant: bool) -> PermissionSet {
        let roles = self.roles.iter().filter_map(|name| SystemRole::parse(name));
        let all = roles.fold(PermissionSet::new(), |all, role| all.union(&role.permissions()));
        all.iter().filter(|one| platform_tenant || !one.is_cross_tenant()).collect()
    }
}

impl Stored for Assignment {
    const TABLE: Table = ROLE;

    fn key(&self) -> Key {
        Self::key_of(self.tenant, self.subject)
    }
}
