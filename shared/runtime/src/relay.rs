//! The relay: carries committed outbox rows to the topics. One algorithm, three doorbells.
//!
//! Order holds without a lock: whoever publishes row k has published k−1 itself or has read it settled.
//! Racing relays only publish twice, and duplicates die in the FIFO window or in the inbox.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sns::operation::publish::builders::PublishFluentBuilder;
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use kernel::Timestamp;
use store::outbox::{self, Bell, Birth, OutboxRow};
use store::{Consistency, Key, StoreError, transition};

use crate::ctx::{Call, Ctx};
use crate::digest::hex_sha256;
use crate::log::Line;
use crate::ports::Ports;

/// Wall time the inline doorbell may take.
const INLINE_BUDGET: Duration = Duration::from_millis(300);
/// Time an invocation keeps for its answer.
const RESERVE: Duration = Duration::from_secs(1);
/// Rows one `PublishBatch` carries.
const BATCH_MAX: usize = 10;
/// How long a relay waits for another one's claim, once.
const CLAIM_PATIENCE: Duration = Duration::from_millis(500);

/// Publishes what a call has just committed. The result is ignored: the other doorbells follow.
pub(crate) async fn ring_inline(call: &Call, births: Vec<Birth>) {
    let now = call.ports.clock.now();
    let budget = INLINE_BUDGET.min(call.deadline.since(now).saturating_sub(RESERVE));
    if births.is_empty() || budget.is_zero() || call.ports.config.events_topic.is_empty() {
        return;
    }
    let rows: Vec<OutboxRow> = births.iter().map(|birth| OutboxRow::born(birth, now)).collect();
    // The doorbell's requests are the relay's, not the call's: they count on no budget.
    let store = call.store.metered(Arc::default());
    let ring = async {
        let (ordered, alone): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.ordered);
        for batch in alone.chunks(BATCH_MAX) {
            publish_alone(&call.ports, &store, batch).await;
        }
        let mut seen = Vec::new();
        for row in ordered.into_iter().filter(|row| is_first_of_aggregate(&mut seen, row)) {
            let relay = Relay { ports: &call.ports, store: &store, bell: Bell::Inline };
            let _ = relay.carry_aggregate(&row.key, row.sequence).await;
        }
    };
    let _ = tokio::time::timeout(budget, ring).await;
}

fn is_first_of_aggregate(seen: &mut Vec<store::PartitionKey>, row: &OutboxRow) -> bool {
    let first = !seen.contains(&row.key.pk);
    seen.push(row.key.pk.clone());
    first
}

/// Inline, unordered: one batch, each entry on its own; what is refused is left to the other bells.
async fn publish_alone(ports: &Ports, store: &store::Store, rows: &[OutboxRow]) {
    let entries = rows.iter().enumerate().filter_map(|(at, row)| entry(at, row));
    let request = ports.sns.publish_batch().topic_arn(&ports.config.events_topic);
    let request = request.set_publish_batch_request_entries(Some(entries.collect()));
    let Ok(answer) = request.send().await else { return };
    for accepted in answer.successful() {
        let row = accepted.id().and_then(|id| id.parse().ok()).and_then(|at: usize| rows.get(at));
        if let Some(row) = row {
            let update = transition::mark_sent(&row.key, Bell::Inline, ports.clock.now());
            let _ = store.update(update).await;
        }
    }
}

fn entry(at: usize, row: &OutboxRow) -> Option<PublishBatchRequestEntry> {
    PublishBatchRequestEntry::builder()
        .id(at.to_string())
        .message(&row.envelope)
        .message_group_id(row.tenant())
        .set_message_attributes(Some(attributes(row)))
        .build()
        .ok()
}

/// The message attributes, exactly these: what filter policies choose by.
fn attributes(row: &OutboxRow) -> std::collections::HashMap<String, MessageAttributeValue> {
    let kind = match row.major {
        0 | 1 => row.kind.clone(),
        major => format!("{}@{major}", row.kind),
    };
    let ordering = if row.ordered { "aggregate" } else { "none" };
    let mut words = vec![
        ("type", kind),
        ("module", row.module.clone()),
        ("ordering", ordering.to_owned()),
        ("priority", row.priority.clone()),
        ("public", row.public.to_string()),
    ];
    words.extend(row.facet.clone().map(|facet| ("facet", facet)));
    let build = |word: String| {
        MessageAttributeValue::builder().data_type("String").string_value(word).build().ok()
    };
    words.into_iter().filter_map(|(name, word)| Some((name.to_owned(), build(word)?))).collect()
}

/// How a row's publication went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carried {
    /// Published, or settled before: the next row may go.
    Yes,
    /// Not now: the rest of the aggregate waits.
    Stop,
}

/// The relay behind the stream and the sweeper: claims, publishes, settles.
pub struct Relay<'a> {
    ports: &'a Ports,
    store: &'a store::Store,
    bell: Bell,
}

impl<'a> Relay<'a> {
    /// A relay that works for this call.
    pub fn of<Who>(ctx: &'a Ctx<Who>, bell: Bell) -> Self {
        Self { ports: ctx.ports(), store: ctx.store(), bell }
    }

    /// Carries the row with this key, and whatever has to go before it.
    pub async fn carry(&self, key: &Key) -> Result<(), StoreError> {
        let Some(row) = self.read(key).await? else { return Ok(()) };
        if row.ordered {
            return self.carry_aggregate(&row.key, row.sequence).await;
        }
        self.carry_row(row).await.map(|_| ())
    }

    async fn carry_aggregate(&self, key: &Key, sequence: u64) -> Result<(), StoreError> {
        for row in outbox::unsettled_run(self.store, &key.pk, sequence).await? {
            if self.carry_row(row).await? == Carried::Stop {
                break;
            }
        }
        Ok(())
    }

    async fn carry_row(&self, row: OutboxRow) -> Result<Carried, StoreError> {
        let now = self.ports.clock.now();
        match row.status {
            outbox::Status::Sent | outbox::Status::Skipped => return Ok(Carried::Yes),
            outbox::Status::Failed => return Ok(Carried::Stop),
            outbox::Status::Pending | outbox::Status::Processing => {}
        }
        if row.next_attempt_at.is_some_and(|next| next > now) {
            return Ok(Carried::Stop);
        }
        if self.bell == Bell::Inline {
            return self.publish_and_settle(&row).await;
        }
        let Some((row, claim)) = self.claim(row).await? else { return Ok(Carried::Stop) };
        let Some(claim) = claim else { return Ok(Carried::Yes) };
        match self.publish(&row).await {
            Ok(()) => self.settle(&row).await,
            Err(code) => {
                self.refuse(&row, &claim, code).await?;
                Ok(Carried::Stop)
            }
        }
    }

    async fn publish_and_settle(&self, row: &OutboxRow) -> Result<Carried, StoreError> {
        match self.publish(row).await {
            Ok(()) => self.settle(row).await,
            Err(_) => Ok(Carried::Stop),
        }
    }

    /// Claims the row, waiting once for another's claim; `None` where it stays held, and no token where
    /// it was settled meanwhile. The claim counts as an attempt before anything is published.
    async fn claim(
        &self,
        row: OutboxRow,
    ) -> Result<Option<(OutboxRow, Option<String>)>, StoreError> {
        let wait = row.claimed_until.since(self.ports.clock.now());
        let row = match wait {
            Duration::ZERO => row,
            wait if wait <= CLAIM_PATIENCE => {
                tokio::time::sleep(wait).await;
                match self.read(&row.key).await? {
                    Some(row) => row,
                    None => return Ok(None),
                }
            }
            _ => return Ok(None),
        };
        if row.status.is_settled() {
            return Ok(Some((row, None)));
        }
        let token = self.token();
        let update = transition::claim(&row.key, &token, self.ports.clock.now());
        let claimed = self.store.update(update).await?.done();
        Ok(claimed.and_then(|item| item.decode().ok()).map(|row| (row, Some(token))))
    }

    /// Ordered events go to the FIFO topic first, then to the standard topic, where listeners that do
    /// not ask for order hear them. The row is sent when both have accepted it.
    async fn publish(&self, row: &OutboxRow) -> Result<(), &'static str> {
        let refused = "publish_refused";
        let config = &self.ports.config;
        if row.ordered {
            let request = self.message(row, &config.events_fifo_topic);
            let request = request
                .message_group_id(&row.partitionkey)
                .message_deduplication_id(deduplication_id(row));
            request.send().await.map_err(|_| refused)?;
        }
        let request = self.message(row, &config.events_topic).message_group_id(row.tenant());
        request.send().await.map(|_| ()).map_err(|_| refused)
    }

    fn message(&self, row: &OutboxRow, topic: &str) -> PublishFluentBuilder {
        let request = self.ports.sns.publish().topic_arn(topic).message(&row.envelope);
        request.set_message_attributes(Some(attributes(row)))
    }

    async fn settle(&self, row: &OutboxRow) -> Result<Carried, StoreError> {
        let now = self.ports.clock.now();
        // Refused means that another relay said so first.
        let _ = self.store.update(transition::mark_sent(&row.key, self.bell, now)).await?;
        Ok(Carried::Yes)
    }

    async fn refuse(&self, row: &OutboxRow, claim: &str, code: &str) -> Result<(), StoreError> {
        let now = self.ports.clock.now();
        let fingerprint = hex_sha256(&[code.as_bytes()]).chars().take(12).collect();
        let refusal = transition::Refusal { code: code.to_owned(), fingerprint };
        let key = &row.key;
        let exhausted = row.attempts >= transition::ATTEMPTS_MAX;
        let update = match (exhausted, row.ordered) {
            (false, _) => {
                let delay = transition::back_off_delay(row.attempts, self.random());
                transition::back_off(key, claim, delay, &refusal, now)
            }
            (true, true) => transition::fail(key, claim, &row.kind, &refusal, now),
            (true, false) => transition::skip_exhausted(key, claim, &refusal, now),
        };
        // Refused means that the claim was lost: whoever holds it decides.
        let _ = self.store.update(update).await?;
        if exhausted {
            self.report(row, code, now);
        }
        Ok(())
    }

    fn report(&self, row: &OutboxRow, code: &str, now: Timestamp) {
        let line = Line::error("an event could not be published; see docs/runbooks/outbox.md")
            .with("event_id", row.event_id.to_string())
            .with("event_type", row.kind.as_str())
            .with("error_code", code);
        self.ports.log.write(&self.ports.config, now, "platform.relay", line);
    }

    async fn read(&self, key: &Key) -> Result<Option<OutboxRow>, StoreError> {
        self.store.get(key, Consistency::Strong).await
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

/// A replay needs another id than the first publication, or the five-minute window swallows it.
fn deduplication_id(row: &OutboxRow) -> String {
    match row.replay_no {
        0 => row.event_id.to_string(),
        replay => format!("{}:{replay}", row.event_id),
    }
}
