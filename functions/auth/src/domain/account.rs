//! The life of an account.

/// Where an account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountStatus {
    /// Registered; the address is not proven yet.
    Pending,
    /// In use.
    Active,
    /// Closed for a time.
    Suspended,
    /// Closed for cause.
    Banned,
    /// Closed by its owner or an administrator; may still be restored.
    Deleted,
}

impl AccountStatus {
    /// All states.
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::Active, Self::Suspended, Self::Banned, Self::Deleted];

    /// The stored spelling.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Banned => "banned",
            Self::Deleted => "deleted",
        }
    }

    /// The state with this stored spelling.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Whether an account may pass from this state to `to`. Leaving `active` ends every session.
    pub fn may_become(self, to: Self) -> bool {
        match self {
            Self::Pending => matches!(to, Self::Active | Self::Deleted),
            Self::Active => matches!(to, Self::Suspended | Self::Banned | Self::Deleted),
            Self::Suspended => matches!(to, Self::Active | Self::Banned | Self::Deleted),
            Self::Banned => matches!(to, Self::Active | Self::Deleted),
            Self::Deleted => to == Self::Active,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_transitions_of_the_contract_are_allowed() {
        use AccountStatus::{Active, Banned, Deleted, Pending, Suspended};
        let allowed = [
            (Pending, Active),
            (Active, Suspended),
            (Suspended, Active),
            (Active, Banned),
            (Suspended, Banned),
            (Banned, Active),
            (Pending, Deleted),
            (Active, Deleted),
            (Suspended, Deleted),
            (Banned, Deleted),
            (Deleted, Active),
        ];
        for from in AccountStatus::ALL {
            assert_eq!(AccountStatus::named(from.name()), Some(from));
            for to in AccountStatus::ALL {
                let expected = allowed.contains(&(from, to));
                assert_eq!(from.may_become(to), expected, "{from:?} to {to:?}");
            }
        }
    }
}
