//! Who may call an endpoint: the decision as data, and as a type the compiler checks.

use kernel::Permission;

/// The access decision of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Not decided; no module table accepts it.
    Undecided,
    /// No credential, for this reason.
    Public { reason: &'static str },
    /// Possession of a sealed token in the request.
    Handle { what: &'static str },
    /// Strangers are answered, principals are told more.
    Open { reason: &'static str },
    /// A signed-in person, on rows of their own; other kinds of principal are refused.
    Own { first_party: bool },
    /// Every principal except publishable keys.
    AnyPrincipal,
    /// Principals that hold the permission.
    Permission(Permission),
}

impl Access {
    /// Whether the gateway asks the authorizer before the function.
    pub const fn wants_evidence(self) -> bool {
        match self {
            Self::Undecided | Self::Public { .. } | Self::Handle { .. } => false,
            Self::Open { .. } | Self::Own { .. } | Self::AnyPrincipal | Self::Permission(_) => true,
        }
    }

    /// Whether a call without a valid credential is refused.
    pub const fn needs_credential(self) -> bool {
        matches!(self, Self::Own { .. } | Self::AnyPrincipal | Self::Permission(_))
    }
}

/// No access decision yet: no module table takes it.
pub enum Undecided {}
/// Decided: no credential needed. The handler cannot ask for a principal.
pub enum Anyone {}
/// Decided: a credential is optional. The handler gets the principal if there is one.
pub enum Visitor {}
/// Decided: a person on their own rows. The handler gets the user.
pub enum Owner {}
/// Decided: any principal, or one with a permission. The handler gets the principal.
pub enum Holder {}
