//! Queue to function: as many invocations at once as allowed, each with what is there now.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::activity::{Activity, InFlight};
use super::payload::{failed_items, sqs_event};
use super::{Invoker, QueueMapping};
use crate::aws::sqs::{Queues, Received};
use crate::clock::VirtualClock;

/// Largest batch without a batching window.
const MAX_BATCH: usize = 10;

/// How long to leave a queue alone whose state file cannot be written.
const REST_MS: i64 = 1_000;

pub(super) struct Dispatcher {
    pub mapping: QueueMapping,
    pub queues: Queues,
    pub clock: VirtualClock,
    pub invoker: Arc<dyn Invoker>,
    pub activity: Arc<Activity>,
    pub enabled: watch::Receiver<bool>,
    pub bell: watch::Receiver<u64>,
}

impl Dispatcher {
    /// Runs until the queue is gone or the task is ended.
    pub async fn run(mut self) {
        let slots = Arc::new(Semaphore::new(self.mapping.maximum_concurrency.max(1)));
        while let Ok(slot) = slots.clone().acquire_owned().await {
            let Some((messages, in_flight)) = self.next_batch().await else { return };
            let handling = handle(
                self.mapping.clone(),
                self.queues.clone(),
                self.invoker.clone(),
                messages,
                (slot, in_flight),
            );
            tokio::spawn(handling);
        }
    }

    /// Waits for messages and receives them; `None` when the queue is gone.
    async fn next_batch(&mut self) -> Option<(Vec<Received>, InFlight)> {
        let limit = self.mapping.batch_size.clamp(1, MAX_BATCH);
        loop {
            self.bell.mark_unchanged();
            let enabled = *self.enabled.borrow_and_update();
            let mut due_ms = None;
            if enabled {
                let in_flight = self.activity.begin();
                match self.queues.receive(&self.mapping.queue, limit, None) {
                    Ok(messages) if !messages.is_empty() => return Some((messages, in_flight)),
                    Ok(_) => due_ms = self.queues.next_due_ms(&self.mapping.queue),
                    Err(_) => due_ms = Some(self.clock.now_ms() + REST_MS),
                }
            }
            self.activity.changed();
            tokio::select! {
                biased;
                rung = self.bell.changed() => rung.ok()?,
                switched = self.enabled.changed() => switched.ok()?,
                () = wait_until(&self.clock, due_ms) => {}
            }
        }
    }
}

async fn wait_until(clock: &VirtualClock, due_ms: Option<i64>) {
    match due_ms {
        Some(due_ms) => clock.sleep_until(due_ms).await,
        None => std::future::pending().await,
    }
}

/// Invokes the function on a batch and deletes what it handled. The rest reappears when its
/// visibility ends, as on AWS.
async fn handle(
    mapping: QueueMapping,
    queues: Queues,
    invoker: Arc<dyn Invoker>,
    messages: Vec<Received>,
    _until_done: (OwnedSemaphorePermit, InFlight),
) {
    let event = sqs_event(&mapping.queue, &messages);
    let Ok(answer) = invoker.invoke(&mapping.function, event).await else { return };
    let ids: Vec<&str> = messages.iter().map(|got| got.message.id.as_str()).collect();
    let failed = match mapping.partial_failures {
        true => failed_items(&answer, &ids),
        false => Vec::new(),
    };
    for (position, got) in messages.iter().enumerate() {
        if !failed.contains(&position) {
            // A message that cannot be deleted comes again; listeners are safe to run twice.
            let _ = queues.delete(&mapping.queue, &got.receipt_handle);
        }
    }
}
