//! How a replay gets on: who asks for its next chunk, and who notices that nobody does.

use kernel::{Error, ReplayId, TenantId};
use runtime::{Ctx, System};
use serde::{Deserialize, Serialize};
use store::{Consistency, Item};

use crate::store::replay_row::ReplayRow;
use crate::store::replays::Replays;

/// The job that does one chunk.
pub const JOB: &str = "platform.replay_run";

/// One chunk to be done. The member `tenantid` says whose rows the job may touch, as in an event.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct NextChunk {
    pub tenantid: TenantId,
    pub replay_id: ReplayId,
    pub chunk: u64,
}

/// Asks for the next chunk of a replay, so many seconds late. Lost, the replay is stale.
pub async fn ask<Who>(ctx: &Ctx<Who>, row: &ReplayRow, delay_s: u32) -> Result<(), Error> {
    let next = NextChunk { tenantid: row.tenant_id, replay_id: row.replay_id, chunk: row.chunk };
    ctx.enqueue(JOB, &next, delay_s).await
}

/// Starts a stale replay again, whose due row the sweep found: keys are enough. Safe to run twice:
/// a replay that got on is not stale, and a chunk that is done is not done again.
pub async fn restart(ctx: &Ctx<System>, item: &Item) -> Result<(), Error> {
    let Some(key) = item.key() else { return Ok(()) };
    let row: Option<ReplayRow> = ctx.store().get(&key, Consistency::Strong).await?;
    let now = ctx.now();
    let Some(row) = row.filter(|row| row.due_at.is_some_and(|due| due <= now)) else {
        return Ok(());
    };
    match Replays::of(ctx.store()).restarted(&row, now).await? {
        Some(row) => ask(ctx, &row, 0).await,
        None => Ok(()),
    }
}
