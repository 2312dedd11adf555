//! The relay: carries committed outbox rows to the topics. One algorithm, three doorbells.
//!
//! Order holds without a lock: whoever publishes row k has published k−1 itself or has read it settled.
//! Racing relays only publish twice, and duplicates die in the FIFO window or in the inbox.

mod publish;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use kernel::Timestamp;
use store::outbox::{self, Bell, Birth, OutboxRow, Status};
use store::planted::{self, Bug};
use store::{
    BATCH_GET_MAX, Consistency, Item, Key, OUTBOX, PartitionKey, Store, StoreError, transition,
};

use crate::call::ctx::{Call, Ctx};
use crate::ports::digest::fingerprint;
use crate::ports::log::Line;
use crate::ports::process::Ports;

/// Wall time the inline doorbell may take.
const INLINE_BUDGET: Duration = Duration::from_millis(300);
/// Time an invocation keeps for its answer.
pub(crate) const RESERVE: Duration = Duration::from_secs(1);
/// What one round of a relay may take.
const ROUND: Duration = Duration::from_secs(5);
/// How long a relay waits for another one's claim, once.
const CLAIM_PATIENCE: Duration = Duration::from_millis(500);
/// Why a topic did not take a message.
const REFUSED: &str = "publish_refused";

/// Publishes what a call has just committed. The result is ignored: the other doorbells follow.
pub(crate) fn ring_inline<'a>(call: &'a Call, births: &'a [Birth]) -> BoxFuture<'a, ()> {
    Box::pin(ring(call, births))
}

async fn ring(call: &Call, births: &[Birth]) {
    let now = call.ports.clock.now();
    let budget = INLINE_BUDGET.min(call.deadline.since(now).saturating_sub(RESERVE));
    if births.is_empty() || budget.is_zero() || call.ports.config.events_topic.is_empty() {
        return;
    }
    // The doorbell's requests are the relay's, not the call's: they count on no budget.
    let store = call.store.metered(Arc::default());
    let mut relay = Relay::new(&call.ports, &store, Bell::Inline, call.deadline);
    let rows = births.iter().map(|birth| OutboxRow::born(birth, now)).collect();
    let _ = tokio::time::timeout(budget, relay.carry_rows(rows)).await;
}

/// What a sweep or a stream record came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Rows the topics accepted.
    pub sent: u64,
    /// Rows given up.
    pub failed: u64,
    /// When the oldest of the rows was committed.
    pub oldest: Option<Timestamp>,
}

/// Rows that have to go one after the other: an ordered aggregate's, or one unordered row.
type Run = VecDeque<OutboxRow>;

/// The relay: claims, publishes, settles.
pub struct Relay<'a> {
    ports: &'a Ports,
    store: &'a Store,
    bell: Bell,
    /// No round begins later.
    until: Timestamp,
    /// Ordered aggregates whose runs stopped: this relay does not look at them again.
    stopped: HashSet<PartitionKey>,
}

/// What a run's next row is.
enum Head {
    /// To be published now, under this claim where one was needed.
    Ready(Box<OutboxRow>, Option<String>),
    /// Settled: the next one's turn.
    Settled,
    /// Not now: the rest of the run waits.
    Stop,
    /// Given up: it was tried as often as allowed without an answer.
    Spent(Box<OutboxRow>, String),
}

impl<'a> Relay<'a> {
    /// A relay that works for this call.
    pub fn of<Who>(ctx: &'a Ctx<Who>, bell: Bell) -> Self {
        Self::new(ctx.ports(), ctx.store(), bell, ctx.call.deadline.minus(ROUND))
    }

    fn new(ports: &'a Ports, store: &'a Store, bell: Bell, until: Timestamp) -> Self {
        Self { ports, store, bell, until, stopped: HashSet::new() }
    }

    /// Carries the rows with these keys, each ordered one with its whole aggregate.
    pub async fn carry(&mut self, keys: &[Key]) -> Result<Carried, StoreError> {
        let mut carried = Carried::default();
        for keys in keys.chunks(BATCH_GET_MAX) {
            let places: Vec<_> = keys.iter().map(|key| (OUTBOX, key.clone())).collect();
            let items = self.store.get_batch(&places, Consistency::Strong).await?;
            let rows = items.into_iter().flatten().filter_map(|item| self.read(item));
            carried = carried.and(self.carry_rows(rows.collect()).await);
        }
        Ok(carried)
    }

    /// A row that cannot be read would hold up all others for ever: it is left out, and said.
    fn read(&self, item: Item) -> Option<OutboxRow> {
        let key = item.key();
        match item.decode() {
            Ok(row) => Some(row),
            Err(fault) => {
                let place = key.and_then(|key| key.pk.text().map(str::to_owned).ok());
                let line = Line::error("an outbox row cannot be read")
                    .with("row", place.unwrap_or_default())
                    .with("error", fault.to_string());
                self.log(line);
                None
            }
        }
    }

    /// Round by round, the head of every run travels in one batch: never two rows of one aggregate. A
    /// fault stops the run it is of; the others go on.
    async fn carry_rows(&mut self, rows: Vec<OutboxRow>) -> Carried {
        // What operators had published again has waited since then only.
        let first = rows.iter().filter(|row| row.replay_no == 0);
        let oldest = first.map(|row| row.created_at).min();
        let mut carried = Carried { oldest, ..Carried::default() };
        let mut runs = self.runs(rows).await;
        while !runs.is_empty() && self.now() < self.until {
            let heads = join_all(runs.iter_mut().map(|run| self.head(run))).await;
            let heads = heads.into_iter().map(|head| self.or_tell(head).unwrap_or(Head::Stop));
            let heads: Vec<Head> = heads.collect();
            let mut ready = Vec::new();
            let mut open = Vec::new();
            for (mut run, head) in runs.into_iter().zip(heads) {
                match head {
                    Head::Settled => open.push(run),
                    Head::Stop => self.stop(&run),
                    Head::Spent(row, claim) => {
                        carried.failed += 1;
                        let given_up = self.give_up(&row, &claim, "publish_unanswered").await;
                        match self.or_tell(given_up).unwrap_or(false) {
                            true => open.push(run),
                            false => self.stop(&run),
                        }
                    }
                    Head::Ready(row, claim) => {
                        let together = planted::is(Bug::AggregateInOneBatch) && row.ordered;
                        let second = together.then(|| run.pop_front()).flatten();
                        ready.push((*row, claim));
                        ready.extend(second.map(|row| (row, None)));
                        open.push(run);
                    }
                }
            }
            let stopped = self.publish_and_settle(ready, &mut carried).await;
            self.stopped.extend(stopped);
            runs = open.into_iter().filter(|run| self.goes_on(run)).collect();
        }
        carried
    }

    /// Remembers that the aggregate of this run waits: for an operator, a pause, or another relay.
    fn stop(&mut self, run: &Run) {
        self.stopped.extend(run.front().filter(|row| row.ordered).map(|row| row.key.pk.clone()));
    }

    fn goes_on(&self, run: &Run) -> bool {
        run.front().is_some_and(|row| !row.ordered || !self.stopped.contains(&row.key.pk))
    }

    /// The value, or nothing and a line about the fault: the sweeper comes back to it.
    fn or_tell<T>(&self, result: Result<T, StoreError>) -> Option<T> {
        result
            .map_err(|fault| {
                let line = Line::error("an outbox row is left to the next doorbell");
                self.log(line.with("error", fault.to_string()));
            })
            .ok()
    }

    /// The runs these rows begin or belong to; rows of one aggregate share one.
    async fn runs(&self, rows: Vec<OutboxRow>) -> Vec<Run> {
        let mut runs = Vec::new();
        let mut aggregates = Vec::new();
        for row in rows {
            if !row.ordered || planted::is(Bug::PredecessorIgnored) {
                runs.push(Run::from([row]));
            } else if !aggregates.contains(&row.key.pk) && !self.stopped.contains(&row.key.pk) {
                let run = outbox::unsettled_run(self.store, &row.key.pk, row.sequence).await;
                aggregates.push(row.key.pk);
                runs.extend(self.or_tell(run).map(Run::from));
            }
        }
        runs.retain(|run| self.goes_on(run));
        runs
    }

    async fn head(&self, run: &mut Run) -> Result<Head, StoreError> {
        let Some(row) = run.pop_front() else { return Ok(Head::Settled) };
        let now = self.now();
        match row.status {
            Status::Sent | Status::Skipped => return Ok(Head::Settled),
            Status::Failed => return Ok(Head::Stop),
            Status::Pending | Status::Processing => {}
        }
        if row.next_attempt_at.is_some_and(|next| next > now) {
            return Ok(Head::Stop);
        }
        if self.bell == Bell::Inline {
            return Ok(Head::Ready(Box::new(row), None));
        }
        self.claim(row).await
    }

    /// Claims the row, waiting once for another's claim. The claim counts as an attempt before anything
    /// is published, so that a publication that kills its function counts too.
    async fn claim(&self, row: OutboxRow) -> Result<Head, StoreError> {
        let wait = row.claimed_until.since(self.now());
        let row = match wait {
            Duration::ZERO => row,
            wait if wait <= CLAIM_PATIENCE => {
                tokio::time::sleep(wait).await;
                match self.store.get::<OutboxRow>(&row.key, Consistency::Strong).await? {
                    Some(row) => row,
                    None => return Ok(Head::Stop),
                }
            }
            _ => return Ok(Head::Stop),
        };
        if row.status.is_settled() {
            return Ok(Head::Settled);
        }
        let token = self.token();
        let update = transition::claim(&row.key, &token, self.now());
        let Some(item) = self.store.update(update).await?.done() else { return Ok(Head::Stop) };
        let row: OutboxRow = item.decode()?;
        Ok(match row.attempts > transition::ATTEMPTS_MAX {
            true => Head::Spent(Box::new(row), token),
            false => Head::Ready(Box::new(row), Some(token)),
        })
    }

    /// Publishes the rows and settles or refuses each by itself; answers the aggregates that stop.
    async fn publish_and_settle(
        &self,
        rows: Vec<(OutboxRow, Option<String>)>,
        carried: &mut Carried,
    ) -> Vec<PartitionKey> {
        if planted::is(Bug::SentBeforePublished) {
            for (row, _) in &rows {
                self.or_tell(self.settle(row).await);
            }
        }
        let accepted = self.publish(rows.iter().map(|(row, _)| row).collect()).await;
        let mut stopped = Vec::new();
        let settling = rows.iter().zip(accepted).map(async |((row, claim), accepted)| {
            let settled = match (accepted, claim) {
                (true, _) => self.settle(row).await,
                (false, None) => Ok(()),
                (false, Some(claim)) => self.refuse(row, claim, REFUSED).await,
            };
            (row, accepted, self.or_tell(settled).is_some())
        });
        for (row, accepted, settled) in join_all(settling).await {
            carried.sent += u64::from(accepted && settled);
            carried.failed += u64::from(!accepted && row.attempts >= transition::ATTEMPTS_MAX);
            stopped.extend((!accepted || !settled).then(|| row.key.pk.clone()));
        }
        stopped
    }

    async fn settle(&self, row: &OutboxRow) -> Result<(), StoreError> {
        // Refused means that another relay said so first.
        let update = transition::mark_sent(row, self.bell, self.now());
        self.store.update(update).await.map(|_| ())
    }

    async fn refuse(&self, row: &OutboxRow, claim: &str, code: &str) -> Result<(), StoreError> {
        if row.attempts >= transition::ATTEMPTS_MAX {
            return self.give_up(row, claim, code).await.map(|_| ());
        }
        let delay = transition::back_off_delay(row.attempts, self.random());
        let update = transition::back_off(&row.key, claim, delay, &refusal(code), self.now());
        // Refused means that the claim was lost: whoever holds it decides.
        self.store.update(update).await.map(|_| ())
    }

    /// An ordered row fails, and its aggregate waits for an operator; an unordered one is passed over.
    /// True where the rest of the run goes on.
    async fn give_up(&self, row: &OutboxRow, claim: &str, code: &str) -> Result<bool, StoreError> {
        let now = self.now();
        let update = match row.ordered {
            true => transition::fail(&row.key, claim, &row.kind, &refusal(code), now),
            false => transition::skip_exhausted(&row.key, claim, &refusal(code), now),
        };
        let _ = self.store.update(update).await?;
        self.report(row, code);
        Ok(!row.ordered)
    }

    fn report(&self, row: &OutboxRow, code: &str) {
        let line = Line::error("an event could not be published; see docs/runbooks/outbox.md")
            .with("event_id", row.event_id.to_string())
            .with("event_type", row.kind.as_str())
            .with("error_code", code);
        self.log(line);
    }

    fn log(&self, line: Line) {
        self.ports.log.write(&self.ports.config, self.now(), "platform.relay", line);
    }

    fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    fn token(&self) -> String {
        let mut bytes = [0; 12];
        self.ports.entropy.fill(&mut bytes);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn random(&self) -> u64 {
        let mut bytes = [0; 8];
        self.ports.entropy.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

impl Carried {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let oldest = self.oldest.into_iter().chain(other.oldest).min();
        Self { sent: self.sent + other.sent, failed: self.failed + other.failed, oldest }
    }
}

fn refusal(code: &str) -> transition::Refusal {
    let fingerprint = fingerprint(code, "");
    transition::Refusal { code: code.to_owned(), fingerprint }
}
