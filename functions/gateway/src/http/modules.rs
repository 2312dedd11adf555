use contracts::Nothing;
use contracts::gateway::Modules;
use kernel::Error;
use runtime::{Ctx, Principal, Reply};

use crate::domain::registry;
use crate::store::HealthRows;

/// Lists every module with its health.
pub async fn handle(ctx: Ctx<Principal>, _: Nothing) -> Result<Reply<Modules>, Error> {
    let health = HealthRows::of(&ctx).all(ctx.now()).await?;
    let data = registry::all()?.into_iter().zip(health).map(|(one, health)| one.view(health));
    Ok(Reply::new(Modules { data: data.collect() }))
}
