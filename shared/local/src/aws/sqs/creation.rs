//! Making, changing and deleting queues (SQS API reference, CreateQueue, SetQueueAttributes).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::attributes::{Attributes, is_queue_name};
use super::queue::{DEDUPLICATED, MESSAGE, QUEUE, Queue};
use super::{Queues, SqsError, State};
use crate::state::Change;

/// A queue as the state file has it.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredQueue {
    pub attributes: BTreeMap<String, String>,
    pub created_at_ms: i64,
    pub modified_at_ms: i64,
}

impl Queues {
    /// Makes the queue or gives a stored one exactly these attributes. For the boot.
    pub fn ensure(
        &self,
        name: &str,
        attributes: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Result<(), SqsError> {
        let given = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let mut state = self.state();
        self.write_attributes(&mut state, name, given)
    }

    /// Makes the queue; one with the same attributes is left as it is.
    pub(super) fn create(
        &self,
        name: &str,
        given: BTreeMap<String, String>,
    ) -> Result<(), SqsError> {
        let mut state = self.state();
        if let Some(queue) = state.queues.get(name) {
            for (attribute, value) in &given {
                if queue.attributes.value(attribute).as_ref() != Some(value) {
                    return Err(SqsError::OtherAttributes(attribute.clone()));
                }
            }
            return Ok(());
        }
        self.write_attributes(&mut state, name, given)
    }

    /// Changes some attributes of a queue; an empty `RedrivePolicy` or `Policy` removes it.
    pub(super) fn set_attributes(
        &self,
        name: &str,
        changed: BTreeMap<String, String>,
    ) -> Result<(), SqsError> {
        let mut state = self.state();
        let queue = state.queues.get(name).ok_or(SqsError::NoSuchQueue)?;
        if changed.get("FifoQueue").is_some_and(|value| (value == "true") != queue.attributes.fifo)
        {
            return Err(SqsError::BadAttribute("FifoQueue".to_owned()));
        }
        let mut given = queue.attributes.given.clone();
        given.extend(changed);
        given.retain(|_, value| !value.is_empty());
        self.write_attributes(&mut state, name, given)
    }

    fn write_attributes(
        &self,
        state: &mut State,
        name: &str,
        given: BTreeMap<String, String>,
    ) -> Result<(), SqsError> {
        if !is_queue_name(name) {
            let reason = "Can only include alphanumeric characters, hyphens, or underscores. 1 to \
                          80 in length";
            return Err(SqsError::Invalid(reason.to_owned()));
        }
        let attributes = Attributes::parse(name, given)?;
        if let Some(redrive) = &attributes.redrive {
            let takes = |target: &Queue| {
                let target = &target.attributes;
                target.fifo == attributes.fifo && target.allowed_sources.allow(name)
            };
            if !state.queues.get(&redrive.target).is_some_and(takes) {
                let reason = format!(
                    "Value for parameter RedrivePolicy is invalid. Reason: Dead letter target {} \
                     does not exist, is not of the same kind, or does not allow this source.",
                    redrive.target
                );
                return Err(SqsError::Invalid(reason));
            }
        }
        let now_ms = self.inner.clock.now_ms();
        let created_at_ms = state.queues.get(name).map_or(now_ms, |queue| queue.created_at_ms);
        let stored = StoredQueue {
            attributes: attributes.given.clone(),
            created_at_ms,
            modified_at_ms: now_ms,
        };
        self.inner.store.apply(&[Change::put(QUEUE, "", name, &stored)])?;
        match state.queues.get_mut(name) {
            Some(queue) => {
                queue.attributes = attributes;
                queue.modified_at_ms = now_ms;
                queue.ring();
            }
            None => {
                let queue = Queue::new(name, attributes, now_ms);
                state.queues.insert(name.to_owned(), queue);
            }
        }
        Ok(())
    }

    pub(super) fn delete_queue(&self, name: &str) -> Result<(), SqsError> {
        let mut state = self.state();
        state.queues.get(name).ok_or(SqsError::NoSuchQueue)?;
        self.inner.store.apply(&[
            Change::clear(MESSAGE, name),
            Change::clear(DEDUPLICATED, name),
            Change::delete(QUEUE, "", name),
        ])?;
        if let Some(queue) = state.queues.remove(name) {
            queue.ring();
        }
        Ok(())
    }

    /// Every settable attribute with its value, and when the queue was made and changed.
    pub(super) fn attributes_of(&self, name: &str) -> Result<BTreeMap<String, String>, SqsError> {
        let state = self.state();
        let queue = state.queues.get(name).ok_or(SqsError::NoSuchQueue)?;
        let mut all = queue.attributes.all();
        let seconds = |ms: i64| (ms / 1000).to_string();
        all.insert("CreatedTimestamp".to_owned(), seconds(queue.created_at_ms));
        all.insert("LastModifiedTimestamp".to_owned(), seconds(queue.modified_at_ms));
        Ok(all)
    }

    /// Refuses a queue that does not exist.
    pub(super) fn must_exist(&self, name: &str) -> Result<(), SqsError> {
        match self.state().queues.contains_key(name) {
            true => Ok(()),
            false => Err(SqsError::NoSuchQueue),
        }
    }
}
