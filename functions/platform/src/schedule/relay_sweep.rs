use std::time::Duration;

use kernel::{Error, Timestamp};
use runtime::log::Metric;
use runtime::relay::Relay;
use runtime::{Ctx, System};
use store::outbox::{self, Bell, DUE_SHARDS};
use store::{Item, Key, lease};

/// One sweeper at a time; a dead one is followed within a minute.
const LEASE: Duration = Duration::from_secs(55);
/// A sweep ends in time to report; the rest is the next sweep's.
const TIME_BOX: Duration = Duration::from_secs(45);
/// Rows read at once.
const PAGE: usize = 100;

/// What a sweep found.
#[derive(Default)]
struct Found {
    pending: u64,
    failed: u64,
    oldest: Option<Timestamp>,
}

/// Rings for every outbox row that is due: whatever the other doorbells left behind.
pub async fn handle(ctx: Ctx<System>) -> Result<(), Error> {
    let holder = ctx.request_id().to_string();
    let lease = lease::acquire(ctx.store(), "relay_sweep", &holder, LEASE, ctx.now()).await?;
    let Some(lease) = lease else { return Ok(()) };
    let started = ctx.now();
    let mut found = Found::default();
    for shard in 0..DUE_SHARDS {
        if ctx.now().since(started) > TIME_BOX {
            break;
        }
        sweep(&ctx, shard, &mut found).await?;
    }
    report(&ctx, &found);
    lease.release(ctx.store()).await.map_err(Error::from)
}

async fn sweep(ctx: &Ctx<System>, shard: u64, found: &mut Found) -> Result<(), Error> {
    let relay = Relay::of(ctx, Bell::Sweeper);
    let mut query = outbox::due(shard, ctx.now()).limit(PAGE);
    loop {
        let page = ctx.store().query_items(&query).await?;
        page.items.iter().for_each(|item| found.count(item));
        let keys: Vec<Key> = page.items.iter().filter_map(Item::key).collect();
        found.failed += relay.carry(&keys).await?.failed;
        if page.next.is_none() {
            return Ok(());
        }
        query = query.after(page.next);
    }
}

impl Found {
    fn count(&mut self, item: &Item) {
        self.pending += 1;
        let due = item.number("due_at_ms").and_then(|ms| i64::try_from(ms).ok());
        let due = due.map(Timestamp::from_ms);
        self.oldest = self.oldest.into_iter().chain(due).min();
    }
}

/// Always, also when there was nothing: a missing sweep is an alarm.
fn report(ctx: &Ctx<System>, found: &Found) {
    let age = found.oldest.map_or(0, |oldest| ctx.now().since(oldest).as_secs());
    let counts = [
        ("SweeperRun", "Count", 1),
        ("OutboxPending", "Count", found.pending),
        ("OutboxFailed", "Count", found.failed),
        ("OutboxOldestPendingAge", "Seconds", age),
    ];
    for (name, unit, value) in counts {
        ctx.metric(&Metric { name, unit, dimension: ("Module", "platform"), value });
    }
}
