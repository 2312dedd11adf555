use contracts::platform::{Plan, ReplayGet, ReplayState};
use kernel::Error;
use runtime::{Ctx, Deed, Operator};

use crate::store::replays::Replays;

/// Ends a replay. Safe to run twice: one that is over stays as it is.
pub async fn handle(ctx: Ctx<Operator>, request: ReplayGet) -> Result<Plan, Error> {
    let id = request.replay_id;
    let found = Replays::of(ctx.store()).get(id).await?;
    let row = found.ok_or_else(Error::not_found)?;
    let mut plan = Plan::new(ctx.who().is_confirmed());
    plan.replay_id = Some(id);
    if row.state.is_over() {
        plan.leave(id, "it is over");
        return Ok(plan);
    }
    plan.step(id, format!("cancelled after {} chunks, {} events sent", row.chunk, row.sent));
    if !plan.done {
        return Ok(plan);
    }
    let change = Replays::ended(&row, ReplayState::Cancelled, ctx.now());
    ctx.perform(Deed::of(change, plan.targets()).about(id).natural(), plan).await
}
