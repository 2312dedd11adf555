use contracts::Nothing;
use contracts::gateway::{Condition, Health};
use kernel::{Error, Permission};
use runtime::{Caller, Ctx, Reply};

use crate::domain::health;
use crate::store::HealthRows;

/// One word to strangers, every module to those who may see them; 503 when the platform is down.
pub async fn handle(ctx: Ctx<Caller>, _: Nothing) -> Result<Reply<Health>, Error> {
    let modules = HealthRows::of(&ctx).all(ctx.now()).await?;
    let status = health::overall(&modules);
    let may_see = |caller: &Caller| {
        caller.principal().is_some_and(|who| who.may(Permission::GatewayHealthRead))
    };
    let modules = may_see(ctx.who()).then_some(modules);
    let reply = Reply::new(Health { status, modules });
    Ok(if status == Condition::Down { reply.unwell() } else { reply })
}
