use contracts::platform::{Plan, ReplayStart, ReplayState};
use kernel::{Error, ReplayId};
use runtime::{Ctx, Deed, Operator};

use crate::domain::replay;
use crate::domain::walk::{Position, Range};
use crate::replaying::ask;
use crate::store::keys;
use crate::store::outbox::canonical;
use crate::store::replay_row::{DUE_KIND, ReplayRow, kept_until};
use crate::store::replays::{Replays, first_due};

/// Starts a replay. It reads its range once the index has caught up with the range's end.
pub async fn handle(ctx: Ctx<Operator>, request: ReplayStart) -> Result<Plan, Error> {
    let listener = ctx.backbone().listener(&request.listener).ok_or_else(Error::not_found)?;
    let types = request.types.iter().map(|kind| canonical(kind)).collect();
    let has_archive = !ctx.config().archive_bucket.is_empty();
    let (range, types) = replay::decide(&request, types, &listener.types, has_archive, ctx.now())?;
    let row = row(&ctx, request, range, types);
    let mut plan = Plan::new(ctx.who().is_confirmed());
    let (from, to) = (row.range.from, row.range.to);
    let mut words = format!(
        "{:?} events of {} from {from} to before {to} are sent to it, {} a second: {}",
        row.only,
        row.tenant_id,
        row.rate_per_s,
        row.types.join(", "),
    );
    if let Position::Archive(at) = &row.position {
        words.push_str(&format!("; those before {} from the archive", at.border));
    }
    plan.step(&row.listener, words);
    if !plan.done {
        return Ok(plan);
    }
    plan.replay_id = Some(row.replay_id);
    let deed = Deed::of(Replays::begun(&row), plan.targets()).about(row.replay_id);
    let plan = ctx.perform(deed, plan).await?;
    let wait = u32::try_from(range.unread_for(ctx.now()).as_secs()).unwrap_or(u32::MAX);
    // Lost, the replay is stale and is started again.
    let _ = ask(&ctx, &row, wait).await;
    Ok(plan)
}

fn row(ctx: &Ctx<Operator>, asked: ReplayStart, range: Range, types: Vec<String>) -> ReplayRow {
    let (id, now): (ReplayId, _) = (ctx.new_id(), ctx.now());
    ReplayRow {
        key: keys::replay(id),
        due_kind: DUE_KIND.to_owned(),
        replay_id: id,
        state: ReplayState::Created,
        listener: asked.listener,
        types,
        tenant_id: asked.tenant_id,
        livemode: asked.livemode,
        range,
        only: asked.only,
        rate_per_s: asked.rate_per_s,
        chunk: 0,
        position: range.start(now),
        seen: 0,
        sent: 0,
        passed_over: 0,
        unreadable: 0,
        restarts: 0,
        operator: ctx.who().name().to_owned(),
        reason: ctx.who().reason().to_owned(),
        started_at: now,
        updated_at: now,
        due_at: Some(first_due(now, range.unread_for(now))),
        expires_at: kept_until(now),
    }
}
