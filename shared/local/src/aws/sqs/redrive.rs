//! Moving dead letters back (SQS API reference, StartMessageMoveTask). Tasks are done at once.

use super::message::Message;
use super::queue::MESSAGE;
use super::{Queues, SqsError, State, message_id, next_sequence, queue_name, renew};
use crate::state::Change;

/// A finished move.
#[derive(Clone, Debug)]
pub(super) struct MoveTask {
    pub source: String,
    pub destination: Option<String>,
    pub moved: usize,
    pub started_at_ms: i64,
}

impl Queues {
    /// Moves every message of a dead-letter queue to `destination`, or back to the queues they came
    /// from. Moved messages are new: new id, new time. Returns how many. Refuses a source that is
    /// no queue's dead-letter queue and a destination of another kind; messages whose origin is
    /// unknown or gone stay.
    pub fn redrive(&self, source: &str, destination: Option<&str>) -> Result<usize, SqsError> {
        let mut state = self.state();
        let state = &mut *state;
        if !state.is_dead_letter_queue(source) {
            return Err(SqsError::NoSuchResource);
        }
        if let Some(destination) = destination {
            let kind = |name: &str| state.queues.get(name).map(|queue| queue.attributes.fifo);
            match (kind(source), kind(destination)) {
                (_, None) => return Err(SqsError::NoSuchResource),
                (from, to) if from != to => return Err(SqsError::OtherKind),
                _ => {}
            }
        }
        let now_ms = self.inner.clock.now_ms();
        let queue = state.queues.get_mut(source).ok_or(SqsError::NoSuchResource)?;
        let mut changes = queue.settle(now_ms);
        let found: Vec<Message> = queue.messages().cloned().collect();
        let mut moved = Vec::new();
        for mut message in found {
            let origin = message.dead_letter_source.clone();
            let target = destination.map(str::to_owned).or(origin);
            let Some(target) = target.filter(|name| state.queues.contains_key(name)) else {
                continue;
            };
            let old_sequence = message.sequence;
            changes.push(Change::delete(MESSAGE, source, &message.key()));
            renew(&mut message, next_sequence(&mut state.last_sequence, now_ms));
            message.id = message_id(message.sequence);
            message.sent_at_ms = now_ms;
            message.dead_letter_source = None;
            changes.extend(self.row(&target, &message));
            moved.push((old_sequence, target, message));
        }
        self.write(&changes)?;
        let count = moved.len();
        for (old_sequence, target, message) in moved {
            if let Some(queue) = state.queues.get_mut(source) {
                queue.delete(old_sequence);
                queue.ring();
            }
            if let Some(queue) = state.queues.get_mut(&target) {
                queue.insert(message);
                queue.ring();
            }
        }
        state.moves.push(MoveTask {
            source: source.to_owned(),
            destination: destination.map(str::to_owned),
            moved: count,
            started_at_ms: now_ms,
        });
        Ok(count)
    }

    /// The moves from `source`, newest first.
    pub(super) fn moves(&self, source: &str) -> Vec<MoveTask> {
        let state = self.state();
        state.moves.iter().rev().filter(|task| task.source == source).cloned().collect()
    }

    /// Queues whose dead letters go to `target`.
    pub fn sources_of(&self, target: &str) -> Vec<String> {
        let state = self.state();
        state.sources_of(queue_name(target)).map(str::to_owned).collect()
    }
}

impl State {
    fn sources_of<'a>(&'a self, target: &'a str) -> impl Iterator<Item = &'a str> {
        self.queues
            .values()
            .filter(move |queue| {
                queue.attributes.redrive.as_ref().is_some_and(|redrive| redrive.target == target)
            })
            .map(|queue| queue.name.as_str())
    }

    fn is_dead_letter_queue(&self, name: &str) -> bool {
        self.sources_of(name).next().is_some()
    }
}
