//! Shows the caller.

use contracts::Nothing;
use contracts::auth::Me;
use kernel::{Error, Permission};
use runtime::{Ctx, Principal, Reply};

/// Answers what the credential proved; reads nothing.
pub async fn handle(ctx: Ctx<Principal>, _: Nothing) -> Result<Reply<Me>, Error> {
    let who = ctx.principal();
    Ok(Reply::new(Me {
        kind: who.kind().as_str(),
        subject_id: who.subject(),
        tenant_id: ctx.tenant(),
        home_tenant_id: who.home_tenant(),
        livemode: runtime::InTenant::livemode(who),
        session_id: who.session(),
        roles: who.roles().to_vec(),
        permissions: who.permissions().iter().map(Permission::as_str).collect(),
        scopes: who.scopes().to_vec(),
        acr: who.acr().map(str::to_owned),
        authenticated_at: who.auth_time(),
    }))
}
