use contracts::{Empty, Nothing};
use kernel::{Error, ErrorKind};
use runtime::{Anonymous, Ctx, Reply};

use crate::domain::registry;

/// Refuses what no route fits: 405 with the methods the path has, or 404.
pub async fn handle(ctx: Ctx<Anonymous>, _: Nothing) -> Result<Reply<Empty>, Error> {
    let methods = registry::methods_of(&ctx.remote().path)?;
    if methods.is_empty() {
        let message = "there is no such route; see /v1/openapi.json";
        return Err(Error::new(ErrorKind::NotFound, "route_not_found", message));
    }
    let message = "the path has other methods; see the Allow header";
    let error = Error::new(ErrorKind::MethodNotAllowed, "method_not_allowed", message);
    Err(error.at(methods.join(", ")))
}
