//! The authorizer of the HTTP APIs: gathers evidence about the caller and decides nothing. The
//! pipeline of every function gives the verdict.

mod credential;
mod key_cache;

use kernel::{AnyId, Error, PermissionSet, SystemRole};
use runtime::access::{Assignment, TenantHead};
use runtime::authorizer::{Evidence, Inquiry, Proof, Standing};
use runtime::{Ctx, PrincipalKind, System};
use serde::de::DeserializeOwned;
use store::{Consistency, Item, Scope, Stored};

pub use key_cache::KeyCache;

use crate::domain::access_token::{Claims, Subject};
use crate::domain::standing::{self, Membership};
use crate::store::SessionRow;
use crate::store::keys::{self, AUTH};

/// Roles named in the evidence, at most.
const ROLES: usize = 16;
/// The scope of first-party sessions: everything the roles allow.
const FIRST_PARTY: &str = "api";

/// Why there is no principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Refusal {
    standing: Standing,
    why: &'static str,
}

impl Refusal {
    fn new(standing: Standing, why: &'static str) -> Self {
        Self { standing, why }
    }

    fn unavailable(why: &'static str) -> impl Fn(Error) -> Self {
        move |_| Self::new(Standing::Unavailable, why)
    }
}

/// Gathers evidence; a dependency that fails is evidence too, never a fault.
pub async fn handle(keys: &KeyCache, ctx: Ctx<System>, inquiry: Inquiry) -> Evidence {
    match gather(keys, &ctx, &inquiry).await {
        Ok(evidence) => evidence,
        Err(refusal) => Evidence::without(refusal.standing, refusal.why),
    }
}

async fn gather(
    keys: &KeyCache,
    ctx: &Ctx<System>,
    inquiry: &Inquiry,
) -> Result<Evidence, Refusal> {
    let token = credential::bearer(inquiry)?;
    let claims = keys.verify(ctx, token).await?;
    let state = State::read(ctx, &claims).await.map_err(Refusal::unavailable("state"))?;
    let evidence = state.evidence(ctx, &claims)?;
    let Some(principal) = &evidence.principal else { return Ok(evidence) };
    let class =
        contracts::route(&inquiry.route_key).map_or(contracts::Rate::Write, |spec| spec.rate);
    let counted = ctx.count_principal(class, principal).await;
    let rates = counted.map_err(Refusal::unavailable("rate"))?;
    Ok(evidence.counted(rates))
}

/// The rows a token depends on, as they are now.
struct State {
    session: Option<SessionRow>,
    assignment: Option<Assignment>,
    head: Option<TenantHead>,
}

impl State {
    /// One consistent read, so that whatever was revoked is refused from the next request on.
    async fn read(ctx: &Ctx<System>, claims: &Claims) -> Result<Self, Error> {
        let Subject::User { id, session, .. } = &claims.subject else {
            return Ok(Self { session: None, assignment: None, head: None });
        };
        let tenant = Scope::tenant(claims.tenant);
        let wanted = [
            (AUTH, keys::session(&tenant, *session)),
            (Assignment::TABLE, Assignment::key_of(claims.tenant, (*id).into())),
            (TenantHead::TABLE, TenantHead::key_of(claims.tenant)),
        ];
        let items = ctx.store().get_batch(&wanted, Consistency::Strong).await?;
        let mut items = items.into_iter();
        Ok(Self {
            session: decoded(items.next().flatten())?,
            assignment: decoded(items.next().flatten())?,
            head: decoded(items.next().flatten())?,
        })
    }

    fn evidence(&self, ctx: &Ctx<System>, claims: &Claims) -> Result<Evidence, Refusal> {
        let membership = match &self.assignment {
            None => Membership::None,
            Some(assignment) if assignment.status == "active" => Membership::Active,
            Some(_) => Membership::Disabled,
        };
        let session = self.session.as_ref().map(SessionRow::standing);
        let has_tenant = self.head.is_some();
        let stands = standing::decide(claims, session.as_ref(), has_tenant, membership, ctx.now());
        let (user, session) =
            stands.map_err(|revoked| Refusal::new(Standing::Revoked, revoked.why()))?;
        let head = self.head.as_ref();
        let head = head.ok_or(Refusal::new(Standing::Revoked, "tenant_unknown"))?;
        let assignment = self.assignment(claims, user.into());
        let scopes: Vec<String> = claims.scope.split(' ').map(str::to_owned).collect();
        let permissions = match scopes.iter().any(|scope| scope == FIRST_PARTY) {
            true => assignment.permissions(head.platform),
            false => PermissionSet::new(),
        };
        let (home, acr, auth_time) = match &claims.subject {
            Subject::User { home, assurance, authenticated_at, .. } => (
                home.unwrap_or(claims.tenant),
                assurance.map(|assurance| assurance.name().to_owned()),
                *authenticated_at,
            ),
            Subject::Application { .. } => (claims.tenant, None, None),
        };
        let proof = Proof {
            kind: PrincipalKind::User,
            subject: user.into(),
            tenant: claims.tenant,
            home_tenant: home,
            livemode: claims.livemode,
            session: Some(session),
            device: self.session.as_ref().map(|row| row.device),
            application: Some(claims.application),
            key: None,
            scopes,
            permissions,
            roles: assignment.roles.into_iter().take(ROLES).collect(),
            acr,
            auth_time,
        };
        Ok(Evidence::valid(proof).in_tenant(head.status(), &head.plan))
    }

    /// The roles of the person; the default one where the home tenant gave none.
    fn assignment(&self, claims: &Claims, subject: AnyId) -> Assignment {
        self.assignment.clone().unwrap_or_else(|| Assignment {
            tenant: claims.tenant,
            subject,
            roles: vec![SystemRole::Member.as_str().to_owned()],
            status: "active".to_owned(),
        })
    }
}

fn decoded<T: DeserializeOwned>(item: Option<Item>) -> Result<Option<T>, Error> {
    let row = item.map(|item| item.decode()).transpose();
    row.map_err(|fault| Error::internal(format!("a stored row cannot be read: {fault}")))
}
