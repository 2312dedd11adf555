use contracts::platform::{DeadLetterRetry, EventAddress, IDS_MAX, NOT_FAILED, Place, Plan};
use kernel::{Error, EventId};
use runtime::{Ctx, Deed, Operator};
use store::redelivery::{Addressee, Redelivery};
use store::{Change, Key, inbox};

use crate::domain::choice;
use crate::domain::letter::Letter;
use crate::store::cursors::is_passed;
use crate::store::letters::{Dead, Letters};
use crate::store::outbox::{Outbox, scope_of};

/// Letters one transaction takes: each is two of its at most 90 writes, the record and the action
/// aside.
const PART: usize = 44;

/// Pages of the index that are looked through for as many letters.
const PAGES: usize = 10;
/// How a dead letter of the archive is handed out again.
const BY_RANGE: &str = "replay the range around it with talaria event replay --only failed";

/// Hands out again what a listener gave up or crashed over: the rows become `retry` with no attempt
/// behind them, and the events go to the listener's queue. Where an event held up its aggregate, its success
/// lets the parked ones follow.
pub async fn handle(ctx: Ctx<Operator>, request: DeadLetterRetry) -> Result<Plan, Error> {
    choice::few(&request.events)?;
    let hearing = ctx.backbone().addressee(&request.listener).ok_or_else(Error::not_found)?;
    let letters = Letters::of(&ctx, hearing);
    let mut plan = Plan::new(ctx.who().is_confirmed());
    let dead = match request.events.is_empty() {
        true => oldest(&ctx, &letters).await?,
        false => named(&ctx, &letters, &request, &mut plan).await?,
    };
    let (mut resent, mut archived) = (Vec::new(), false);
    for letter in dead {
        let address = letter.letter.address();
        match Outbox::of(ctx.store()).key(&address).await? {
            Some(place) => {
                plan.step(&address, format!("sent to {} again", request.listener));
                let scope = scope_of(address.tenant_id, address.livemode);
                let passed = match store::outbox::place_of(&place) {
                    Some((subject, sequence)) => {
                        is_passed(ctx.store(), hearing, &scope, (&subject, sequence)).await?
                    }
                    None => false,
                };
                let to = Addressee {
                    listener: &request.listener,
                    queue: &hearing.queue,
                    event: letter.letter.event,
                    part: letter.letter.part.as_deref(),
                };
                let mut again = Redelivery::of(&scope, to, place, ctx.now());
                // Where its aggregate went on without it, it comes late, and out of order.
                if letter.letter.part.is_some() || passed {
                    again = again.forced();
                }
                resent.push((letter, again));
            }
            None => plan.leave(&address, gone(&letter, &mut archived)),
        }
    }
    if resent.is_empty() {
        return Err(not_failed(archived));
    }
    if !plan.done {
        return Ok(plan);
    }
    let plan = carry_out(&ctx, &resent, plan).await?;
    let settled: Vec<&Letter> = resent.iter().map(|(dead, _)| &dead.letter).collect();
    letters.clear(&settled).await;
    Ok(plan)
}

async fn carry_out(
    ctx: &Ctx<Operator>,
    resent: &[(Dead, Redelivery)],
    plan: Plan,
) -> Result<Plan, Error> {
    let mut parts = resent.chunks(PART).peekable();
    while let Some(part) = parts.next() {
        let mut change = Change::new();
        for (letter, again) in part {
            change.update(inbox::reopen(&letter.key(), ctx.now()));
            change = change.append(again.clone().into_change());
        }
        let events = part.iter().map(|(letter, _)| letter.letter.event.to_string()).collect();
        let deed = Deed::of(change, events);
        let last = parts.peek().is_none();
        ctx.perform(if last { deed } else { deed.part() }, &plan).await?;
        for (_, again) in part {
            // What is not sent now is due: the sweep sends it.
            let _ = ctx.redeliver(again).await;
        }
    }
    Ok(plan)
}

async fn oldest(ctx: &Ctx<Operator>, letters: &Letters<'_>) -> Result<Vec<Dead>, Error> {
    let mut query = letters.query().limit(IDS_MAX);
    let mut dead: Vec<Dead> = Vec::new();
    for _ in 0..PAGES {
        let page = ctx.store().query::<Key>(&query).await?;
        // Those that are tried again already are left alone.
        dead.extend(letters.opened(&page.items).await?.into_iter().filter(Dead::waits));
        if dead.len() >= IDS_MAX {
            break;
        }
        if page.next.is_none() {
            dead.extend(letters.crashed(&letters.messages().await?).await?);
            break;
        }
        query = query.after(page.next);
    }
    dead.truncate(IDS_MAX);
    Ok(dead)
}

async fn named(
    ctx: &Ctx<Operator>,
    letters: &Letters<'_>,
    request: &DeadLetterRetry,
    plan: &mut Plan,
) -> Result<Vec<Dead>, Error> {
    let mut events: Vec<(EventAddress, EventId)> = Vec::new();
    for address in &request.events {
        let id = match &address.place {
            Place::Id(id) => Some(*id),
            Place::Nth(..) => Outbox::of(ctx.store()).row(address).await?.map(|row| row.event_id),
        };
        match id {
            Some(id) => events.push((address.clone(), id)),
            None => plan.leave(address, "there is no such event, or not any more"),
        }
    }
    let dead = letters.named(&events).await?;
    for (address, event) in &events {
        if !dead.iter().any(|one| one.letter.event == *event) {
            plan.leave(address, format!("{} did not give it up", request.listener));
        }
    }
    Ok(dead)
}

/// What can be done about a letter whose event the outbox does not keep any more.
fn gone(letter: &Dead, archived: &mut bool) -> String {
    if letter.letter.part.is_some() {
        return "it failed in a replay, and the event is not kept any more: skip it".to_owned();
    }
    *archived = true;
    let at = letter.letter.event.created_at();
    format!("only the archive keeps the event, which is of {at}: {BY_RANGE}")
}

fn not_failed(archived: bool) -> Error {
    let none = "none of these is a dead letter that can be handed out again";
    match archived {
        false => NOT_FAILED.because(none),
        true => {
            let here = format!("{none} here: events are in the archive alone, so {BY_RANGE}");
            NOT_FAILED.because(here)
        }
    }
}
