//! One message of a batch, and what it says of itself.

use interface::Envelope;
use kernel::{EventId, Timestamp};
use lambda_http::aws_lambda_events::sqs::SqsMessage;
use store::Scope;
use store::redelivery::Redelivery;

use crate::events::redelivery::{AGAIN, CARRIED_FROM, FORCED, PART};
use crate::module::function::Function;
use crate::module::handler::ListenerHandler;
use crate::module::listening::Listening;

/// One message and who handles it.
pub(super) struct Item<'a> {
    pub function: &'a Function,
    pub listening: &'a Listening,
    pub handler: &'a ListenerHandler,
    pub message: &'a SqsMessage,
}

/// What to do with the message.
#[derive(Debug)]
pub(super) enum Fate {
    Acknowledge,
    /// Acknowledge, and send at once what the transaction wrote down to be sent.
    Forward(Box<Redelivery>),
    /// Comes back after so many seconds; it failed.
    Return {
        seconds: u32,
    },
    /// Comes back after so many seconds; it did not fail.
    Wait {
        seconds: u32,
    },
    /// Given up: acknowledge once the dead letter is written.
    Bury {
        attempts: u32,
        code: String,
        fingerprint: String,
    },
}

impl<'a> Item<'a> {
    pub fn scope(&self, event: &Envelope) -> Scope {
        Scope::tenant(event.tenantid).mode(event.livemode)
    }

    pub fn now(&self) -> Timestamp {
        self.function.ports.clock.now()
    }

    pub fn receives(&self) -> u32 {
        let count = self.message.attributes.get("ApproximateReceiveCount");
        count.and_then(|count| count.parse().ok()).unwrap_or(1)
    }

    pub fn group(&self) -> Option<&'a str> {
        self.message.attributes.get("MessageGroupId").map(String::as_str)
    }

    pub fn is_fifo(&self) -> bool {
        let source = self.message.event_source_arn.as_deref();
        source.is_some_and(|arn| arn.ends_with(".fifo"))
    }

    /// The inbox row of its own that this delivery names.
    pub fn part(&self) -> Option<&str> {
        self.message.message_attributes.get(PART)?.string_value.as_deref()
    }

    /// Whether an operator wants it handled whatever the cursor says.
    pub fn is_forced(&self) -> bool {
        self.message.message_attributes.contains_key(FORCED)
    }

    /// Whether something may have happened to the event before this delivery.
    pub fn is_again(&self) -> bool {
        self.receives() > 1 || self.message.message_attributes.contains_key(AGAIN)
    }

    /// The event itself, where it is so old that a row that brings it back has to carry it.
    pub fn carried(&self, event: EventId) -> Option<String> {
        let is_old = self.now().since(event.created_at()) >= CARRIED_FROM;
        self.message.body.clone().filter(|_| is_old)
    }

    /// The pause after the n-th failure, ± 20 %.
    pub fn pause(&self, failures: u32) -> u32 {
        let step = u64::from(self.step(failures));
        let mut byte = [0];
        self.function.ports.entropy.fill(&mut byte);
        let [byte] = byte;
        let spread = step * (80 + u64::from(byte) * 40 / 255) / 100;
        u32::try_from(spread).unwrap_or(u32::MAX).max(1)
    }

    /// The declared pause after the n-th failure.
    fn step(&self, failures: u32) -> u32 {
        let index = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
        let steps = &self.listening.backoff_s;
        steps.get(index).or(steps.last()).copied().unwrap_or(30)
    }
}
