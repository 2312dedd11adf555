use contracts::platform::{ReplayGet, ReplayView};
use kernel::Error;
use runtime::{Ctx, Operator};

use crate::store::replays::Replays;

/// Tells how far a replay is.
pub async fn handle(ctx: Ctx<Operator>, request: ReplayGet) -> Result<ReplayView, Error> {
    let found = Replays::of(ctx.store()).get(request.replay_id).await?;
    found.map(|row| row.view()).ok_or_else(Error::not_found)
}
