//! SQS: standard and FIFO queues in memory, written through to the state file before every answer,
//! spoken to in AWS JSON 1.0. Waiting consumers are woken; nothing polls.

mod attributes;
mod batch;
mod creation;
mod error;
mod message;
mod order;
mod queue;
mod redrive;
mod send;
mod shapes;
mod wire;

#[cfg(test)]
mod tests;

pub use error::SqsError;
pub(crate) use error::error_answer;
pub use message::{Message, MessageAttribute, MessageAttributes, NewMessage, Received};
pub(crate) use message::{md5_of_attributes, md5_of_body, size_bytes};
pub use queue::Depth;
pub(crate) use send::{check_attribute, is_id};
pub(crate) use shapes::queue_of;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest;
use tokio::sync::watch;

use crate::aws::{ACCOUNT, REGION};
use crate::clock::VirtualClock;
use crate::fault::SplitMix;
use crate::state::{Change, Store, StoreError};
use attributes::Attributes;
use creation::StoredQueue;
use message::Place;
use queue::{DEDUPLICATED, Deduplicated, MESSAGE, QUEUE, Queue};
use redrive::MoveTask;

/// The queues of one cloud. Clones share state.
#[derive(Clone)]
pub struct Queues {
    inner: Arc<Inner>,
}

struct Inner {
    clock: VirtualClock,
    store: Store,
    state: Mutex<State>,
}

struct State {
    queues: BTreeMap<String, Queue>,
    moves: Vec<MoveTask>,
    last_sequence: u64,
}

/// What a sender gets back.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Message id; of the first message when this one was a duplicate.
    pub id: String,
    /// Sequence number, on FIFO queues.
    pub sequence_number: Option<String>,
}

/// The ARN of a queue of this cloud.
pub fn queue_arn(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
}

/// The queue's name in a name, a URL or an ARN.
pub(crate) fn queue_name(reference: &str) -> &str {
    reference.rsplit(['/', ':']).next().unwrap_or(reference)
}

impl Queues {
    pub(crate) fn open(store: &Store, clock: &VirtualClock) -> Result<Self, StoreError> {
        let mut state = State { queues: BTreeMap::new(), moves: Vec::new(), last_sequence: 0 };
        for (_, name, stored) in store.load::<StoredQueue>(QUEUE)? {
            // Only what `parse` accepted was stored.
            let Ok(attributes) = Attributes::parse(&name, stored.attributes) else { continue };
            let mut queue = Queue::new(&name, attributes, stored.created_at_ms);
            queue.modified_at_ms = stored.modified_at_ms;
            state.queues.insert(name, queue);
        }
        for (name, _, mut message) in store.load::<Message>(MESSAGE)? {
            state.last_sequence = state.last_sequence.max(message.sequence);
            if message.place == Place::InFlight {
                // Whoever received it ended with the cloud: it need not stay hidden.
                message.hidden_until_ms = message.hidden_until_ms.min(clock.now_ms());
            }
            if let Some(queue) = state.queues.get_mut(&name) {
                queue.insert(message);
            }
        }
        for (name, key, sent) in store.load::<Deduplicated>(DEDUPLICATED)? {
            state.last_sequence = state.last_sequence.max(sent.sequence);
            if let Some(queue) = state.queues.get_mut(&name) {
                queue.remember(key, sent);
            }
        }
        let inner = Inner { clock: clock.clone(), store: store.clone(), state: Mutex::new(state) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Names of all queues, sorted.
    pub fn names(&self) -> Vec<String> {
        self.state().queues.keys().cloned().collect()
    }

    /// Whether the queue exists, and whether it is FIFO.
    pub fn is_fifo(&self, name: &str) -> Option<bool> {
        self.state().queues.get(name).map(|queue| queue.attributes.fifo)
    }

    /// Sends one message. It is in the state file when this returns.
    pub fn send(&self, name: &str, message: NewMessage) -> Result<Sent, SqsError> {
        let mut state = self.state();
        let State { queues, last_sequence, .. } = &mut *state;
        let queue = queues.get_mut(name).ok_or(SqsError::NoSuchQueue)?;
        send::check(&message, &queue.attributes)?;
        let now_ms = self.inner.clock.now_ms();
        let mut changes = queue.settle(now_ms);
        let deduplication = queue.attributes.fifo.then(|| deduplication_id(&message));
        let key = deduplication.as_ref().map(|id| match &message.group {
            Some(group) if queue.attributes.deduplicates_per_group => format!("{group}\n{id}"),
            _ => id.clone(),
        });
        if let Some(first) = key.as_ref().and_then(|key| queue.sent_before(key)) {
            let sequence_number = Some(format!("{:020}", first.sequence));
            return Ok(Sent { id: first.id.clone(), sequence_number });
        }
        let id = message_id(next_sequence(last_sequence, now_ms));
        let copies = if queue.attributes.fifo { 1 } else { message.copies.max(1) };
        let delay_ms = message.delay_s.map_or(queue.attributes.delay_ms, |delay_s| delay_s * 1000);
        let first = Message {
            sequence: *last_sequence,
            id: id.clone(),
            body: message.body,
            attributes: message.attributes,
            sent_at_ms: now_ms,
            group: message.group,
            deduplication,
            trace: message.trace,
            receives: 0,
            first_received_at_ms: None,
            received_at_ms: 0,
            hidden_until_ms: now_ms.saturating_add(delay_ms),
            place: if delay_ms > 0 { Place::Delayed } else { Place::Waiting },
            dead_letter_source: None,
        };
        let mut added = vec![first];
        for _ in 1..copies {
            let sequence = next_sequence(last_sequence, now_ms);
            let copy = added.first().map(|first| Message { sequence, ..first.clone() });
            added.extend(copy);
        }
        changes.extend(added.iter().filter_map(|message| self.row(name, message)));
        let sent = Deduplicated {
            until_ms: Queue::deduplicate_until_ms(now_ms),
            id: id.clone(),
            sequence: *last_sequence,
        };
        changes.extend(key.as_ref().map(|key| Change::put(DEDUPLICATED, name, key, &sent)));
        self.write(&changes)?;
        let sequence_number = queue.attributes.fifo.then(|| format!("{last_sequence:020}"));
        for message in added {
            queue.insert(message);
        }
        if let Some(key) = key {
            queue.remember(key, sent);
        }
        queue.ring();
        Ok(Sent { id, sequence_number })
    }

    /// Receives up to `limit` messages that are visible now, hiding them for `visibility_s` or the
    /// queue's own timeout. Messages received too often go to the dead-letter queue instead.
    pub fn receive(
        &self,
        name: &str,
        limit: usize,
        visibility_s: Option<i64>,
    ) -> Result<Vec<Received>, SqsError> {
        let mut state = self.state();
        let State { queues, last_sequence, .. } = &mut *state;
        let now_ms = self.inner.clock.now_ms();
        let target = queues.get(name).and_then(|queue| queue.attributes.redrive.clone());
        let target = target.map(|redrive| redrive.target).filter(|t| queues.contains_key(t));
        let queue = queues.get_mut(name).ok_or(SqsError::NoSuchQueue)?;
        let mut changes = queue.settle(now_ms);
        let visibility_ms =
            visibility_s.map_or(queue.attributes.visibility_ms, |visibility_s| visibility_s * 1000);
        let (received, dead) = queue.receive(now_ms, limit, visibility_ms, target.is_some())?;
        for got in &received {
            changes.extend(self.row(name, &got.message));
        }
        let mut moved = Vec::new();
        for mut message in dead {
            changes.push(Change::delete(MESSAGE, name, &message.key()));
            message.dead_letter_source = Some(name.to_owned());
            renew(&mut message, next_sequence(last_sequence, now_ms));
            moved.push(message);
        }
        if let Some(target) = target.as_ref().and_then(|target| queues.get_mut(target)) {
            for mut message in moved {
                if target.attributes.fifo {
                    // FIFO queues restart the clock of a moved message (Developer Guide, "Using
                    // dead-letter queues": message retention).
                    message.sent_at_ms = now_ms;
                }
                changes.extend(self.row(&target.name, &message));
                target.insert(message);
                target.ring();
            }
        }
        self.write(&changes)?;
        Ok(received)
    }

    /// Deletes a received message; deleting it again is harmless.
    pub fn delete(&self, name: &str, receipt_handle: &str) -> Result<(), SqsError> {
        let mut state = self.state();
        let queue = state.queues.get_mut(name).ok_or(SqsError::NoSuchQueue)?;
        let mut changes = queue.settle(self.inner.clock.now_ms());
        if let Some(sequence) = queue.deletable(receipt_handle)? {
            changes.push(Change::delete(MESSAGE, name, &Queue::key_of(sequence)));
            self.write(&changes)?;
            queue.delete(sequence);
            queue.ring();
        }
        Ok(())
    }

    /// Hides a received message for `visibility_s` (0–43,200) from now; 0 shows it at once.
    pub fn change_visibility(
        &self,
        name: &str,
        receipt_handle: &str,
        visibility_s: i64,
    ) -> Result<(), SqsError> {
        let mut state = self.state();
        let queue = state.queues.get_mut(name).ok_or(SqsError::NoSuchQueue)?;
        let now_ms = self.inner.clock.now_ms();
        let mut changes = queue.settle(now_ms);
        let message = queue.change_visibility(receipt_handle, visibility_s, now_ms)?;
        changes.extend(self.row(name, &message));
        self.write(&changes)?;
        changes.clear();
        queue.settle(now_ms);
        queue.ring();
        Ok(())
    }

    /// Takes the receive of a message back as if it had not happened, and shows the message only in
    /// `by_ms`, behind what is there and what comes meanwhile. For injected faults; refuses FIFO
    /// queues, which keep their order, and handles that are not in flight.
    pub(crate) fn postpone(
        &self,
        name: &str,
        receipt_handle: &str,
        by_ms: i64,
    ) -> Result<(), SqsError> {
        let mut state = self.state();
        let queue = state.queues.get_mut(name).ok_or(SqsError::NoSuchQueue)?;
        let now_ms = self.inner.clock.now_ms();
        let mut changes = queue.settle(now_ms);
        let message = queue.take_back(receipt_handle, now_ms.saturating_add(by_ms))?;
        changes.extend(self.row(name, &message));
        self.write(&changes)?;
        queue.ring();
        Ok(())
    }

    /// Deletes every message; once a minute.
    pub fn purge(&self, name: &str) -> Result<(), SqsError> {
        let mut state = self.state();
        let queue = state.queues.get_mut(name).ok_or(SqsError::NoSuchQueue)?;
        let now_ms = self.inner.clock.now_ms();
        if queue.purged_at_ms.is_some_and(|purged_at_ms| now_ms - purged_at_ms < 60_000) {
            return Err(SqsError::PurgeInProgress);
        }
        self.write(&[Change::clear(MESSAGE, name)])?;
        queue.clear();
        queue.purged_at_ms = Some(now_ms);
        queue.ring();
        Ok(())
    }

    /// The queue's messages as they stand, oldest first, at most `limit`; receives nothing.
    pub fn peek(&self, name: &str, limit: usize) -> Result<Vec<Message>, SqsError> {
        let mut state = self.state();
        let queue = state.queues.get_mut(name).ok_or(SqsError::NoSuchQueue)?;
        queue.settle(self.inner.clock.now_ms());
        Ok(queue.messages().take(limit).cloned().collect())
    }

    /// How many messages the queue holds.
    pub fn depth(&self, name: &str) -> Result<Depth, SqsError> {
        let mut state = self.state();
        let queue = state.queues.get_mut(name).ok_or(SqsError::NoSuchQueue)?;
        queue.settle(self.inner.clock.now_ms());
        Ok(queue.depth())
    }

    /// Rings whenever a message may have become receivable, or due at another time.
    pub fn bell(&self, name: &str) -> Option<watch::Receiver<u64>> {
        self.state().queues.get(name).map(|queue| queue.bell.subscribe())
    }

    /// Whether a receive would find a message now.
    pub(crate) fn has_receivable(&self, name: &str) -> bool {
        let mut state = self.state();
        let Some(queue) = state.queues.get_mut(name) else { return false };
        queue.settle(self.inner.clock.now_ms());
        queue.has_receivable()
    }

    /// When the next hidden message becomes visible, Unix milliseconds.
    pub fn next_due_ms(&self, name: &str) -> Option<i64> {
        self.state().queues.get(name).and_then(Queue::next_due_ms)
    }

    /// The row of a message, where it is kept beyond this process.
    fn row(&self, queue: &str, message: &Message) -> Option<Change> {
        let kept = self.inner.store.is_kept();
        kept.then(|| Change::put(MESSAGE, queue, &message.key(), message))
    }

    /// Writes rows of messages down, where they are kept beyond this process.
    fn write(&self, changes: &[Change]) -> Result<(), StoreError> {
        match self.inner.store.is_kept() {
            true => self.inner.store.apply(changes),
            false => Ok(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sequences increase for ever: with time, and by one within a microsecond.
fn next_sequence(last: &mut u64, now_ms: i64) -> u64 {
    let floor = u64::try_from(now_ms).unwrap_or(0).saturating_mul(1_000);
    *last = floor.max(last.saturating_add(1));
    *last
}

/// A UUID (version 4 in form) that is unique because the sequence is.
fn message_id(sequence: u64) -> String {
    uuid(&mut SplitMix::new(sequence))
}

pub(crate) fn uuid(random: &mut SplitMix) -> String {
    let (high, low) = (random.next(), random.next());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xFFFF,
        high & 0x0FFF,
        ((low >> 48) & 0x3FFF) | 0x8000,
        low & 0xFFFF_FFFF_FFFF
    )
}

/// A moved message starts anew at its new queue.
fn renew(message: &mut Message, sequence: u64) {
    message.sequence = sequence;
    message.receives = 0;
    message.first_received_at_ms = None;
    message.received_at_ms = 0;
    message.hidden_until_ms = 0;
    message.place = Place::Waiting;
}

/// The given deduplication id, or the SHA-256 of the body.
fn deduplication_id(message: &NewMessage) -> String {
    message.deduplication.clone().unwrap_or_else(|| {
        let hash = digest::digest(&digest::SHA256, message.body.as_bytes());
        hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    })
}
