use contracts::gateway::{ModuleName, ModuleView};
use kernel::Error;
use runtime::{Ctx, Principal, Reply};

use crate::domain::registry;
use crate::store::HealthRows;

/// Shows one module with its health.
pub async fn handle(ctx: Ctx<Principal>, request: ModuleName) -> Result<Reply<ModuleView>, Error> {
    let all = registry::all()?;
    let found = all.into_iter().find(|one| one.name == request.module.as_str());
    let found = found.ok_or_else(Error::not_found)?;
    let health = HealthRows::of(&ctx).of_module(&found.name, ctx.now()).await?;
    Ok(Reply::new(found.view(health)))
}
