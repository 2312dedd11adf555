//! The messages of dead-letter queues: copies of what a listener gave up, and what the queue itself
//! moved there because the function crashed. What counts is the inbox and the outbox; the messages
//! are what the alarm sees.

use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message,
};
use interface::Envelope;
use kernel::Error;
use kernel::problem::DEPENDENCY_UNAVAILABLE;

use super::redelivery::PART;
use crate::call::ctx::Ctx;

/// Messages one request brings: the most SQS does.
const BATCH: i32 = 10;
const BATCH_LENGTH: usize = 10;
/// Requests that look through a queue at most.
const ROUNDS: usize = 20;
/// Seconds what was seen stays hidden while the rest is looked through.
const HIDDEN_S: i32 = 30;

/// One message of a dead-letter queue.
#[derive(Clone, Debug)]
pub struct DeadMessage {
    /// Nothing where it is no event.
    pub envelope: Option<Envelope>,
    /// `exhausted` or `unreadable`; nothing where the queue's own backstop moved it: the function
    /// crashed or timed out again and again.
    pub cause: Option<String>,
    /// The inbox row of its own, where it was handled apart from the first delivery.
    pub part: Option<String>,
}

impl DeadMessage {
    fn of(message: &Message) -> Self {
        let attribute = |name: &str| {
            let value = message.message_attributes()?.get(name)?;
            value.string_value().map(str::to_owned)
        };
        Self {
            envelope: message.body().and_then(|body| Envelope::parse(body).ok()),
            cause: attribute("cause"),
            part: attribute(PART),
        }
    }
}

impl<Who> Ctx<Who> {
    /// About the first 200 messages of a dead-letter queue, by its name after the stage's prefix.
    /// They stay where they are.
    pub async fn dead_messages(&self, queue: &str) -> Result<Vec<DeadMessage>, Error> {
        let url = self.ports().queue_url(queue);
        let held = self.hold(&url).await?;
        let messages = held.iter().map(DeadMessage::of).collect();
        self.release(&url, held.iter()).await?;
        Ok(messages)
    }

    /// Takes the messages of which this is so out of a dead-letter queue, as far as they are among
    /// the first 200. What is missed stays until it expires, and harms nobody.
    pub async fn clear_dead_letters(
        &self,
        queue: &str,
        is_settled: impl Fn(&DeadMessage) -> bool,
    ) -> Result<(), Error> {
        let url = self.ports().queue_url(queue);
        let held = self.hold(&url).await?;
        let (settled, others): (Vec<_>, Vec<_>) =
            held.iter().partition(|message| is_settled(&DeadMessage::of(message)));
        for batch in settled.chunks(BATCH_LENGTH) {
            let entries = numbered(batch).filter_map(|(id, handle)| {
                DeleteMessageBatchRequestEntry::builder().id(id).receipt_handle(handle).build().ok()
            });
            let request = self.sqs().delete_message_batch().queue_url(&url);
            let request = request.set_entries(Some(entries.collect()));
            request.send().await.map_err(|_| unanswered())?;
        }
        self.release(&url, others.into_iter()).await
    }

    async fn hold(&self, url: &str) -> Result<Vec<Message>, Error> {
        let mut held = Vec::new();
        for _ in 0..ROUNDS {
            let request = self.sqs().receive_message().queue_url(url);
            // An empty answer to a long poll is the queue's, one to a short poll perhaps a server's.
            let request = request.max_number_of_messages(BATCH).visibility_timeout(HIDDEN_S);
            let request = request.wait_time_seconds(1);
            let answer = request.message_attribute_names("All").send().await;
            let messages = answer.map_err(|_| unanswered())?.messages.unwrap_or_default();
            if messages.is_empty() {
                break;
            }
            held.extend(messages);
        }
        Ok(held)
    }

    async fn release<'m>(
        &self,
        url: &str,
        held: impl Iterator<Item = &'m Message>,
    ) -> Result<(), Error> {
        let held: Vec<&Message> = held.collect();
        for batch in held.chunks(BATCH_LENGTH) {
            let entries = numbered(batch).filter_map(|(id, handle)| {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder();
                entry.id(id).receipt_handle(handle).visibility_timeout(0).build().ok()
            });
            let request = self.sqs().change_message_visibility_batch().queue_url(url);
            let request = request.set_entries(Some(entries.collect()));
            request.send().await.map_err(|_| unanswered())?;
        }
        Ok(())
    }
}

fn numbered<'m>(batch: &'m [&'m Message]) -> impl Iterator<Item = (String, &'m str)> {
    let numbered = batch.iter().enumerate();
    numbered.filter_map(|(at, message)| Some((at.to_string(), message.receipt_handle()?)))
}

fn unanswered() -> Error {
    DEPENDENCY_UNAVAILABLE.because("a queue did not answer; try again")
}
