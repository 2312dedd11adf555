use contracts::platform::{EventReplay, Plan};
use kernel::problem::{STATE_CONFLICT, VALIDATION_FAILED};
use kernel::{Error, ReplayId};
use runtime::backbone::Hearing;
use runtime::{Ctx, Deed, Operator};
use store::inbox::{self, InboxKey, InboxRow, State};
use store::outbox::{OutboxRow, Status};
use store::redelivery::{Addressee, Redelivery};
use store::{Change, Consistency, transition};

use crate::domain::letter::Letter;
use crate::domain::replay;
use crate::store::cursors::is_passed;
use crate::store::letters::Letters;
use crate::store::outbox::{Outbox, scope_of};

/// Publishes an event again for everybody, or sends it to one listener again. For everybody the
/// inboxes absorb what was handled; one listener handles it again only where it is forced to.
pub async fn handle(ctx: Ctx<Operator>, request: EventReplay) -> Result<Plan, Error> {
    let listener = match &request.listener {
        Some(id) => Some(ctx.backbone().listener(id).ok_or_else(Error::not_found)?.clone()),
        None if request.force => return Err(needs_a_listener()),
        None => None,
    };
    let row = Outbox::of(ctx.store()).row(&request.event).await?;
    let row = row.ok_or_else(Error::not_found)?;
    if !request.force {
        on_record(&ctx, &row)?;
    }
    match listener {
        Some(listener) => to_one(&ctx, &request, &row, &listener).await,
        None => to_everybody(&ctx, &row).await,
    }
}

async fn to_everybody(ctx: &Ctx<Operator>, row: &OutboxRow) -> Result<Plan, Error> {
    if !row.status.is_settled() && row.status != Status::Failed {
        return Err(STATE_CONFLICT.because("the event is on its way already"));
    }
    let mut plan = Plan::new(ctx.who().is_confirmed());
    let replay = row.replay_no + 1;
    plan.step(row.event_id, format!("published again for everybody, as replay {replay}"));
    if !plan.done {
        return Ok(plan);
    }
    let mut change = Change::new();
    change.update(transition::reset(&row.key, row.status, ctx.now()));
    ctx.perform(Deed::of(change, plan.targets()), plan).await
}

async fn to_one(
    ctx: &Ctx<Operator>,
    request: &EventReplay,
    row: &OutboxRow,
    listener: &Hearing,
) -> Result<Plan, Error> {
    if !listener.types.contains(&row.topic_type()) {
        return Err(STATE_CONFLICT.because("the listener does not hear this type"));
    }
    let scope = scope_of(request.event.tenant_id, request.event.livemode);
    let mut plan = Plan::new(ctx.who().is_confirmed());
    let (id, replay): (_, ReplayId) = (&listener.listener, ctx.new_id());
    let part = request.force.then(|| replay.to_string());
    let to = Addressee {
        listener: id,
        queue: &listener.queue,
        event: row.event_id,
        part: part.as_deref(),
    };
    let mut redelivery = Redelivery::of(&scope, to, row.key.clone(), ctx.now());
    if request.force {
        plan.replay_id = Some(replay);
        plan.step(row.event_id, format!("handled again by {id}, whatever order says"));
        redelivery = redelivery.forced();
    } else {
        let inbox = InboxKey::new(&scope, id, row.event_id, None);
        let found: Option<InboxRow> = ctx.store().get(inbox.key(), Consistency::Strong).await?;
        match found.map(|found| found.state) {
            Some(State::Failed) => return Err(given_up(id)),
            Some(State::Done | State::Skipped) => {
                plan.leave(
                    row.event_id,
                    format!("{id} has handled it: force makes it do so again"),
                );
                return Ok(plan);
            }
            _ if is_passed(ctx.store(), listener, &scope, (&row.subject, row.sequence)).await? => {
                plan.leave(
                    row.event_id,
                    format!("{id} has gone past it in its entity: force makes it handle it"),
                );
                return Ok(plan);
            }
            _ => plan.step(row.event_id, format!("sent to {id} again")),
        }
    }
    if !plan.done {
        plan.replay_id = None;
        return Ok(plan);
    }
    let deed = Deed::of(redelivery.clone().into_change(), plan.targets());
    let deed = plan.replay_id.into_iter().fold(deed, Deed::about);
    let plan = ctx.perform(deed, plan).await?;
    // What is not sent now is due: the sweep sends it.
    let _ = ctx.redeliver(&redelivery).await;
    // What a crash left in the dead-letter queue is a copy of what was sent.
    let crashed = Letter {
        tenant_id: request.event.tenant_id,
        livemode: request.event.livemode,
        listener: id.clone(),
        event: row.event_id,
        part: None,
    };
    Letters::of(ctx, listener).clear(&[&crashed]).await;
    Ok(plan)
}

/// Refuses what a listener may have handled without a record of it.
fn on_record(ctx: &Ctx<Operator>, row: &OutboxRow) -> Result<(), Error> {
    let on_record = ctx.now().minus(inbox::REMEMBERED);
    match row.created_at < on_record {
        true => Err(replay::Refusal::NoRecord(on_record).into()),
        false => Ok(()),
    }
}

fn given_up(listener: &str) -> Error {
    STATE_CONFLICT
        .because(format!("{listener} gave it up: talaria dlq retry {listener} hands it out again"))
}

fn needs_a_listener() -> Error {
    VALIDATION_FAILED.because("name the listener that is to handle the event again")
}
