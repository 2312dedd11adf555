//! What a listener gives up goes to its dead-letter queue, with the cause.

use aws_sdk_sqs::types::MessageAttributeValue;
use events::{Envelope, EnvelopeError};

use super::Item;
use crate::backbone;
use crate::log::Line;

impl Item<'_> {
    /// Sends a copy to the dead-letter queue, with its cause.
    pub(super) async fn bury(&self, event: &Envelope, attempts: u32, code: &str) -> bool {
        let attributes = [
            ("cause", "exhausted".to_owned()),
            ("listener", self.function.row.id.to_owned()),
            ("event_id", event.id.to_string()),
            ("attempts", attempts.to_string()),
            ("error_code", code.to_owned()),
        ];
        self.send_dead(&attributes).await
    }

    /// A message that is no event can only be looked at: it goes to the dead-letter queue at once.
    pub(super) async fn bury_unreadable(&self, fault: &EnvelopeError) -> bool {
        let ports = &self.function.ports;
        let line = Line::error("a message that is no event was put aside")
            .with("error", fault.to_string());
        ports.log.write(&ports.config, ports.clock.now(), self.function.row.id, line);
        let attributes =
            [("cause", "unreadable".to_owned()), ("listener", self.function.row.id.to_owned())];
        self.send_dead(&attributes).await
    }

    async fn send_dead(&self, attributes: &[(&str, String)]) -> bool {
        let ports = &self.function.ports;
        let Some((_, dead_letters)) = backbone::queues_of(&self.function.row) else { return false };
        let url = ports.queue_url(&dead_letters);
        let body = self.message.body.as_deref().unwrap_or_default();
        let mut request = ports.sqs.send_message().queue_url(&url).message_body(body);
        for (name, text) in attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(text);
            if let Ok(value) = value.build() {
                request = request.message_attributes(*name, value);
            }
        }
        if url.ends_with(".fifo") {
            let group = self.message.attributes.get("MessageGroupId").cloned();
            request = request
                .set_message_group_id(group)
                .set_message_deduplication_id(self.message.message_id.clone());
        }
        request.send().await.is_ok()
    }
}
