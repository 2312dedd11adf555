use contracts::gateway::{METHOD_NOT_ALLOWED, ROUTE_NOT_FOUND};
use contracts::{Empty, Nothing};
use kernel::Error;
use runtime::{Anonymous, Ctx, Reply};

use crate::domain::registry;

/// Refuses what no route fits: 405 with the methods the path has, or 404.
pub async fn handle(ctx: Ctx<Anonymous>, _: Nothing) -> Result<Reply<Empty>, Error> {
    let methods = registry::methods_of(&ctx.remote().path)?;
    if methods.is_empty() {
        return Err(ROUTE_NOT_FOUND.error());
    }
    Err(METHOD_NOT_ALLOWED.error().at(methods.join(", ")))
}
