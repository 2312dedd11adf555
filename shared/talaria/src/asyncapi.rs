//! The event document: AsyncAPI 3.0.0 (<https://www.asyncapi.com/docs/reference/specification/v3.0.0>).
//! Channels are the two topics, a queue for every listener, and the socket where anything speaks it.

mod channel;
#[cfg(test)]
mod tests;

use events::catalogue::Entry;
use events::envelope::MEDIA_TYPE;
use runtime::module::Listening;
use runtime::wiring::{Lane, LaneError, Topic, resource_name};
use runtime::{Row, Trigger};
use serde_json::{Map, Value, json};

use crate::envelope::envelope_schema;
use crate::openapi::told;
use crate::platform::Platform;

/// The document; refuses a listener that cannot be subscribed.
pub fn document(platform: &Platform) -> Result<Value, LaneError> {
    let (mut queues, mut receives) = (Map::new(), Map::new());
    let mut mirrored = Vec::new();
    for (module, row, heard) in platform.listeners() {
        let Some(lane) = Lane::of(module, row)? else { continue };
        let events: Vec<&Entry> = platform.heard(heard).collect();
        if lane.topic == Topic::Standard {
            mirrored.extend(events.iter().map(|entry| entry.spec.topic_type()));
        }
        queues.insert(key(row.id), channel::queue(&events, &lane));
        receives.insert(key(row.id), receive(row, heard, &events, &lane));
    }
    let mut channels = channel::topics(platform, &mirrored);
    channels.extend(queues);
    let mut operations = sends(platform);
    operations.extend(receives);
    let mut messages = messages(platform);
    let frames: Vec<&Row> = platform
        .rows()
        .map(|(_, row)| row)
        .filter(|row| matches!(row.trigger, Trigger::Socket(_)))
        .collect();
    if !frames.is_empty() {
        channels.insert(channel::SOCKET.to_owned(), channel::socket(&frames));
        operations.extend(frames.iter().map(|row| (key(row.id), frame(row))));
        messages.extend(frames.iter().map(|row| (key(row.id), channel::frame_message(row))));
    }
    let mut schemas = platform.event_schemas.clone();
    schemas.insert("Envelope".to_owned(), envelope_schema());
    schemas.sort_keys();
    Ok(json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Talaria events",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT" },
            "description": "Every fact the modules announce, and who listens. Envelopes are \
                            CloudEvents 1.0.",
        },
        "defaultContentType": MEDIA_TYPE,
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages, "schemas": schemas },
    }))
}

/// A name as AsyncAPI takes it for a key: letters, digits and underscores.
fn key(name: &str) -> String {
    name.replace('.', "_").replace('@', "_v")
}

/// The key of an event's message: its name, with `_v<major>` from major 2 on.
fn message_key(entry: &Entry) -> String {
    key(&entry.spec.topic_type())
}

fn messages(platform: &Platform) -> Map<String, Value> {
    let message = |entry: &Entry| {
        let (summary, description) = told(entry.spec.docs);
        let message = json!({
            "name": entry.spec.name,
            "summary": summary,
            "description": description,
            "contentType": MEDIA_TYPE,
            "tags": tags(entry),
            "payload": {
                "allOf": [{ "$ref": "#/components/schemas/Envelope" }],
                "type": "object",
                "properties": {
                    "type": { "const": entry.spec.name },
                    "dataschema": { "const": entry.spec.data_schema() },
                    "data": entry.schema,
                },
            },
        });
        (message_key(entry), message)
    };
    platform.events.iter().map(message).collect()
}

fn tags(entry: &Entry) -> Value {
    let mut tags = vec![json!({ "name": entry.spec.module() })];
    tags.push(json!({ "name": format!("priority-{}", entry.spec.priority.as_str()) }));
    if entry.spec.public {
        tags.push(json!({ "name": "public" }));
    }
    json!(tags)
}

fn sends(platform: &Platform) -> Map<String, Value> {
    let send = |entry: &Entry| {
        let channel = channel::topic_of(entry);
        let operation = json!({
            "action": "send",
            "channel": channel::reference(channel),
            "messages": [message_of(channel, &message_key(entry))],
        });
        (format!("send_{}", message_key(entry)), operation)
    };
    platform.events.iter().map(send).collect()
}

/// A reference to a message of a channel: operations never name a component.
fn message_of(channel: &str, message: &str) -> Value {
    json!({ "$ref": format!("#/channels/{channel}/messages/{message}") })
}

fn receive(row: &Row, heard: &Listening, events: &[&Entry], lane: &Lane) -> Value {
    let channel = key(row.id);
    let messages: Vec<Value> =
        events.iter().map(|entry| message_of(&channel, &message_key(entry))).collect();
    let consumer = json!({
        "protocol": "sqs",
        "endpoint": { "name": lane.queue },
        "filterPolicy": lane.filter,
        "filterPolicyScope": "MessageAttributes",
        "rawMessageDelivery": true,
        "redrivePolicy": { "deadLetterQueue": { "name": lane.dead_letter_queue } },
    });
    json!({
        "action": "receive",
        "channel": channel::reference(&channel),
        "title": row.id,
        "summary": format!("Function {} hears it.", resource_name(row.id)),
        "messages": messages,
        "bindings": { "sns": {
            "topic": { "name": channel::topic_name(lane.topic) },
            "consumers": [consumer],
        } },
        "x-tries": heard.tries,
        "x-backoff-seconds": heard.backoff_s,
    })
}

/// A route of the socket: what it takes, answered on the same connection.
fn frame(row: &Row) -> Value {
    json!({
        "action": "receive",
        "channel": channel::reference(channel::SOCKET),
        "title": row.id,
        "messages": [message_of(channel::SOCKET, &key(row.id))],
        "reply": { "channel": channel::reference(channel::SOCKET) },
    })
}
