use contracts::platform::{DeadLetterSkip, EventAddress, NOT_FAILED, Place, Plan};
use kernel::{EntityRef, Error};
use runtime::backbone::Hearing;
use runtime::dead_letters::DeadMessage;
use runtime::{Ctx, Deed, Operator};
use store::cursor::{self, Cursor, CursorRow, ParkedRow};
use store::inbox;
use store::outbox;
use store::redelivery::{Addressee, Redelivery};
use store::{Change, Consistency};

use crate::store::letters::Letters;
use crate::store::outbox::{Outbox, scope_of};

/// Passes over an event a listener gave up or crashed over. Where it held up its aggregate, the
/// cursor moves past it and the first parked event follows; those behind it follow each other.
pub async fn handle(ctx: Ctx<Operator>, request: DeadLetterSkip) -> Result<Plan, Error> {
    let hearing = ctx.backbone().addressee(&request.listener).ok_or_else(Error::not_found)?;
    match request.event {
        Some(event) => skip(&ctx, hearing, event).await,
        None => discard(&ctx, hearing).await,
    }
}

async fn skip(
    ctx: &Ctx<Operator>,
    hearing: &Hearing,
    address: EventAddress,
) -> Result<Plan, Error> {
    let letters = Letters::of(ctx, hearing);
    let row = Outbox::of(ctx.store()).row(&address).await?;
    let event = match &address.place {
        Place::Id(event) => *event,
        Place::Nth(..) => row.as_ref().map(|row| row.event_id).ok_or_else(Error::not_found)?,
    };
    let dead = letters.named(&[(address.clone(), event)]).await?;
    let dead = dead.into_iter().next().ok_or_else(|| NOT_FAILED.error())?;
    let inbox = dead.key();
    let mut plan = Plan::new(ctx.who().is_confirmed());
    plan.step(&address, format!("passed over by {}", hearing.listener));
    let mut change = Change::new();
    change.update(inbox::pass(&inbox, ctx.who().reason(), ctx.now()));
    let mut follows = None;
    // The row of the event may be gone by now; where it was is in what was given up.
    let place = row.map(|row| row.key).or(dead.row.and_then(|row| row.source));
    let in_order = hearing.ordered && dead.letter.part.is_none();
    let place = place.as_ref().and_then(outbox::place_of).filter(|_| in_order);
    if let Some((subject, sequence)) = place {
        let (moved, next) = past(ctx, hearing, &address, &subject, sequence).await?;
        if let Some(next) = &next {
            let words = format!("the event parked behind it follows, of {subject}");
            plan.step(&hearing.listener, words);
            change = change.append(next.clone().into_change());
        }
        change = change.append(moved);
        follows = next;
    }
    if !plan.done {
        return Ok(plan);
    }
    let plan = ctx.perform(Deed::of(change, vec![event.to_string()]), plan).await?;
    if let Some(next) = follows {
        // What is not sent now is due: the sweep sends it.
        let _ = ctx.redeliver(&next).await;
    }
    letters.clear(&[&dead.letter]).await;
    Ok(plan)
}

/// Deletes what is no event from the dead-letter queue: there is nothing to repeat.
async fn discard(ctx: &Ctx<Operator>, hearing: &Hearing) -> Result<Plan, Error> {
    let is_stranger = |message: &DeadMessage| message.envelope.is_none();
    let messages = Letters::of(ctx, hearing).messages().await?;
    let strangers = messages.into_iter().filter(is_stranger).count();
    if strangers == 0 {
        return Err(NOT_FAILED.because("every message there is an event: name it"));
    }
    let mut plan = Plan::new(ctx.who().is_confirmed());
    let queue = &hearing.dead_letter_queue;
    plan.step(queue, format!("{strangers} messages that are no events are deleted"));
    if !plan.done {
        return Ok(plan);
    }
    let plan = ctx.perform(Deed::of(Change::new(), plan.targets()), plan).await?;
    ctx.clear_dead_letters(queue, is_stranger).await?;
    Ok(plan)
}

/// The cursor's move past the event, where it stood at the barrier, and the parked event that
/// follows.
async fn past(
    ctx: &Ctx<Operator>,
    hearing: &Hearing,
    address: &EventAddress,
    subject: &EntityRef,
    sequence: u64,
) -> Result<(Change, Option<Redelivery>), Error> {
    let scope = scope_of(address.tenant_id, address.livemode);
    let key = cursor::key_of(&scope, &hearing.listener, subject);
    let found: Option<CursorRow> = ctx.store().get(&key, Consistency::Strong).await?;
    let cursor = Cursor::of(key, found);
    if !cursor.is_barrier(sequence) {
        return Ok((Change::new(), None));
    }
    let parked = ctx.store().query::<ParkedRow>(&cursor.parked_after(sequence)).await?;
    let next = parked.items.into_iter().next();
    let follows = next.as_ref().map(|next| {
        let place = outbox::key_of(&scope, subject, next.sequence);
        let (listener, queue) = (&hearing.listener, &hearing.queue);
        let to = Addressee { listener, queue, event: next.event_id, part: None };
        Redelivery::of(&scope, to, place, ctx.now())
    });
    Ok((cursor.advance(sequence, next.as_ref()), follows))
}
