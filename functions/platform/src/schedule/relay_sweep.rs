use std::time::Duration;

use events::ops::{OUTBOX_STALLED, OutboxStalled};
use kernel::{Error, Timestamp};
use runtime::log::{Line, Metric};
use runtime::relay::{Carried, Relay};
use runtime::{Commit, Ctx, System, Uncommitted};
use store::outbox::{self, Bell, DUE_SHARDS};
use store::{Change, Condition, Item, Key, PLATFORM, Update, lease};

/// One sweeper at a time; a dead one is followed within a minute.
const LEASE: Duration = Duration::from_secs(55);
/// A sweep ends in time to report; the rest is the next sweep's.
const TIME_BOX: Duration = Duration::from_secs(45);
/// Rows read at once.
const PAGE: usize = 100;
/// How long an event may wait before that is an event itself, and how often it is said.
const STALLED: Duration = Duration::from_secs(120);
const QUIET: Duration = Duration::from_secs(600);
const MINUTE_MS: i64 = 60_000;
/// The label of the row that remembers when it was said.
const TOLD: &str = "told";

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
    let until = ctx.now().plus(TIME_BOX);
    let mut found = Found::default();
    // Where time does not suffice for all, every sweep leaves out other shards.
    let first = u64::try_from(ctx.now().ms() / MINUTE_MS).unwrap_or(0);
    for shard in (first..first + DUE_SHARDS).map(|shard| shard % DUE_SHARDS) {
        if let Err(fault) = sweep(&ctx, shard, until, &mut found).await {
            ctx.log(Line::error("a shard was not swept").with("error", fault.to_string()));
        }
    }
    report(&ctx, &found);
    announce_stall(&ctx, &found).await?;
    lease.release(ctx.store()).await.map_err(Error::from)
}

/// Carries what is due of a shard.
async fn sweep(
    ctx: &Ctx<System>,
    shard: u64,
    until: Timestamp,
    found: &mut Found,
) -> Result<(), Error> {
    let mut relay = Relay::of(ctx, Bell::Sweeper);
    let mut query = outbox::due(shard, ctx.now()).limit(PAGE);
    while ctx.now() < until {
        let page = ctx.store().query_items(&query).await?;
        found.pending += u64::try_from(page.items.len()).unwrap_or(u64::MAX);
        let keys: Vec<Key> = page.items.iter().filter_map(Item::key).collect();
        found.add(relay.carry(&keys).await?);
        if page.next.is_none() {
            break;
        }
        query = query.after(page.next);
    }
    Ok(())
}

impl Found {
    /// How long ago the oldest was committed.
    fn age(&self, now: Timestamp) -> Duration {
        self.oldest.map_or(Duration::ZERO, |oldest| now.since(oldest))
    }

    fn add(&mut self, carried: Carried) {
        self.failed += carried.failed;
        self.oldest = self.oldest.into_iter().chain(carried.oldest).min();
    }
}

/// Says that events wait too long, at most once in a while: whoever should know is told by an event
/// too.
async fn announce_stall(ctx: &Ctx<System>, found: &Found) -> Result<(), Error> {
    let now = ctx.now();
    let age = found.age(now);
    if age < STALLED {
        return Ok(());
    }
    let told = Key::alone(ctx.system_scope().partition("STALL", ()));
    let quiet = Condition::no_item().or(Condition::at_most("told_at_ms", now.minus(QUIET).ms()));
    let mut change = Change::new();
    change.update(Update::of(PLATFORM, told).set("told_at_ms", now.ms()).when(quiet)).named(TOLD);
    let data = OutboxStalled {
        oldest_age_s: u32::try_from(age.as_secs()).unwrap_or(u32::MAX),
        pending: u32::try_from(found.pending).unwrap_or(u32::MAX),
    };
    let commit = Commit::of(change).announcing_of(ctx.request_id(), &OUTBOX_STALLED, &data);
    match ctx.enter_platform().try_apply(commit).await {
        Ok(()) | Err(Uncommitted::Refused { label: TOLD, .. }) => Ok(()),
        Err(fault) => Err(fault.into()),
    }
}

/// Always, also when there was nothing: a missing sweep is an alarm.
fn report(ctx: &Ctx<System>, found: &Found) {
    let age = found.age(ctx.now()).as_secs();
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
