use contracts::{Empty, Nothing};
use kernel::Error;
use runtime::{Anonymous, Ctx, Reply, preflight};

use crate::domain::registry;

/// Tells a browser what it may send to this path; origins we do not know are told nothing.
pub async fn handle(ctx: Ctx<Anonymous>, _: Nothing) -> Result<Reply<Empty>, Error> {
    let origin = ctx.remote().origin.as_deref();
    if !origin.is_some_and(|origin| ctx.config().allows_origin(origin)) {
        return Ok(Reply::empty());
    }
    let methods = registry::methods_of(&ctx.remote().path)?.join(", ");
    let headers = preflight(&methods).into_iter();
    Ok(headers.fold(Reply::empty(), |reply, (name, text)| reply.with_header(name, text)))
}
