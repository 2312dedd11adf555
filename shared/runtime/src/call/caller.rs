//! Who a call acts for. Only the pipeline makes these values: a handler that asks for one has a caller
//! whose credential was checked, and a public handler has nothing to ask for.

use kernel::{
    AnyId, AppId, DeviceId, EntityRef, Id, KeyId, Permission, PermissionSet, SessionId, TenantId,
    Timestamp, UserId,
};

/// A caller inside one tenant: what a repository is built from.
pub trait InTenant: Clone + Send + Sync + 'static {
    /// The tenant every key of this call starts with.
    fn tenant(&self) -> TenantId;
    /// Whether the call is about live or test data.
    fn livemode(&self) -> bool;
    /// Who did it, for events and audit rows.
    fn actor(&self) -> Option<AnyId>;
}

/// Only the pipeline has one: proof that a caller was made there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made;

/// Nobody in particular.
#[derive(Clone, Copy, Debug)]
pub struct Anonymous(pub(crate) Made);

/// Somebody without a credential, inside the tenant they named.
#[derive(Clone, Copy, Debug)]
pub struct Guest {
    pub(crate) tenant: TenantId,
    pub(crate) livemode: bool,
    pub(crate) actor: Option<AnyId>,
}

/// The kinds of principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalKind {
    User,
    Service,
    Application,
    Publishable,
}

impl PrincipalKind {
    /// The word in the authorizer's context and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Service => "service",
            Self::Application => "application",
            Self::Publishable => "publishable",
        }
    }

    /// The kind of that word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::User, Self::Service, Self::Application, Self::Publishable]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// A caller with a valid credential.
#[derive(Clone, Debug)]
pub struct Principal {
    pub(crate) kind: PrincipalKind,
    pub(crate) subject: AnyId,
    pub(crate) tenant: TenantId,
    pub(crate) home_tenant: TenantId,
    pub(crate) livemode: bool,
    pub(crate) session: Option<SessionId>,
    pub(crate) device: Option<DeviceId>,
    pub(crate) application: Option<AppId>,
    pub(crate) key: Option<KeyId>,
    pub(crate) scopes: Vec<String>,
    pub(crate) permissions: PermissionSet,
    pub(crate) roles: Vec<String>,
    pub(crate) acr: Option<String>,
    pub(crate) auth_time: Option<Timestamp>,
}

impl Principal {
    pub fn kind(&self) -> PrincipalKind {
        self.kind
    }

    /// The user, application or service account.
    pub fn subject(&self) -> AnyId {
        self.subject
    }

    /// The tenant that owns the account; another than [`InTenant::tenant`] for guests.
    pub fn home_tenant(&self) -> TenantId {
        self.home_tenant
    }

    pub fn session(&self) -> Option<SessionId> {
        self.session
    }

    pub fn device(&self) -> Option<DeviceId> {
        self.device
    }

    pub fn application(&self) -> Option<AppId> {
        self.application
    }

    pub fn key(&self) -> Option<KeyId> {
        self.key
    }

    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    pub fn permissions(&self) -> &PermissionSet {
        &self.permissions
    }

    /// Whether the principal holds the permission.
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(permission)
    }

    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    /// Authentication class: `aal1` or `aal2`.
    pub fn acr(&self) -> Option<&str> {
        self.acr.as_deref()
    }

    /// When the person proved themselves.
    pub fn auth_time(&self) -> Option<Timestamp> {
        self.auth_time
    }
}

/// A signed-in person.
#[derive(Clone, Debug)]
pub struct User {
    pub(crate) id: UserId,
    pub(crate) session: SessionId,
    pub(crate) principal: Principal,
}

impl User {
    pub fn id(&self) -> UserId {
        self.id
    }

    /// The session of the access token.
    pub fn session(&self) -> SessionId {
        self.session
    }

    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The tenant that owns the account.
    pub fn home_tenant(&self) -> TenantId {
        self.principal.home_tenant
    }
}

/// A stranger or a principal: the caller of an open endpoint.
#[derive(Clone, Debug)]
pub struct Caller(pub(crate) Option<Principal>);

impl Caller {
    /// The principal, where the credential was good.
    pub fn principal(&self) -> Option<&Principal> {
        self.0.as_ref()
    }
}

/// The platform itself, outside any tenant: streams, schedules, the authorizer.
#[derive(Clone, Copy, Debug)]
pub struct System(pub(crate) Made);

/// A person of operations, through the command: outside any tenant.
#[derive(Clone, Debug)]
pub struct Operator {
    pub(crate) name: String,
    pub(crate) reason: Option<String>,
    pub(crate) confirmed: bool,
    pub(crate) key: String,
    /// SHA-256 of what is asked for.
    pub(crate) request_hash: String,
}

impl Operator {
    /// Who asks, as the command knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Why; there is one for whatever changes something.
    pub fn reason(&self) -> &str {
        self.reason.as_deref().unwrap_or_default()
    }

    /// Whether to do it, or only to say what would be done.
    pub fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    /// Names the order: sent again, it is done once.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// The platform itself, at work for one tenant: a listener or a typed call.
#[derive(Clone, Debug)]
pub struct Worker {
    pub(crate) tenant: TenantId,
    pub(crate) livemode: bool,
    pub(crate) actor: Option<AnyId>,
    pub(crate) subject: Option<EntityRef>,
}

impl Worker {
    /// The entity the event is about.
    pub fn subject(&self) -> Option<&EntityRef> {
        self.subject.as_ref()
    }
}

impl InTenant for Guest {
    fn tenant(&self) -> TenantId {
        self.tenant
    }
    fn livemode(&self) -> bool {
        self.livemode
    }
    fn actor(&self) -> Option<AnyId> {
        self.actor
    }
}

impl InTenant for Principal {
    fn tenant(&self) -> TenantId {
        self.tenant
    }
    fn livemode(&self) -> bool {
        self.livemode
    }
    fn actor(&self) -> Option<AnyId> {
        Some(self.key.map_or(self.subject, Into::into))
    }
}

impl InTenant for User {
    fn tenant(&self) -> TenantId {
        self.principal.tenant
    }
    fn livemode(&self) -> bool {
        self.principal.livemode
    }
    fn actor(&self) -> Option<AnyId> {
        self.principal.actor()
    }
}

impl InTenant for Worker {
    fn tenant(&self) -> TenantId {
        self.tenant
    }
    fn livemode(&self) -> bool {
        self.livemode
    }
    fn actor(&self) -> Option<AnyId> {
        self.actor
    }
}

/// What the contract's access decision promises the handler; sealed by the states of `contracts`.
pub trait Decided: 'static {
    /// Who the handler is given.
    type Caller: Clone + Send + Sync + 'static;

    /// Makes the caller from a principal that passed the pipeline's checks; `None` where the decision
    /// needs one and there is none of the right kind.
    fn caller(principal: Option<Principal>) -> Option<Self::Caller>;
}

impl Decided for interface::access::Anyone {
    type Caller = Anonymous;
    fn caller(_: Option<Principal>) -> Option<Anonymous> {
        Some(Anonymous(Made))
    }
}

impl Decided for interface::access::Visitor {
    type Caller = Caller;
    fn caller(principal: Option<Principal>) -> Option<Caller> {
        Some(Caller(principal))
    }
}

impl Decided for interface::access::Holder {
    type Caller = Principal;
    fn caller(principal: Option<Principal>) -> Option<Principal> {
        principal
    }
}

impl Decided for interface::access::Owner {
    type Caller = User;
    fn caller(principal: Option<Principal>) -> Option<User> {
        let principal = principal.filter(|found| found.kind == PrincipalKind::User)?;
        let id = Id::try_from(principal.subject).ok()?;
        Some(User { id, session: principal.session?, principal })
    }
}
