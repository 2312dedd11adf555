//! What an item's fate means for its message: hidden, sent anew, copied to the dead letters.

use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, MessageAttributeValue};
use interface::{Envelope, EnvelopeError};
use lambda_http::aws_lambda_events::sqs::SqsMessage;

use super::item::{Fate, Item};
use crate::events::redelivery::{self, AGAIN, PART};
use crate::module::function::{Function, Meta};
use crate::ports::log::Line;
use crate::wiring::queues_of;

/// Longest time a queue can hide a message.
const VISIBILITY_MAX_S: u32 = 43_200;
/// Messages one request hides.
const BATCH_MAX: usize = 10;
/// Longest time a standard queue can delay a message.
const DELAY_MAX_S: u32 = 900;

impl Item<'_> {
    /// Does to the message what its item came to; nothing where it is done with, else the seconds after
    /// which it comes back.
    pub async fn dispose(&self, event: &Envelope, meta: &Meta, fate: Fate) -> Option<u32> {
        match fate {
            Fate::Acknowledge => None,
            Fate::Forward(redelivery) => {
                let ports = &self.function.ports;
                let store = ports.store.until(self.function.time_left(meta));
                // What is not sent now is swept within a minute.
                let _ = redelivery::settle(ports, &store, &redelivery).await;
                None
            }
            Fate::Return { seconds } => {
                self.hide(seconds).await;
                Some(seconds)
            }
            // Waiting is no failure: a fresh copy starts with a receive count of its own. A FIFO group
            // waits behind its first message instead.
            Fate::Wait { seconds } if self.is_fifo() => {
                self.hide(seconds).await;
                Some(seconds)
            }
            Fate::Wait { seconds } => or_back(self.send_fresh(seconds).await),
            Fate::Bury { attempts, code, fingerprint } => {
                let trace = event.traceparent.clone().or_else(|| meta.trace.clone());
                let mut attributes = vec![
                    ("cause", "exhausted".to_owned()),
                    ("listener", self.function.row.id.to_owned()),
                    ("event_id", event.id.to_string()),
                    ("attempts", attempts.to_string()),
                    ("error_code", code),
                    ("error_fp", fingerprint),
                    ("trace_id", trace.unwrap_or_else(|| "none".to_owned())),
                ];
                attributes.extend(self.part().map(|part| (PART, part.to_owned())));
                or_back(self.send_dead(&attributes).await)
            }
        }
    }

    /// Name of the listener's queue after the stage's prefix.
    pub fn queue(&self) -> String {
        queues_of(&self.function.row).map(|(queue, _)| queue).unwrap_or_default()
    }

    fn dead_letter_queue(&self) -> String {
        queues_of(&self.function.row).map(|(_, dead)| dead).unwrap_or_default()
    }

    /// Hides the message for so long; without it the queue's own visibility holds.
    async fn hide(&self, seconds: u32) {
        let ports = &self.function.ports;
        let seconds = i32::try_from(seconds.min(VISIBILITY_MAX_S)).unwrap_or(i32::MAX);
        let request = ports.sqs.change_message_visibility();
        let request = request.queue_url(ports.queue_url(&self.queue()));
        let request = request.set_receipt_handle(self.message.receipt_handle.clone());
        let _ = request.visibility_timeout(seconds).send().await;
    }

    /// Sends the message anew, delayed; true where that worked.
    async fn send_fresh(&self, seconds: u32) -> bool {
        let ports = &self.function.ports;
        let delay = i32::try_from(seconds.min(DELAY_MAX_S)).unwrap_or(0);
        let mut request = ports.sqs.send_message().queue_url(ports.queue_url(&self.queue()));
        let own = self.message.message_attributes.iter();
        let own = own.filter(|(name, _)| name.as_str() != AGAIN);
        let own = own.map(|(name, attribute)| (name.as_str(), attribute.string_value.clone()));
        for (name, text) in own.chain([(AGAIN, Some("true".to_owned()))]) {
            let value = MessageAttributeValue::builder().data_type("String").set_string_value(text);
            if let Ok(value) = value.build() {
                request = request.message_attributes(name, value);
            }
        }
        let request = request.message_body(self.message.body.clone().unwrap_or_default());
        let request = request.set_message_group_id(self.group().map(str::to_owned));
        request.delay_seconds(delay).send().await.is_ok()
    }

    /// A message that is no event can only be looked at: it goes to the dead-letter queue at once.
    pub async fn bury_unreadable(&self, fault: &EnvelopeError) -> Option<u32> {
        let ports = &self.function.ports;
        let line = Line::error("a message that is no event was put aside")
            .with("error", fault.to_string());
        ports.log.write(&ports.config, ports.clock.now(), self.function.row.id, line);
        let attributes =
            [("cause", "unreadable".to_owned()), ("listener", self.function.row.id.to_owned())];
        or_back(self.send_dead(&attributes).await)
    }

    /// Sends a copy to the dead-letter queue; true where that worked.
    async fn send_dead(&self, attributes: &[(&str, String)]) -> bool {
        let ports = &self.function.ports;
        let url = ports.queue_url(&self.dead_letter_queue());
        let body = self.message.body.as_deref().unwrap_or_default();
        let mut request = ports.sqs.send_message().queue_url(&url).message_body(body);
        for (name, text) in attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(text);
            if let Ok(value) = value.build() {
                request = request.message_attributes(*name, value);
            }
        }
        if self.is_fifo() {
            request = request
                .set_message_group_id(self.group().map(str::to_owned))
                .set_message_deduplication_id(self.message.message_id.clone());
        }
        request.send().await.is_ok()
    }
}

/// A message whose copy was not sent comes back by itself.
fn or_back(sent: bool) -> Option<u32> {
    (!sent).then_some(0)
}

/// Hides what came behind an item of its group for as long as that item. What cannot be hidden holds
/// its group up until the queue shows it again.
pub(super) async fn hide_behind(function: &Function, behind: &[(&SqsMessage, u32)]) {
    let Some((queue, _)) = queues_of(&function.row) else { return };
    let ports = &function.ports;
    for batch in behind.chunks(BATCH_MAX) {
        let entries = batch.iter().enumerate().filter_map(|(at, (message, seconds))| {
            let seconds = i32::try_from((*seconds).min(VISIBILITY_MAX_S)).unwrap_or(i32::MAX);
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(at.to_string());
            let entry = entry.set_receipt_handle(message.receipt_handle.clone());
            entry.visibility_timeout(seconds).build().ok()
        });
        let request = ports.sqs.change_message_visibility_batch();
        let request = request.queue_url(ports.queue_url(&queue));
        let _ = request.set_entries(Some(entries.collect())).send().await;
    }
}
