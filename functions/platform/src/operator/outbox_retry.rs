use contracts::platform::{OutboxChoice, Plan};
use kernel::Error;
use runtime::{Ctx, Operator};
use store::outbox::Status;
use store::transition;

use crate::settling::settle;

/// Has events that were given up published again, as newly born. The stream rings for them.
pub async fn handle(ctx: Ctx<Operator>, request: OutboxChoice) -> Result<Plan, Error> {
    let now = ctx.now();
    let reset = |row: &store::outbox::OutboxRow| transition::reset(&row.key, Status::Failed, now);
    settle(&ctx, request, "failed, becomes pending and is published again", reset).await
}
