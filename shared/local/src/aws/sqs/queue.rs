//! One queue in memory: its messages, what is hidden until when, what was sent before.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::SqsError;
use super::attributes::{Attributes, MAX_VISIBILITY_S};
use super::message::{Message, Place, Received, read_handle, receipt_handle};
use super::order::Order;
use crate::state::Change;

/// Row kinds of the state file.
pub(super) const QUEUE: &str = "sqs.queue";
pub(super) const MESSAGE: &str = "sqs.message";
pub(super) const DEDUPLICATED: &str = "sqs.deduplicated";

/// How long a FIFO queue remembers a deduplication id (Developer Guide, "Exactly-once processing").
const DEDUPLICATION_MS: i64 = 5 * 60 * 1000;

/// In-flight messages per queue (Developer Guide, "Amazon SQS message quotas").
const MAX_IN_FLIGHT: usize = 120_000;

/// What was sent under a deduplication id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Deduplicated {
    pub until_ms: i64,
    pub id: String,
    pub sequence: u64,
}

/// How many messages a queue holds, by where they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Visible, also those a FIFO group holds back.
    pub waiting: usize,
    /// Received and not yet deleted or visible again.
    pub in_flight: usize,
    /// Not visible yet.
    pub delayed: usize,
}

pub(super) struct Queue {
    pub name: String,
    pub attributes: Attributes,
    pub created_at_ms: i64,
    pub modified_at_ms: i64,
    pub purged_at_ms: Option<i64>,
    pub bell: watch::Sender<u64>,
    messages: BTreeMap<u64, Message>,
    order: Order,
    /// Delayed and in-flight messages by the time they become visible.
    hidden: BTreeSet<(i64, u64)>,
    /// All messages by the time they were sent.
    ages: BTreeSet<(i64, u64)>,
    in_flight: usize,
    deduplicated: BTreeMap<String, Deduplicated>,
    forgetting: BTreeSet<(i64, String)>,
}

impl Queue {
    pub fn new(name: &str, attributes: Attributes, now_ms: i64) -> Self {
        Self {
            name: name.to_owned(),
            order: Order::new(attributes.fifo),
            attributes,
            created_at_ms: now_ms,
            modified_at_ms: now_ms,
            purged_at_ms: None,
            bell: watch::channel(0).0,
            messages: BTreeMap::new(),
            hidden: BTreeSet::new(),
            ages: BTreeSet::new(),
            in_flight: 0,
            deduplicated: BTreeMap::new(),
            forgetting: BTreeSet::new(),
        }
    }

    /// Tells waiting consumers that something changed.
    pub fn ring(&self) {
        self.bell.send_modify(|rings| *rings = rings.wrapping_add(1));
    }

    /// Adds a stored message.
    pub fn insert(&mut self, message: Message) {
        let group = message.group.clone().unwrap_or_default();
        match message.place {
            Place::Waiting => self.order.arrive(message.sequence, &group),
            Place::Delayed => {
                self.hidden.insert((message.hidden_until_ms, message.sequence));
            }
            Place::InFlight => {
                self.order.take(message.sequence, &group);
                self.in_flight += 1;
                self.hidden.insert((message.hidden_until_ms, message.sequence));
            }
        }
        self.ages.insert((message.sent_at_ms, message.sequence));
        self.messages.insert(message.sequence, message);
    }

    /// Takes a message out.
    fn remove(&mut self, sequence: u64) -> Option<Message> {
        let message = self.messages.remove(&sequence)?;
        let group = message.group.clone().unwrap_or_default();
        let was_in_flight = message.place == Place::InFlight;
        self.order.forget(sequence, &group, was_in_flight);
        self.in_flight -= usize::from(was_in_flight);
        self.hidden.remove(&(message.hidden_until_ms, sequence));
        self.ages.remove(&(message.sent_at_ms, sequence));
        Some(message)
    }

    /// Brings the queue to `now_ms`: hidden messages reappear, old ones and old deduplication ids
    /// go. Returns what must be written down; losing that is harmless.
    pub fn settle(&mut self, now_ms: i64) -> Vec<Change> {
        let mut changes = Vec::new();
        while let Some((until_ms, sequence)) = self.hidden.first().copied() {
            if until_ms > now_ms {
                break;
            }
            self.hidden.pop_first();
            let Some(message) = self.messages.get_mut(&sequence) else { continue };
            let group = message.group.clone().unwrap_or_default();
            match message.place {
                Place::InFlight => {
                    self.order.give_back(sequence, &group);
                    self.in_flight -= 1;
                }
                Place::Delayed | Place::Waiting => self.order.arrive(sequence, &group),
            }
            message.place = Place::Waiting;
        }
        let oldest_ms = now_ms.saturating_sub(self.attributes.retention_ms);
        while let Some((_, sequence)) = self.ages.first().filter(|age| age.0 <= oldest_ms).copied()
        {
            if let Some(message) = self.remove(sequence) {
                changes.push(Change::delete(MESSAGE, &self.name, &message.key()));
            }
        }
        while self.forgetting.first().is_some_and(|(until_ms, _)| *until_ms <= now_ms) {
            if let Some((_, key)) = self.forgetting.pop_first() {
                self.deduplicated.remove(&key);
                changes.push(Change::delete(DEDUPLICATED, &self.name, &key));
            }
        }
        changes
    }

    /// What was sent under this deduplication id within the window.
    pub fn sent_before(&self, key: &str) -> Option<&Deduplicated> {
        self.deduplicated.get(key)
    }

    pub fn remember(&mut self, key: String, sent: Deduplicated) {
        self.forgetting.insert((sent.until_ms, key.clone()));
        self.deduplicated.insert(key, sent);
    }

    /// How long from `now_ms` a deduplication id is remembered.
    pub fn deduplicate_until_ms(now_ms: i64) -> i64 {
        now_ms.saturating_add(DEDUPLICATION_MS)
    }

    /// Receives up to `limit` messages; those received too often come out as dead letters instead,
    /// when there is a place for them. Refuses when too many are in flight.
    pub fn receive(
        &mut self,
        now_ms: i64,
        limit: usize,
        visibility_ms: i64,
        dead_letters: bool,
    ) -> Result<(Vec<Received>, Vec<Message>), SqsError> {
        if self.in_flight >= MAX_IN_FLIGHT {
            return Err(SqsError::OverLimit);
        }
        let most = self.attributes.redrive.as_ref().filter(|_| dead_letters);
        let most = most.map(|redrive| redrive.max_receives);
        let (mut received, mut dead) = (Vec::new(), Vec::new());
        while received.len() < limit {
            let next = self.order.next(limit - received.len());
            if next.is_empty() {
                break;
            }
            for sequence in next {
                let receives = self.messages.get(&sequence).map_or(0, |message| message.receives);
                if most.is_some_and(|most| receives >= most) {
                    dead.extend(self.remove(sequence));
                } else if let Some(message) = self.hand_out(sequence, now_ms, visibility_ms) {
                    let receipt_handle = receipt_handle(&self.name, &message);
                    received.push(Received { message, receipt_handle });
                }
            }
        }
        Ok((received, dead))
    }

    fn hand_out(&mut self, sequence: u64, now_ms: i64, visibility_ms: i64) -> Option<Message> {
        let message = self.messages.get_mut(&sequence)?;
        message.receives += 1;
        message.first_received_at_ms.get_or_insert(now_ms);
        message.received_at_ms = now_ms;
        message.hidden_until_ms = now_ms.saturating_add(visibility_ms);
        message.place = Place::InFlight;
        self.order.take(sequence, message.group.as_deref().unwrap_or_default());
        self.in_flight += 1;
        self.hidden.insert((message.hidden_until_ms, sequence));
        Some(message.clone())
    }

    /// What deleting by this handle removes: `None` when it is gone already, or the handle is not
    /// the most recent one (API reference, DeleteMessage). Refuses an expired handle on FIFO
    /// queues.
    pub fn deletable(&self, handle: &str) -> Result<Option<u64>, SqsError> {
        let (sequence, receipt) = read_handle(&self.name, handle)?;
        let Some(message) = self.messages.get(&sequence) else { return Ok(None) };
        if self.attributes.fifo && (message.receives != receipt || message.place != Place::InFlight)
        {
            let reason = format!(
                "Value {handle} for parameter ReceiptHandle is invalid. \
                 Reason: The receipt handle has expired."
            );
            return Err(SqsError::Invalid(reason));
        }
        Ok((message.receives == receipt).then_some(sequence))
    }

    pub fn delete(&mut self, sequence: u64) {
        self.remove(sequence);
    }

    /// The row of a message.
    pub fn key_of(sequence: u64) -> String {
        format!("{sequence:020}")
    }

    /// Hides an in-flight message for `visibility_s` from now, or shows it at once with 0. Returns
    /// the changed message.
    pub fn change_visibility(
        &mut self,
        handle: &str,
        visibility_s: i64,
        now_ms: i64,
    ) -> Result<Message, SqsError> {
        let (sequence, receipt) = read_handle(&self.name, handle)?;
        let Some(message) = self.messages.get_mut(&sequence) else {
            let reason = format!(
                "Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not \
                 exist or is not available for visibility timeout change."
            );
            return Err(SqsError::Invalid(reason));
        };
        if message.place != Place::InFlight || message.receives != receipt {
            return Err(SqsError::NotInFlight);
        }
        let until_ms = now_ms.saturating_add(visibility_s.saturating_mul(1000));
        let latest_ms = message.received_at_ms.saturating_add(MAX_VISIBILITY_S * 1000);
        if visibility_s < 0 || until_ms > latest_ms {
            let reason = format!(
                "Value {visibility_s} for parameter VisibilityTimeout is invalid. Reason: Total \
                 VisibilityTimeout for the message is beyond the limit [{MAX_VISIBILITY_S} seconds]."
            );
            return Err(SqsError::Invalid(reason));
        }
        self.hidden.remove(&(message.hidden_until_ms, sequence));
        message.hidden_until_ms = until_ms;
        self.hidden.insert((until_ms, sequence));
        Ok(message.clone())
    }

    /// Makes a receive undone: the message is as it was before, and delayed until `until_ms`.
    /// Returns it changed.
    pub fn take_back(&mut self, handle: &str, until_ms: i64) -> Result<Message, SqsError> {
        let (sequence, receipt) = read_handle(&self.name, handle)?;
        let message = self.messages.get_mut(&sequence).filter(|_| !self.attributes.fifo);
        let message = message.ok_or(SqsError::NotInFlight)?;
        if message.place != Place::InFlight || message.receives != receipt {
            return Err(SqsError::NotInFlight);
        }
        self.hidden.remove(&(message.hidden_until_ms, sequence));
        self.in_flight -= 1;
        message.receives -= 1;
        message.first_received_at_ms = message.first_received_at_ms.filter(|_| receipt > 1);
        message.place = Place::Delayed;
        message.hidden_until_ms = until_ms;
        self.hidden.insert((until_ms, sequence));
        Ok(message.clone())
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        self.messages.clear();
        self.hidden.clear();
        self.ages.clear();
        self.in_flight = 0;
        self.order = Order::new(self.attributes.fifo);
    }

    pub fn depth(&self) -> Depth {
        let delayed = self.hidden.len().saturating_sub(self.in_flight);
        let waiting = self.messages.len().saturating_sub(self.hidden.len());
        Depth { waiting, in_flight: self.in_flight, delayed }
    }

    /// When the next hidden message becomes visible.
    pub fn next_due_ms(&self) -> Option<i64> {
        self.hidden.first().map(|(until_ms, _)| *until_ms)
    }

    /// Whether a receive would find something now.
    pub fn has_receivable(&self) -> bool {
        !self.order.is_empty()
    }

    /// Messages in order of arrival.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.messages.values()
    }
}
