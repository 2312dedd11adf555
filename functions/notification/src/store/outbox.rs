//! The notification outbox: rows on their way to a channel, each step conditional, each end
//! announced.

use events::notification::{self as facts, FAILED, QUEUED, SENT, SKIPPED};
use kernel::{EntityKind, EntityRef, Error, RequestId, Reserved, TenantId, Timestamp};
use runtime::{Commit, Ctx, Uncommitted, Worker};
use store::{Change, Consistency, Item, NotCommitted, Query, Scope, Token, Written};

use crate::domain::channel::Channel;
use crate::domain::outcome::Outcome;
use crate::store::keys::{self, RowName};
use crate::store::outbox_row::{self, CLAIM, GUARD_KEPT, HandOffGuard, OutboxRow};
use crate::store::{decoded, not_committed};

/// The only row of a channel that has one.
pub const FIRST: u32 = 1;

/// The notification outbox of a tenant.
pub struct Outbox<'a> {
    ctx: &'a Ctx<Worker>,
    scope: Scope,
}

/// What came of a hand-over that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandOver {
    /// The provider may be called.
    Granted,
    /// Another row handed the same message over.
    Duplicate,
    /// Another dispatcher took the row.
    Lost,
}

impl<'a> Outbox<'a> {
    /// The rows of the caller's tenant and mode.
    pub fn of(ctx: &'a Ctx<Worker>) -> Self {
        Self { ctx, scope: ctx.mode_scope() }
    }

    /// A row, as it is now.
    pub async fn row(&self, name: &RowName) -> Result<Option<OutboxRow>, Error> {
        let key = keys::row(&self.scope, name);
        Ok(self.ctx.store().get(&key, Consistency::Strong).await?)
    }

    /// Takes a row, unless another dispatcher has it.
    pub async fn claim(
        &self,
        row: &OutboxRow,
        claim: RequestId,
    ) -> Result<Option<OutboxRow>, Error> {
        let update = outbox_row::claim(row, claim, self.ctx.now());
        match self.ctx.store().update(update).await? {
            Written::Done(item) => decoded(Some(item)),
            Written::Refused(_) => Ok(None),
        }
    }

    /// Asks to hand a claimed row over; the row shows it where it is granted. A step of the row's
    /// own work, announced by its end.
    pub async fn hand_over(
        &self,
        row: &mut OutboxRow,
        claim: RequestId,
        provider: &str,
    ) -> Result<HandOver, Error> {
        const GUARD: &str = "guard";
        let now = self.ctx.now();
        let guard = self.hand_off_guard(row);
        let mut change = Change::new().blind();
        change.update(outbox_row::hand_over(row, claim, provider, now)).named(CLAIM);
        change.put_when(&guard, guard.condition(now)).named(GUARD);
        let token = Token::of(claim.to_string().as_bytes(), 0);
        match self.ctx.store().commit(change, &token).await {
            Ok(_) => {
                row.attempts += 1;
                row.provider = Some(provider.to_owned());
                Ok(HandOver::Granted)
            }
            Err(NotCommitted::Refused { label: Some(CLAIM), .. }) => Ok(HandOver::Lost),
            Err(NotCommitted::Refused { label: Some(GUARD), .. }) => Ok(HandOver::Duplicate),
            Err(fault) => Err(not_committed(fault)),
        }
    }

    /// The guard this row would own.
    pub fn hand_off_guard(&self, row: &OutboxRow) -> HandOffGuard {
        HandOffGuard {
            key: keys::hand_off_guard(&self.scope, &row.dedupe_key, row.channel, row.user_id),
            row_id: row.row_id,
            expires_at: self.ctx.now().plus(GUARD_KEPT).seconds(),
        }
    }

    /// Gives a claimed row back, to be dispatched again from `due_at` on.
    pub async fn release(
        &self,
        row: &OutboxRow,
        claim: RequestId,
        attempts: u32,
        code: &str,
        due_at: Timestamp,
    ) -> Result<(), Error> {
        let update = outbox_row::release(row, claim, attempts, code, due_at);
        // A claim that ran out meanwhile is another's: then there is nothing to give back.
        match self.ctx.store().update(update).await? {
            Written::Done(_) | Written::Refused(_) => Ok(()),
        }
    }

    /// Ends a claimed row and announces it; `false` where the claim is another's by now.
    pub async fn settle(
        &self,
        row: &OutboxRow,
        claim: RequestId,
        end: Outcome,
    ) -> Result<bool, Error> {
        // Decided by the claim alone. To run the handler again after a conflict would send again.
        let change = Change::new().blind();
        let change = change.append(outbox_row::settle_claimed(row, claim, end, self.ctx.now()));
        self.end(ended(Commit::of(change), row, end)).await
    }

    /// Ends a row that nobody claimed and announces it; `false` where it is not pending any more.
    pub async fn settle_pending(&self, row: &OutboxRow, end: Outcome) -> Result<bool, Error> {
        let change = outbox_row::settle_pending(row, end, self.ctx.now());
        self.end(ended(Commit::of(change), row, end)).await
    }

    /// Commits the end of a row; `false` where another dispatcher was faster.
    async fn end(&self, commit: Commit) -> Result<bool, Error> {
        match self.ctx.try_apply(commit).await {
            Ok(()) => Ok(true),
            Err(Uncommitted::Refused { label: CLAIM, .. }) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// Rows that wait for the sweeper in this shard, the longest waiting first; keys only.
    pub fn due(shard: u64, now: Timestamp) -> Query {
        Query::index(keys::NOTIFICATION, store::DUE, keys::due_shard(shard)).up_to(now.ms())
    }

    /// Reads a page of [`due`](Self::due) as rows of tenants.
    pub fn due_row(item: &Item) -> Option<(TenantId, bool, RowName)> {
        keys::read_row(&item.key()?)
    }
}

/// Announces that a row is due.
pub fn queued(commit: Commit, row: &OutboxRow, number: Reserved) -> Commit {
    let data = facts::Queued {
        notification_id: row.notification_id,
        row_id: row.row_id,
        user_id: row.user_id,
        channel: word(row.channel),
        number: FIRST,
    };
    commit.announcing_reserved(number, entity(row), &QUEUED, &data).facet(row.channel.as_str())
}

/// Announces how a row ended.
pub fn ended(commit: Commit, row: &OutboxRow, end: Outcome) -> Commit {
    let (notification_id, row_id) = (row.notification_id, row.row_id);
    let (channel, facet) = (word(row.channel), row.channel.as_str());
    let (number, about) = (row.last_event, entity(row));
    let commit = match end {
        Outcome::Accepted => {
            let provider = row.provider.clone().unwrap_or_else(|| facet.to_owned());
            let data = facts::Sent { notification_id, row_id, channel, provider };
            commit.announcing_reserved(number, about, &SENT, &data)
        }
        Outcome::Skipped(reason) => {
            let reason = reason.as_str().to_owned();
            let data = facts::Skipped { notification_id, row_id, channel, reason };
            commit.announcing_reserved(number, about, &SKIPPED, &data)
        }
        Outcome::Failed(reason) => {
            let reason = reason.as_str().to_owned();
            let data = facts::Failed { notification_id, row_id, channel, reason };
            commit.announcing_reserved(number, about, &FAILED, &data)
        }
    };
    commit.facet(facet)
}

fn entity(row: &OutboxRow) -> EntityRef {
    EntityRef::new(EntityKind::Notification, row.notification_id)
}

/// The channel as events name it.
fn word(channel: Channel) -> facts::Channel {
    match channel {
        Channel::Database => facts::Channel::Database,
        Channel::Mail => facts::Channel::Mail,
    }
}
