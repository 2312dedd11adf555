//! Sends an event to one listener's queue alone: what was put off, parked, or asked for again.

use std::time::Duration;

use aws_sdk_sqs::types::MessageAttributeValue;
use interface::Envelope;
use kernel::Error;
use store::outbox::OutboxRow;
use store::redelivery::Redelivery;
use store::{Consistency, Store, StoreError, Token, transition};

use crate::call::ctx::Ctx;
use crate::ports::log::Line;
use crate::ports::process::Ports;

/// The message attribute that names an inbox row of its own.
pub(crate) const PART: &str = "part";
/// The message attribute that lets an event pass whatever its aggregate's cursor says.
pub(crate) const FORCED: &str = "forced";

/// The message attribute of every copy but the first: what happened to the event before is in its inbox
/// row, although this message is received for the first time.
pub(crate) const AGAIN: &str = "again";

/// From this age on the row that brings an event back carries the event: its outbox row may be gone by
/// then, two days before the first can be.
pub(crate) const CARRIED_FROM: Duration =
    Duration::from_secs(transition::KEPT.as_secs() - 2 * 24 * 3600);

/// An event as it was published: what a copy of it is made of, wherever it is kept.
#[derive(Clone, Copy, Debug)]
pub struct Published<'a> {
    /// The exact bytes.
    pub envelope: &'a str,
    /// `<tenant>/<l|t>/<entity_type>/<entity_id>`: the message group of ordered events.
    pub partitionkey: &'a str,
}

impl<'a> From<&'a OutboxRow> for Published<'a> {
    fn from(row: &'a OutboxRow) -> Self {
        Self { envelope: &row.envelope, partitionkey: &row.partitionkey }
    }
}

impl Published<'_> {
    /// The tenant: the message group on a standard queue.
    fn tenant(&self) -> &str {
        self.partitionkey.split('/').next().unwrap_or_default()
    }
}

/// One message to one listener.
pub struct Message<'a> {
    /// Name of the queue after the stage's prefix.
    pub queue: &'a str,
    pub event: Published<'a>,
    /// Names an inbox row of its own.
    pub part: Option<&'a str>,
    /// Whether order and earlier handling are to be ignored.
    pub forced: bool,
    /// Tells it from every other copy of the event.
    pub deduplication_id: String,
    /// Seconds it waits, on a standard queue.
    pub delay_s: u32,
}

/// Sends the message.
pub(crate) async fn send(ports: &Ports, message: &Message<'_>) -> Result<(), StoreError> {
    let text = |text: &str| {
        let value = MessageAttributeValue::builder().data_type("String").string_value(text);
        value.build().map_err(|fault| StoreError::Invalid(fault.to_string()))
    };
    let mut request = ports.sqs.send_message();
    request =
        request.queue_url(ports.queue_url(message.queue)).message_body(message.event.envelope);
    request = request.message_attributes(AGAIN, text("true")?);
    if let Some(part) = message.part {
        request = request.message_attributes(PART, text(part)?);
    }
    if message.forced {
        request = request.message_attributes(FORCED, text("true")?);
    }
    request = match message.queue.ends_with(".fifo") {
        true => request
            .message_group_id(message.event.partitionkey)
            .message_deduplication_id(&message.deduplication_id),
        false => request
            .message_group_id(message.event.tenant())
            .delay_seconds(i32::try_from(message.delay_s).unwrap_or(0)),
    };
    request.send().await.map(|_| ()).map_err(|_| StoreError::Unknown)
}

/// Sends a redelivery that is due and deletes its row. Both may happen twice: the inbox absorbs it.
pub(crate) async fn settle(
    ports: &Ports,
    store: &Store,
    redelivery: &Redelivery,
) -> Result<(), StoreError> {
    let row: Option<OutboxRow> = store.get(&redelivery.outbox, Consistency::Strong).await?;
    let carried = redelivery.envelope.as_deref();
    let carried = carried.and_then(|text| Some((text, Envelope::parse(text).ok()?)));
    let found = match (&row, &carried) {
        (Some(row), _) => Some(Published::from(row)),
        (None, Some((text, event))) => {
            Some(Published { envelope: text, partitionkey: &event.partitionkey })
        }
        (None, None) => None,
    };
    let change = match found {
        Some(event) => {
            let message = Message {
                queue: &redelivery.queue,
                event,
                part: redelivery.part.as_deref(),
                forced: redelivery.forced,
                deduplication_id: redelivery.deduplication_id(),
                delay_s: 0,
            };
            send(ports, &message).await?;
            redelivery.settled()
        }
        None => {
            let line =
                Line::error("an event is not kept any more; see docs/runbooks/dead-letters.md")
                    .with("event_id", redelivery.event_id.to_string())
                    .with("listener", redelivery.listener.as_str());
            ports.log.write(&ports.config, ports.clock.now(), "platform.redelivery", line);
            let expired = redelivery.out_of_reach(ports.clock.now());
            // Refused means that it was settled meanwhile.
            let _ = store.update(expired).await?;
            redelivery.settled()
        }
    };
    // A token of its own for every try: under one that was used before nothing would happen, and an
    // event can go out twice in one millisecond.
    let mut chance = [0; 16];
    ports.entropy.fill(&mut chance);
    let token = Token::of(&chance, 0);
    match store.commit(change, &token).await {
        // Refused: it was put off or settled meanwhile.
        Ok(_) | Err(store::NotCommitted::Refused { .. }) => Ok(()),
        Err(_) => Err(StoreError::Conflict),
    }
}

impl<Who> Ctx<Who> {
    /// Sends a redelivery that is due, and forgets it.
    pub async fn redeliver(&self, redelivery: &Redelivery) -> Result<(), Error> {
        settle(self.ports(), self.store(), redelivery).await.map_err(Error::from)
    }

    /// Sends one event to one listener alone.
    pub async fn send_to_listener(&self, message: &Message<'_>) -> Result<(), Error> {
        send(self.ports(), message).await.map_err(Error::from)
    }
}
