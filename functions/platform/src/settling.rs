//! What an operator decides about events that were given up: chosen, planned, and changed together.

use contracts::platform::{IDS_MAX, NOT_FAILED, OutboxChoice, Plan};
use kernel::Error;
use runtime::{Ctx, Deed, Operator};
use store::outbox::{OutboxRow, Status};
use store::{Change, Key, Update};

use crate::domain::choice::{self, Choice};
use crate::store::outbox::{Outbox, address_of, canonical};
use crate::store::unpublished::Unsettled;

/// Rows one transaction takes, the record and the action aside.
const PART: usize = 88;

/// Changes the chosen rows that are failed; the others are left alone.
pub async fn settle(
    ctx: &Ctx<Operator>,
    request: OutboxChoice,
    words: &str,
    update: impl Fn(&OutboxRow) -> Update,
) -> Result<Plan, Error> {
    let mut plan = Plan::new(ctx.who().is_confirmed());
    let rows = chosen(ctx, request, &mut plan).await?;
    if rows.is_empty() {
        return Err(NOT_FAILED.because("none of these events was given up"));
    }
    for row in &rows {
        let target = address_of(row).map(|address| address.to_string());
        plan.step(target.unwrap_or_else(|| row.event_id.to_string()), words);
    }
    if !plan.done {
        return Ok(plan);
    }
    let mut parts = rows.chunks(PART).peekable();
    while let Some(part) = parts.next() {
        let mut change = Change::new();
        for row in part {
            change.update(update(row));
        }
        let deed = Deed::of(change, part.iter().map(|row| row.event_id.to_string()).collect());
        let last = parts.peek().is_none();
        ctx.perform(if last { deed } else { deed.part() }, &plan).await?;
    }
    Ok(plan)
}

async fn chosen(
    ctx: &Ctx<Operator>,
    request: OutboxChoice,
    plan: &mut Plan,
) -> Result<Vec<OutboxRow>, Error> {
    let events = match choice::decide(request)? {
        Choice::Kind(kind) => {
            let kinds = [canonical(&kind)];
            return Ok(Unsettled::of(ctx.store()).failed(&kinds, IDS_MAX, None).await?.rows);
        }
        Choice::Events(events) => events,
    };
    let outbox = Outbox::of(ctx.store());
    let mut keys: Vec<(String, Key)> = Vec::new();
    for address in events {
        match outbox.key(&address).await? {
            Some(key) if keys.iter().any(|(_, known)| *known == key) => {}
            Some(key) => keys.push((address.to_string(), key)),
            None => plan.leave(address, "there is no such event, or not any more"),
        }
    }
    let wanted: Vec<Key> = keys.iter().map(|(_, key)| key.clone()).collect();
    let rows = outbox.rows(&wanted).await?;
    let (failed, others): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|row| row.status == Status::Failed);
    for (address, key) in keys {
        match others.iter().find(|row| row.key == key) {
            Some(row) => plan.leave(address, format!("it is {}", crate::view::word(&row.status))),
            None if failed.iter().any(|row| row.key == key) => {}
            None => plan.leave(address, "there is no such event, or not any more"),
        }
    }
    Ok(failed)
}
