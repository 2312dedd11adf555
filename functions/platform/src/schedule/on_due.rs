use std::time::Duration;

use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};
use kernel::{Error, Timestamp};
use runtime::LEASE_LOST;
use runtime::log::Line;
use runtime::{Ctx, System};
use store::collected::{self, Head};
use store::lease::{self, Lease};
use store::outbox::DUE_SHARDS;
use store::redelivery::{self, Redelivery};
use store::{Consistency, Item, Key, PLATFORM, schedule};

use crate::replaying;
use crate::store::replay_row;

/// One sweep at a time; a dead one is followed within a minute.
const LEASE: Duration = Duration::from_secs(55);
/// A sweep ends before its lease does; the rest is the next sweep's.
const TIME_BOX: Duration = Duration::from_secs(45);
/// Rows read at once.
const PAGE: usize = 100;
/// Rows worked on at once: each is a transaction and its doorbell, and there may be thousands at midnight.
const AT_ONCE: usize = 20;

/// Does whatever has come due: fires timers, hands out batches, sends what was put off, and
/// starts stale replays again.
///
/// Early, late and double sweeps are harmless. What fires a timer asks that its row is as it was read,
/// and what is sent twice is handled once; only the hand-out of batches rests on the lease.
pub async fn handle(ctx: Ctx<System>) -> Result<(), Error> {
    let holder = ctx.request_id().to_string();
    let lease = lease::acquire(ctx.store(), "on_due", &holder, LEASE, ctx.now()).await?;
    let Some(lease) = lease else { return Ok(()) };
    let sweep = Sweep { ctx: &ctx, lease: &lease, until: ctx.now().plus(TIME_BOX) };
    // Every sweep starts elsewhere, so that one that ends early starves no shard for good.
    let first = u64::try_from(ctx.now().seconds() / 60).unwrap_or(0);
    for shard in (first..first + DUE_SHARDS).map(|turn| turn % DUE_SHARDS) {
        if sweep.is_over() {
            break;
        }
        match sweep.shard(shard).await {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => sweep.report(None, &error),
        }
    }
    lease.release(ctx.store()).await.map_err(Error::from)
}

struct Sweep<'a> {
    ctx: &'a Ctx<System>,
    lease: &'a Lease,
    until: Timestamp,
}

impl Sweep<'_> {
    fn is_over(&self) -> bool {
        self.ctx.now() > self.until
    }

    /// False where another sweep has taken over.
    async fn shard(&self, shard: u64) -> Result<bool, Error> {
        let mut query = schedule::due(shard, self.ctx.now()).limit(PAGE);
        loop {
            let page = self.ctx.store().query_items(&query).await?;
            let keys = page.items.iter().filter_map(Item::key).map(|key| (PLATFORM, key));
            let keys: Vec<_> = keys.collect();
            let rows = self.ctx.store().get_batch(&keys, Consistency::Strong).await?;
            let heads = self.rows(rows.into_iter().flatten().collect()).await;
            if !self.hand_out(&heads).await {
                return Ok(false);
            }
            if page.next.is_none() || self.is_over() {
                return Ok(true);
            }
            query = query.after(page.next);
        }
    }

    /// Works on these rows, several at once, until the sweep is over; answers the heads of batches.
    async fn rows(&self, rows: Vec<Item>) -> Vec<Head> {
        let working: Vec<_> = rows.into_iter().map(|row| self.guarded(row).boxed()).collect();
        let done: Vec<Option<Head>> = stream::iter(working).buffered(AT_ONCE).collect().await;
        done.into_iter().flatten().collect()
    }

    /// One row that fails keeps no other waiting.
    async fn guarded(&self, row: Item) -> Option<Head> {
        if self.is_over() {
            return None;
        }
        let key = row.key();
        self.row(row).await.unwrap_or_else(|error| {
            self.report(key.as_ref(), &error);
            None
        })
    }

    /// Does what one row asks for; heads of batches are handed out together.
    async fn row(&self, row: Item) -> Result<Option<Head>, Error> {
        let unreadable = |fault: store::ItemError| Error::internal(fault.to_string());
        let now = self.ctx.now();
        match row.text("due_kind") {
            Some(schedule::DUE_KIND) => {
                self.ctx.fire(row.decode().map_err(unreadable)?).await?;
            }
            Some(redelivery::DUE_KIND) => {
                let redelivery: Redelivery = row.decode().map_err(unreadable)?;
                if redelivery.due_at <= now {
                    self.ctx.redeliver(&redelivery).await?;
                }
            }
            Some(collected::DUE_KIND) => {
                let head: Head = row.decode().map_err(unreadable)?;
                return Ok(Some(head).filter(|head| head.due_at.is_some_and(|due| due <= now)));
            }
            Some(replay_row::DUE_KIND) => replaying::restart(self.ctx, &row).await?,
            kind => {
                let kind = kind.unwrap_or("none").to_owned();
                return Err(Error::internal(format!("nobody works through rows of kind {kind}")));
            }
        }
        Ok(None)
    }

    /// False where another sweep has taken over.
    async fn hand_out(&self, heads: &[Head]) -> bool {
        let Err(error) = self.ctx.hand_out(heads, self.lease).await else { return true };
        self.report(None, &error);
        !error.is(&LEASE_LOST)
    }

    fn report(&self, key: Option<&Key>, error: &Error) {
        let key = key.and_then(|key| key.pk.text().ok()).map(str::to_owned);
        let line = Line::warn("a due row could not be worked through; the next sweep tries again");
        let line = line.with("row", key).with("error_code", error.code());
        self.ctx.log(line.with("error", error.message()));
    }
}
