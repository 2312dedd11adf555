//! Queue to function: as many invocations at once as allowed, each with what is there now.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::activity::{Activity, InFlight};
use super::payload::{failed_items, sqs_event};
use super::{InvokeError, Invoker, QueueMapping};
use crate::aws::sqs::{Queues, Received};
use crate::clock::VirtualClock;
use crate::fault::{DeliveryFault, Faults};

/// How much later a message comes that is received behind its successors.
const BEHIND_MS: i64 = 1_000;

/// How long to leave a queue alone whose state file cannot be written.
const REST_MS: i64 = 1_000;

pub(super) struct Dispatcher {
    pub mapping: QueueMapping,
    pub queues: Queues,
    pub clock: VirtualClock,
    pub faults: Faults,
    pub invoker: Arc<dyn Invoker>,
    pub activity: Arc<Activity>,
    pub enabled: watch::Receiver<bool>,
    pub bell: watch::Receiver<u64>,
}

impl Dispatcher {
    /// Runs until the queue is gone or the task is ended.
    pub async fn run(mut self) {
        let slots = Arc::new(Semaphore::new(self.mapping.maximum_concurrency));
        while let Ok(slot) = slots.clone().acquire_owned().await {
            let Some((messages, in_flight)) = self.next_batch().await else { return };
            let batch = Batch {
                mapping: self.mapping.clone(),
                queues: self.queues.clone(),
                invoker: self.invoker.clone(),
                fault: self.faults.next_delivery(&self.mapping.function),
                messages,
                _until_done: (slot, in_flight),
            };
            tokio::spawn(batch.handle());
        }
    }

    /// Waits for messages and receives them; `None` when the queue is gone.
    async fn next_batch(&mut self) -> Option<(Vec<Received>, InFlight)> {
        let limit = self.mapping.batch_size;
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

/// Received messages on their way through the function.
struct Batch {
    mapping: QueueMapping,
    queues: Queues,
    invoker: Arc<dyn Invoker>,
    fault: Option<DeliveryFault>,
    messages: Vec<Received>,
    _until_done: (OwnedSemaphorePermit, InFlight),
}

impl Batch {
    /// Invokes the function and deletes what it handled. The rest reappears when its visibility
    /// ends, as on AWS.
    async fn handle(mut self) {
        match self.fault {
            Some(DeliveryFault::Lost) => return,
            Some(DeliveryFault::Late(delay_ms)) => {
                tokio::time::sleep(Duration::from_millis(delay_ms)).await;
            }
            Some(DeliveryFault::EarlyVisibility) => {
                for got in &self.messages {
                    let queue = &self.mapping.queue;
                    let _ = self.queues.change_visibility(queue, &got.receipt_handle, 0);
                }
            }
            Some(DeliveryFault::Twice) => {
                let _ = self.invoke().await;
            }
            Some(DeliveryFault::Reordered) => {
                self.put_first_behind();
                if self.messages.is_empty() {
                    return;
                }
            }
            None => {}
        }
        let Ok(answer) = self.invoke().await else { return };
        let ids: Vec<&str> = self.messages.iter().map(|got| got.message.id.as_str()).collect();
        let failed = match self.mapping.partial_failures {
            true => failed_items(&answer, &ids),
            false => Vec::new(),
        };
        for (position, got) in self.messages.iter().enumerate() {
            if !failed.contains(&position) {
                // A message that cannot be deleted comes again; listeners are safe to run twice.
                let _ = self.queues.delete(&self.mapping.queue, &got.receipt_handle);
            }
        }
    }

    /// Gives the first message back as if it had not been received yet, unless the queue keeps its
    /// order.
    fn put_first_behind(&mut self) {
        let Some(first) = self.messages.first() else { return };
        let queue = &self.mapping.queue;
        if self.queues.postpone(queue, &first.receipt_handle, BEHIND_MS).is_ok() {
            self.messages.remove(0);
        }
    }

    async fn invoke(&self) -> Result<Value, InvokeError> {
        let event = sqs_event(&self.mapping.queue, &self.messages);
        self.invoker.invoke(&self.mapping.function, event).await
    }
}
