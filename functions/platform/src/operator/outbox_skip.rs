use contracts::platform::{OutboxChoice, Plan};
use kernel::Error;
use runtime::{Ctx, Operator};
use store::transition;

use crate::settling::settle;

/// Passes over events that were given up. Their aggregates go on with the next doorbell.
pub async fn handle(ctx: Ctx<Operator>, request: OutboxChoice) -> Result<Plan, Error> {
    let (reason, now) = (ctx.who().reason().to_owned(), ctx.now());
    let skip = |row: &store::outbox::OutboxRow| transition::skip_failed(&row.key, &reason, now);
    settle(&ctx, request, "failed, becomes skipped: nobody hears it", skip).await
}
