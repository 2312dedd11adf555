//! The system roles: constants with fixed ids, not editable. Own roles belong to module `role`.

use crate::id::RoleId;
use crate::permission::{Permission, PermissionSet};

/// A role every tenant has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SystemRole {
    PlatformAdmin,
    TenantOwner,
    TenantAdmin,
    Finance,
    Auditor,
    Support,
    Moderator,
    Member,
    Service,
}

impl SystemRole {
    /// Every system role.
    pub const ALL: [Self; 9] = [
        Self::PlatformAdmin,
        Self::TenantOwner,
        Self::TenantAdmin,
        Self::Finance,
        Self::Auditor,
        Self::Support,
        Self::Moderator,
        Self::Member,
        Self::Service,
    ];

    /// The name in answers and assignments.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PlatformAdmin => "platform_admin",
            Self::TenantOwner => "tenant_owner",
            Self::TenantAdmin => "tenant_admin",
            Self::Finance => "finance",
            Self::Auditor => "auditor",
            Self::Support => "support",
            Self::Moderator => "moderator",
            Self::Member => "member",
            Self::Service => "service",
        }
    }

    /// The role of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// The fixed id: instant zero and the role's place in the list.
    pub const fn id(self) -> RoleId {
        let mut bytes = [0; 16];
        bytes[15] = self as u8 + 1;
        RoleId::from_bytes(bytes)
    }

    /// What the role grants.
    pub fn permissions(self) -> PermissionSet {
        use Permission as P;
        let all = || Permission::ALL.iter().copied();
        let own = || all().filter(|one| !one.is_cross_tenant());
        match self {
            Self::PlatformAdmin => all().collect(),
            Self::TenantOwner => own().collect(),
            Self::TenantAdmin => own()
                .filter(|one| !matches!(one, P::ClientClientDelete | P::ClientOwnerTransfer))
                .collect(),
            Self::Finance => [P::UserUserRead, P::AuthAuditRead].into_iter().collect(),
            Self::Auditor => own()
                .filter(|one| one.as_str().ends_with(".read") || *one == P::AuthAuditVerify)
                .collect(),
            Self::Support => [
                P::UserUserRead,
                P::UserSessionRead,
                P::UserSessionRevoke,
                P::UserPasswordReset,
                P::ProfileProfileRead,
            ]
            .into_iter()
            .collect(),
            Self::Moderator => {
                [P::UserUserRead, P::UserUserSuspend, P::ProfileProfileRead].into_iter().collect()
            }
            Self::Member | Self::Service => PermissionSet::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_platform_reaches_across_tenants() {
        for role in SystemRole::ALL {
            let crosses = role.permissions().iter().any(Permission::is_cross_tenant);
            assert_eq!(crosses, role == SystemRole::PlatformAdmin, "{}", role.as_str());
            assert_eq!(SystemRole::parse(role.as_str()), Some(role));
        }
    }

    #[test]
    fn an_administrator_cannot_take_the_tenant() {
        let admin = SystemRole::TenantAdmin.permissions();
        assert!(!admin.contains(Permission::ClientOwnerTransfer));
        assert!(!admin.contains(Permission::ClientClientDelete));
        assert!(admin.is_subset(&SystemRole::TenantOwner.permissions()));
    }
}
