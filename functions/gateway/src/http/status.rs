use contracts::Nothing;
use contracts::gateway::Status;
use kernel::Error;
use runtime::{Anonymous, Ctx, Reply};

/// Answers that the API is there.
pub async fn handle(ctx: Ctx<Anonymous>, _: Nothing) -> Result<Reply<Status>, Error> {
    Ok(Reply::new(Status {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        commit: ctx.config().commit.clone(),
        time: ctx.now(),
    }))
}
