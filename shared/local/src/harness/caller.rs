//! Who calls a module that is tested without `auth`: any principal a test wants.

use kernel::{AnyId, KeyId, Permission, PermissionSet, SessionId, TenantId, Timestamp, UserId};
use runtime::PrincipalKind;
use runtime::authorizer::Proof;
use serde::{Deserialize, Serialize};

use crate::seed::DEMO_TENANT;

/// A principal and the token that proves it to the stand-in authorizer.
#[derive(Clone, Debug)]
pub struct Caller {
    claims: Claims,
    token: String,
}

/// What the token says: all of it is believed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Claims {
    kind: String,
    subject: AnyId,
    tenant: TenantId,
    home_tenant: TenantId,
    livemode: bool,
    session: Option<SessionId>,
    key: Option<KeyId>,
    scopes: Vec<String>,
    permissions: String,
    roles: Vec<String>,
    auth_time: Option<Timestamp>,
}

impl Caller {
    /// A signed-in person of the tenant to play with, who holds no permission.
    pub fn person(user: UserId) -> Self {
        let session = Some(SessionId::from_bytes(user.bytes()));
        Self::new(PrincipalKind::User, AnyId::from(user), session, None)
    }

    /// A secret key of the tenant to play with, which holds no permission.
    pub fn key(key: KeyId) -> Self {
        Self::new(PrincipalKind::Service, AnyId::from(key), None, Some(key))
    }

    /// A publishable key of the tenant to play with.
    pub fn publishable(key: KeyId) -> Self {
        Self::new(PrincipalKind::Publishable, AnyId::from(key), None, Some(key))
    }

    fn new(
        kind: PrincipalKind,
        subject: AnyId,
        session: Option<SessionId>,
        key: Option<KeyId>,
    ) -> Self {
        let claims = Claims {
            kind: kind.as_str().to_owned(),
            subject,
            tenant: DEMO_TENANT,
            home_tenant: DEMO_TENANT,
            livemode: true,
            session,
            key,
            scopes: vec!["api".to_owned()],
            permissions: PermissionSet::new().to_bits(),
            roles: Vec::new(),
            auth_time: None,
        };
        Self { token: claims.seal(), claims }
    }

    /// At home in this tenant.
    #[must_use]
    pub fn of(self, tenant: TenantId) -> Self {
        self.with(|claims| (claims.tenant, claims.home_tenant) = (tenant, tenant))
    }

    /// A guest in this tenant, at home where they were.
    #[must_use]
    pub fn guest_of(self, tenant: TenantId) -> Self {
        self.with(|claims| claims.tenant = tenant)
    }

    /// In test mode.
    #[must_use]
    pub fn in_test_mode(self) -> Self {
        self.with(|claims| claims.livemode = false)
    }

    /// Holding exactly these permissions.
    #[must_use]
    pub fn holding(self, permissions: impl IntoIterator<Item = Permission>) -> Self {
        let permissions: PermissionSet = permissions.into_iter().collect();
        self.with(|claims| claims.permissions = permissions.to_bits())
    }

    /// With these scopes instead of `api`.
    #[must_use]
    pub fn scoped(self, scopes: &[&str]) -> Self {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        self.with(|claims| claims.scopes = scopes)
    }

    /// Who proved themselves at this instant.
    #[must_use]
    pub fn signed_in_at(self, at: Timestamp) -> Self {
        self.with(|claims| claims.auth_time = Some(at))
    }

    fn with(mut self, change: impl FnOnce(&mut Claims)) -> Self {
        change(&mut self.claims);
        self.token = self.claims.seal();
        self
    }
}

/// The token to send.
impl AsRef<str> for Caller {
    fn as_ref(&self) -> &str {
        &self.token
    }
}

impl Claims {
    fn seal(&self) -> String {
        kernel::codec::encode(&serde_json::to_vec(self).expect("claims are JSON"))
    }

    /// What a token says; `None` where it is none of ours.
    pub fn open(token: &str) -> Option<Self> {
        serde_json::from_slice(&kernel::codec::decode(token)?).ok()
    }

    /// What it proves.
    pub fn proof(self) -> Option<Proof> {
        Some(Proof {
            kind: PrincipalKind::parse(&self.kind)?,
            subject: self.subject,
            tenant: self.tenant,
            home_tenant: self.home_tenant,
            livemode: self.livemode,
            session: self.session,
            device: None,
            application: None,
            key: self.key,
            scopes: self.scopes,
            permissions: PermissionSet::from_bits(&self.permissions)?,
            roles: self.roles,
            acr: None,
            auth_time: self.auth_time,
        })
    }
}
