//! Channels with their bindings: topics, queues and the socket.

use events::Ordering;
use events::catalogue::Entry;
use runtime::wiring::{Lane, RETENTION_S, Topic};
use runtime::{Row, Trigger};
use serde_json::{Map, Value, json};

use super::{key, message_key};
use crate::member::put;
use crate::platform::Platform;

/// The channel of the WebSocket API.
pub const SOCKET: &str = "socket";
const STANDARD: &str = "events";
const FIFO: &str = "events_fifo";
/// Longest delay the SQS binding can say, in seconds.
const BINDING_DELAY_MAX_S: u32 = 15;

/// The channel that an event is sent to.
pub fn topic_of(entry: &Entry) -> &'static str {
    match entry.spec.ordering() {
        Ordering::None => STANDARD,
        Ordering::Aggregate => FIFO,
    }
}

/// The name of a topic after the stage's prefix.
pub const fn topic_name(topic: Topic) -> &'static str {
    match topic {
        Topic::Standard => "events",
        Topic::Fifo => "events.fifo",
    }
}

/// A reference to a channel.
pub fn reference(channel: &str) -> Value {
    json!({ "$ref": format!("#/channels/{channel}") })
}

/// References to messages of the components, by their keys.
fn messages(keys: impl Iterator<Item = String>) -> Map<String, Value> {
    keys.map(|key| {
        let to = json!({ "$ref": format!("#/components/messages/{key}") });
        (key, to)
    })
    .collect()
}

/// The two topics. Ordered events go to the standard topic too where a standard queue hears them;
/// `mirrored` are the topic types that such queues hear.
pub fn topics(platform: &Platform, mirrored: &[String]) -> Map<String, Value> {
    let topic = |topic: Topic, kind: &str| {
        let carries = |entry: &&Entry| match topic {
            Topic::Fifo => entry.spec.ordering() == Ordering::Aggregate,
            Topic::Standard => {
                entry.spec.ordering() == Ordering::None
                    || mirrored.contains(&entry.spec.topic_type())
            }
        };
        let (name, carried) = (topic_name(topic), platform.events.iter().filter(carries));
        let ordering = json!({ "type": kind, "contentBasedDeduplication": false });
        json!({
            "address": name,
            "messages": messages(carried.map(message_key)),
            "bindings": { "sns": { "name": name, "ordering": ordering } },
        })
    };
    [
        (STANDARD.to_owned(), topic(Topic::Standard, "standard")),
        (FIFO.to_owned(), topic(Topic::Fifo, "FIFO")),
    ]
    .into_iter()
    .collect()
}

/// The queue of a listener.
pub fn queue(events: &[&Entry], lane: &Lane) -> Value {
    let fifo = lane.topic == Topic::Fifo;
    let mut queue = json!({
        "name": lane.queue,
        "fifoQueue": fifo,
        "visibilityTimeout": lane.visibility_s,
        "messageRetentionPeriod": RETENTION_S,
        "redrivePolicy": {
            "deadLetterQueue": { "name": lane.dead_letter_queue },
            "maxReceiveCount": lane.max_receives,
        },
    });
    match lane.delay_s {
        0 => {}
        1..=BINDING_DELAY_MAX_S => put(&mut queue, "deliveryDelay", json!(lane.delay_s)),
        _ => put(&mut queue, "x-delay-seconds", json!(lane.delay_s)),
    }
    json!({
        "address": lane.queue,
        "messages": messages(events.iter().map(|entry| message_key(entry))),
        "bindings": { "sqs": {
            "queue": queue,
            "deadLetterQueue": {
                "name": lane.dead_letter_queue,
                "fifoQueue": fifo,
                "messageRetentionPeriod": RETENTION_S,
            },
        } },
    })
}

/// The socket, opened with a ticket.
pub fn socket(frames: &[&Row]) -> Value {
    let query = json!({
        "type": "object",
        "required": ["ticket"],
        "properties": { "ticket": { "type": "string", "description": "Opens one connection." } },
    });
    json!({
        "address": "/",
        "messages": messages(frames.iter().map(|row| key(row.id))),
        "bindings": { "ws": { "method": "GET", "query": query } },
    })
}

/// What a route of the socket takes.
pub fn frame_message(row: &Row) -> Value {
    let route = match row.trigger {
        Trigger::Socket(route) => route,
        _ => "$default",
    };
    json!({
        "name": row.id,
        "summary": format!("Route {route}."),
        "contentType": "application/json",
        "payload": { "type": "object" },
    })
}
