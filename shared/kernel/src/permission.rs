//! What a principal may do: an append-only list of dotted names, each with a number that never changes
//! its meaning. Sets of permissions travel as bits.

use std::str::FromStr;

use crate::codec;

macro_rules! permissions {
    ($($number:literal $name:ident $dotted:literal,)+) => {
        /// One permission. Numbers are committed: new ones go at the end, none is ever used again.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission { $($name = $number,)+ }

        impl Permission {
            /// Every permission, by number.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The dotted name: `module.resource.verb`, with `.any` across tenants.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $dotted,)+ }
            }
        }
    };
}

permissions! {
    0 AuthApplicationRead "auth.application.read",
    1 AuthApplicationWrite "auth.application.write",
    2 AuthAuditRead "auth.audit.read",
    3 AuthAuditVerify "auth.audit.verify",
    4 AuthTokenIntrospect "auth.token.introspect",
    5 AuthTokenRevoke "auth.token.revoke",
    6 UserUserRead "user.user.read",
    7 UserUserCreate "user.user.create",
    8 UserUserUpdate "user.user.update",
    9 UserUserSuspend "user.user.suspend",
    10 UserUserDelete "user.user.delete",
    11 UserPasswordReset "user.password.reset",
    12 UserSessionRead "user.session.read",
    13 UserSessionRevoke "user.session.revoke",
    14 UserFactorReset "user.factor.reset",
    15 ClientClientRead "client.client.read",
    16 ClientClientUpdate "client.client.update",
    17 ClientClientDelete "client.client.delete",
    18 ClientClientCreateAny "client.client.create.any",
    19 ClientClientReadAny "client.client.read.any",
    20 ClientClientUpdateAny "client.client.update.any",
    21 ClientClientSuspendAny "client.client.suspend.any",
    22 ClientClientDeleteAny "client.client.delete.any",
    23 ClientOwnerTransfer "client.owner.transfer",
    24 ClientSettingsRead "client.settings.read",
    25 ClientSettingsUpdate "client.settings.update",
    26 ClientMemberRead "client.member.read",
    27 ClientMemberUpdate "client.member.update",
    28 ClientMemberRemove "client.member.remove",
    29 ClientMemberInvite "client.member.invite",
    30 ClientServiceAccountRead "client.service_account.read",
    31 ClientServiceAccountWrite "client.service_account.write",
    32 ClientApiKeyRead "client.api_key.read",
    33 ClientApiKeyWrite "client.api_key.write",
    34 RoleRoleRead "role.role.read",
    35 RoleRoleWrite "role.role.write",
    36 RoleAssignmentRead "role.assignment.read",
    37 RoleAssignmentWrite "role.assignment.write",
    38 ProfileProfileRead "profile.profile.read",
    39 GatewayHealthRead "gateway.health.read",
}

impl Permission {
    /// The committed number.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// Whether it reaches across tenants: held only in the platform tenant.
    pub fn is_cross_tenant(self) -> bool {
        self.as_str().ends_with(".any")
    }
}

impl FromStr for Permission {
    type Err = UnknownPermission;

    fn from_str(name: &str) -> Result<Self, UnknownPermission> {
        Self::ALL.iter().copied().find(|one| one.as_str() == name).ok_or(UnknownPermission)
    }
}

/// A name that is no permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no permission of this name")]
pub struct UnknownPermission;

/// A set of permissions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PermissionSet(Vec<u8>);

impl PermissionSet {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every permission there is.
    pub fn all() -> Self {
        Permission::ALL.iter().copied().collect()
    }

    /// Puts a permission in.
    pub fn insert(&mut self, permission: Permission) {
        let (byte, bit) = place(permission);
        if self.0.len() <= byte {
            self.0.resize(byte + 1, 0);
        }
        if let Some(slot) = self.0.get_mut(byte) {
            *slot |= bit;
        }
    }

    /// Whether the permission is in.
    pub fn contains(&self, permission: Permission) -> bool {
        let (byte, bit) = place(permission);
        self.0.get(byte).is_some_and(|slot| slot & bit != 0)
    }

    /// What is in both.
    pub fn intersection(&self, other: &Self) -> Self {
        self.iter().filter(|one| other.contains(*one)).collect()
    }

    /// What is in either.
    pub fn union(&self, other: &Self) -> Self {
        self.iter().chain(other.iter()).collect()
    }

    /// Whether everything in here is in `other`.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.iter().all(|one| other.contains(one))
    }

    /// The permissions, by number.
    pub fn iter(&self) -> impl Iterator<Item = Permission> + '_ {
        Permission::ALL.iter().copied().filter(|one| self.contains(*one))
    }

    /// The set as base64url text: bit n of byte n/8, trailing zero bytes left out.
    pub fn to_bits(&self) -> String {
        codec::encode(&self.0)
    }

    /// Reads a set back. Bits of permissions this build does not know are dropped.
    pub fn from_bits(text: &str) -> Option<Self> {
        Some(Self(codec::decode(text)?).iter().collect())
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        let mut set = Self::new();
        permissions.into_iter().for_each(|one| set.insert(one));
        set
    }
}

fn place(permission: Permission) -> (usize, u8) {
    let number = permission.number();
    (usize::from(number / 8), 1 << (number % 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_dense_and_names_unique() {
        let mut names: Vec<&str> = Permission::ALL.iter().map(|one| one.as_str()).collect();
        for (index, permission) in Permission::ALL.iter().enumerate() {
            assert_eq!(usize::from(permission.number()), index);
            assert_eq!(permission.as_str().parse(), Ok(*permission));
        }
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn committed_numbers_do_not_move() {
        // A lock: extend it when a permission is added, never change a line.
        let lock = include_str!("permission.lock");
        let now: String = Permission::ALL
            .iter()
            .map(|one| format!("{} {}\n", one.number(), one.as_str()))
            .collect();
        assert!(now.starts_with(lock), "a committed permission changed its number or name");
        assert_eq!(
            now.lines().count(),
            lock.lines().count(),
            "add the new lines to permission.lock"
        );
    }

    #[test]
    fn sets_round_trip_and_compare() {
        let read = Permission::UserUserRead;
        let health = Permission::GatewayHealthRead;
        let both: PermissionSet = [read, health].into_iter().collect();
        let one: PermissionSet = [read].into_iter().collect();
        assert_eq!(PermissionSet::from_bits(&both.to_bits()), Some(both.clone()));
        assert!(one.is_subset(&both) && !both.is_subset(&one));
        assert_eq!(both.intersection(&one), one);
        assert_eq!(one.union(&both), both);
        assert!(PermissionSet::new().is_subset(&one) && PermissionSet::new().to_bits().is_empty());
        assert!(PermissionSet::from_bits("=").is_none());
    }
}
