use std::time::Duration;

use kernel::{Error, RequestId};
use runtime::{Ctx, System, Worker};
use store::{Store, lease};

use crate::dispatch::{inbox, mail};
use crate::domain::channel::Channel;
use crate::store::keys::{DUE_SHARDS, RowName};
use crate::store::outbox::Outbox;

const LEASE_NAME: &str = "notification.on_due";
/// Nobody else sweeps for so long.
const LEASE_SPAN: Duration = Duration::from_secs(55);
/// Rows read at once from a shard.
const PAGE: usize = 100;

/// Dispatches the rows nobody else brought to an end: whose message got lost, whose dispatcher
/// died, whose provider asked to wait. Stops in time; what is left is due again at the next run.
///
/// Safe to run twice at once: every row has a claim, or its effect in the transaction of its end. A
/// row that fails does not keep the others waiting; the first failure is answered when all had
/// their turn.
pub async fn handle(ctx: Ctx<System>) -> Result<(), Error> {
    let holder: RequestId = ctx.new_id();
    let (store, now) = (ctx.store(), ctx.now());
    let held = lease::acquire(store, LEASE_NAME, &holder.to_string(), LEASE_SPAN, now).await?;
    if held.is_none() {
        return Ok(());
    }
    let mut outcome = Ok(());
    for shard in 0..DUE_SHARDS {
        let swept = sweep(&ctx, store, shard).await;
        outcome = outcome.and(swept);
    }
    outcome
}

async fn sweep(ctx: &Ctx<System>, store: &Store, shard: u64) -> Result<(), Error> {
    let mut query = Outbox::due(shard, ctx.now()).limit(PAGE);
    let mut outcome = Ok(());
    loop {
        let page = store.query_items(&query).await?;
        for item in &page.items {
            if ctx.remaining() < mail::TIME_NEEDED {
                return outcome;
            }
            let Some((tenant, livemode, name)) = Outbox::due_row(item) else { continue };
            let dispatched = dispatch(&ctx.enter(tenant, livemode), &name).await;
            outcome = outcome.and(dispatched);
        }
        if page.next.is_none() {
            return outcome;
        }
        query = query.after(page.next);
    }
}

/// Dispatches one row. What its dispatcher would tell the queue is written in the row already.
async fn dispatch(ctx: &Ctx<Worker>, name: &RowName) -> Result<(), Error> {
    match name.channel {
        Channel::Mail => {
            mail::deliver(ctx, name).await?;
        }
        Channel::Database => {
            if let Some(row) = Outbox::of(ctx).row(name).await? {
                inbox::deliver(ctx, name, row.user_id).await?;
            }
        }
    }
    Ok(())
}
