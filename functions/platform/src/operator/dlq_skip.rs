use contracts::platform::{DeadLetterSkip, EventAddress, Place, Plan};
use kernel::Error;
use runtime::backbone::Hearing;
use runtime::{Ctx, Deed, Operator};
use store::cursor::{self, Cursor, CursorRow, ParkedRow};
use store::inbox;
use store::outbox::{self, OutboxRow};
use store::redelivery::Redelivery;
use store::{Change, Consistency};

use crate::store::letters::{Dead, Letters};
use crate::store::outbox::{Outbox, scope_of};

/// Passes over an event a listener gave up. Where it held up its aggregate, the cursor moves past
/// it and the first parked event follows; those behind it follow each other.
pub async fn handle(ctx: Ctx<Operator>, request: DeadLetterSkip) -> Result<Plan, Error> {
    let hearing = ctx.backbone().addressee(&request.listener).ok_or_else(Error::not_found)?;
    let row = Outbox::of(ctx.store()).row(&request.event).await?;
    let dead = dead(&ctx, &request, row.as_ref()).await?;
    let mut plan = Plan::new(ctx.who().is_confirmed());
    let listener = &request.listener;
    plan.step(&request.event, format!("passed over by {listener}"));
    let mut change = Change::new();
    change.update(inbox::pass(&dead.key(), ctx.who().reason(), ctx.now()));
    let mut follows = None;
    if let Some(row) = row.filter(|_| hearing.ordered) {
        let (moved, next) = past(&ctx, hearing, &request.event, &row).await?;
        if let Some(next) = &next {
            plan.step(listener, format!("the event parked behind it follows, of {}", row.subject));
            change = change.append(next.clone().into_change());
        }
        change = change.append(moved);
        follows = next;
    }
    if !plan.done {
        return Ok(plan);
    }
    let deed = Deed::of(change, vec![dead.letter.event.to_string()]);
    let plan = ctx.perform(deed, plan).await?;
    if let Some(next) = follows {
        // What is not sent now is due: the sweep sends it.
        let _ = ctx.redeliver(&next).await;
    }
    // The message is a copy: it may stay behind.
    let _ = ctx.clear_dead_letters(&hearing.dead_letter_queue, &[dead.letter.event]).await;
    Ok(plan)
}

async fn dead(
    ctx: &Ctx<Operator>,
    request: &DeadLetterSkip,
    row: Option<&OutboxRow>,
) -> Result<Dead, Error> {
    let event = match &request.event.place {
        Place::Id(event) => *event,
        Place::Nth(..) => row.map(|row| row.event_id).ok_or_else(Error::not_found)?,
    };
    let named = [(request.event.clone(), event)];
    let found = Letters::of(ctx.store(), &request.listener).named(&named).await?;
    found.into_iter().next().ok_or_else(not_failed)
}

/// The cursor's move past the event, where it stood at the barrier, and the parked event that
/// follows.
async fn past(
    ctx: &Ctx<Operator>,
    hearing: &Hearing,
    address: &EventAddress,
    row: &OutboxRow,
) -> Result<(Change, Option<Redelivery>), Error> {
    let scope = scope_of(address.tenant_id, address.livemode);
    let key = cursor::key_of(&scope, &hearing.listener, &row.subject);
    let found: Option<CursorRow> = ctx.store().get(&key, Consistency::Strong).await?;
    let cursor = Cursor::of(key, found);
    if !cursor.is_barrier(row.sequence) {
        return Ok((Change::new(), None));
    }
    let parked = ctx.store().query::<ParkedRow>(&cursor.parked_after(row.sequence)).await?;
    let next = parked.items.into_iter().next();
    let follows = next.as_ref().map(|next| {
        let place = outbox::key_of(&scope, &row.subject, next.sequence);
        let (id, queue) = (&hearing.listener, &hearing.queue);
        Redelivery::of(&scope, id, queue, next.event_id, place, ctx.now())
    });
    Ok((cursor.advance(row.sequence, next.as_ref()), follows))
}

fn not_failed() -> Error {
    Error::conflict("not_failed", "the listener did not give it up, or it was decided before")
}
