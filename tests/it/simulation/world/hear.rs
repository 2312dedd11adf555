use kernel::{EntityKind, EntityRef, Error};
use runtime::{Commit, Ctx, Outcome, Reacting, Received, Worker};
use serde_json::Value;
use store::{Change, Update};

use super::outside::{self, Meeting};
use super::{Step, WORLD, advance, listener, thing};

/// Notes the event's number behind those before it: safe to run twice, because the note is in the
/// transaction of the inbox row.
pub async fn note(
    listener: &'static str,
    ctx: Ctx<Worker>,
    event: Received<Value>,
) -> Result<Outcome, Error> {
    if let Some(outcome) = meet(listener, &ctx, &event).await {
        return Ok(outcome);
    }
    ctx.apply(Commit::of(noted(listener, &ctx, &event))).await?;
    Ok(Outcome::Done)
}

/// Advances an unordered entity for every settled one: a listener that announces.
pub async fn carry(ctx: Ctx<Worker>, event: Received<Value>) -> Result<Outcome, Error> {
    if let Some(outcome) = meet(listener::CARRY, &ctx, &event).await {
        return Ok(outcome);
    }
    let carried =
        EntityRef::new(EntityKind::Settings, format!("c-{}", event.envelope.subject.id()));
    let note = noted(listener::CARRY, &ctx, &event);
    ctx.apply(advance::step(&ctx, carried, 1, note).await?).await?;
    Ok(Outcome::Done)
}

/// Notes a batch of collected events, all in one transaction.
pub async fn digest(ctx: Ctx<Worker>, events: Vec<Received<Step>>) -> Result<Outcome, Error> {
    let mut change = Change::new();
    for event in &events {
        let (subject, number) = (&event.envelope.subject, event.envelope.sequence_number());
        let key = thing::digest_of(&ctx.mode_scope(), subject, number);
        change.update(Update::of(WORLD, key).add("n", 1));
    }
    ctx.apply(Commit::of(change)).await?;
    let created = events.iter().map(|event| event.envelope.time);
    outside::digested(ctx.now(), created.min());
    Ok(Outcome::Done)
}

/// Counts the events of an unordered entity inside the transaction that announces them.
pub fn tally(reacting: &Reacting<'_, Step>) -> Result<Change, Error> {
    let key = thing::tally_of(&reacting.scope, reacting.subject, reacting.sequence);
    let mut change = Change::new();
    change.update(Update::of(WORLD, key).set("step", reacting.data.step));
    Ok(change)
}

/// Meets the world outside; the outcome where that ends the attempt.
async fn meet(listener: &str, ctx: &Ctx<Worker>, event: &Received<Value>) -> Option<Outcome> {
    match outside::meet(listener, &event.envelope, ctx.now()).await {
        Meeting::Well => None,
        Meeting::Ends(outcome) => Some(outcome),
    }
}

fn noted(listener: &str, ctx: &Ctx<Worker>, event: &Received<Value>) -> Change {
    let subject = &event.envelope.subject;
    let key = thing::notes_of(&ctx.mode_scope(), listener, subject);
    let mut change = Change::new();
    let note = Update::of(WORLD, key)
        .set("listener", listener)
        .set("subject", subject)
        .add("n", 1)
        .append("noted", event.envelope.sequence_number());
    change.update(note);
    change
}
