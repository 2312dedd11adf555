//! The event document: AsyncAPI 3.0.0. Channels are the two topics and a queue for every listener.

use events::Ordering;
use events::catalogue::Entry;
use runtime::Row;
use runtime::module::Listening;
use runtime::wiring::{Lane, LaneError, RETENTION_S, Topic, resource_name};
use serde_json::{Map, Value, json};

use crate::member::put;
use crate::openapi::told;
use crate::platform::Platform;

const STANDARD: &str = "events";
const FIFO: &str = "events_fifo";

/// The document; refuses a listener that cannot be subscribed.
pub fn document(platform: &Platform) -> Result<Value, LaneError> {
    let mut channels = topics(platform);
    let mut operations = sends(platform);
    for (module, row, heard) in platform.listeners() {
        let Some(lane) = Lane::of(module, row)? else { continue };
        channels.insert(key(row.id), queue_channel(heard, &lane, platform));
        operations.insert(key(row.id), receive(row, heard, &lane));
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
        "defaultContentType": "application/cloudevents+json",
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages(platform), "schemas": schemas },
    }))
}

/// A name as AsyncAPI takes it for a key.
fn key(name: &str) -> String {
    name.replace('.', "_")
}

fn is_ordered(entry: &Entry) -> bool {
    entry.spec.ordering() == Ordering::Aggregate
}

fn messages(platform: &Platform) -> Map<String, Value> {
    let message = |entry: &Entry| {
        let (summary, description) = told(entry.spec.docs);
        let message = json!({
            "name": entry.spec.name,
            "summary": summary,
            "description": description,
            "contentType": "application/cloudevents+json",
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
        (key(entry.spec.name), message)
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

/// References to messages of the components, for a channel.
fn channel_messages<'a>(names: impl Iterator<Item = &'a str>) -> Map<String, Value> {
    names
        .map(|name| {
            let to = format!("#/components/messages/{}", key(name));
            (key(name), json!({ "$ref": to }))
        })
        .collect()
}

fn topics(platform: &Platform) -> Map<String, Value> {
    let topic = |name: &str, kind: &str, ordered: bool| {
        let carried = platform.events.iter().filter(|entry| is_ordered(entry) == ordered);
        let ordering = json!({ "type": kind, "contentBasedDeduplication": false });
        json!({
            "address": name,
            "messages": channel_messages(carried.map(|entry| entry.spec.name)),
            "bindings": { "sns": { "name": name, "ordering": ordering } },
        })
    };
    [
        (STANDARD.to_owned(), topic("events", "standard", false)),
        (FIFO.to_owned(), topic("events.fifo", "FIFO", true)),
    ]
    .into_iter()
    .collect()
}

fn sends(platform: &Platform) -> Map<String, Value> {
    let send = |entry: &Entry| {
        let channel = if is_ordered(entry) { FIFO } else { STANDARD };
        let operation = json!({
            "action": "send",
            "channel": { "$ref": format!("#/channels/{channel}") },
            "messages": [message_of(channel, entry.spec.name)],
        });
        (format!("send_{}", key(entry.spec.name)), operation)
    };
    platform.events.iter().map(send).collect()
}

fn message_of(channel: &str, event: &str) -> Value {
    json!({ "$ref": format!("#/channels/{channel}/messages/{}", key(event)) })
}

fn queue_channel(heard: &Listening, lane: &Lane, platform: &Platform) -> Value {
    let known = heard.events.iter().filter(|spec| platform.event(spec.name).is_some());
    let fifo = lane.topic == Topic::Fifo;
    let mut channel = json!({
        "address": lane.queue,
        "messages": channel_messages(known.map(|spec| spec.name)),
        "bindings": { "sqs": {
            "queue": {
                "name": lane.queue,
                "fifoQueue": fifo,
                "visibilityTimeout": lane.visibility_s,
                "messageRetentionPeriod": RETENTION_S,
                "redrivePolicy": {
                    "deadLetterQueue": { "name": lane.dead_letter_queue },
                    "maxReceiveCount": lane.max_receives,
                },
            },
            "deadLetterQueue": {
                "name": lane.dead_letter_queue,
                "fifoQueue": fifo,
                "messageRetentionPeriod": RETENTION_S,
            },
        } },
    });
    if lane.delay_s > 0 {
        put(&mut channel, "x-delay-seconds", json!(lane.delay_s));
    }
    channel
}

fn receive(row: &Row, heard: &Listening, lane: &Lane) -> Value {
    let messages: Vec<Value> =
        heard.events.iter().map(|spec| message_of(&key(row.id), spec.name)).collect();
    let consumer = json!({
        "protocol": "sqs",
        "endpoint": { "name": lane.queue },
        "filterPolicy": lane.filter,
        "filterPolicyScope": "MessageAttributes",
        "rawMessageDelivery": true,
        "redrivePolicy": { "deadLetterQueue": { "name": lane.dead_letter_queue } },
    });
    let topic = match lane.topic {
        Topic::Standard => "events",
        Topic::Fifo => "events.fifo",
    };
    json!({
        "action": "receive",
        "channel": { "$ref": format!("#/channels/{}", key(row.id)) },
        "title": row.id,
        "summary": format!("Function {} hears it.", resource_name(row.id)),
        "messages": messages,
        "bindings": { "sns": { "topic": { "name": topic }, "consumers": [consumer] } },
        "x-tries": heard.tries,
        "x-backoff-seconds": heard.backoff_s,
    })
}

/// The envelope all events travel in. Words of JSON Schema that draft-07 and 2020-12 share.
pub fn envelope_schema() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    json!({
        "type": "object",
        "description": "A domain event (CloudEvents 1.0, structured mode). Unknown attributes are \
                        to be ignored.",
        "required": [
            "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema",
            "tenantid", "livemode", "sequence", "partitionkey", "correlationid", "data",
        ],
        "properties": {
            "specversion": { "const": "1.0" },
            "id": { "type": "string", "pattern": "^evt_[0-7][0-9a-hjkmnp-tv-z]{25}$" },
            "source": text("`/modules/<module>`."),
            "type": text("The canonical name of the event."),
            "subject": text("`<entity type>/<id>`."),
            "time": {
                "type": "string",
                "format": "date-time",
                "description": "The instant of the commit.",
            },
            "datacontenttype": { "const": "application/json" },
            "dataschema": text("`urn:talaria:event:<type>:<major>`."),
            "tenantid": text("The tenant."),
            "livemode": { "type": "boolean" },
            "actorid": text("Who did it."),
            "sequence": {
                "type": "string",
                "pattern": "^[0-9]{20}$",
                "description": "Position within the entity.",
            },
            "partitionkey": text("Events of one key are in order where the entity promises it."),
            "correlationid": text("The request that started the chain."),
            "causationid": text("The event whose handling caused this one."),
            "traceparent": text("W3C trace context."),
            "data": { "type": "object" },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn operations_name_messages_of_their_own_channel() {
        let document = document(&fixture::platform()).unwrap();
        for (name, operation) in document["operations"].as_object().unwrap() {
            let channel = operation["channel"]["$ref"].as_str().unwrap();
            for message in operation["messages"].as_array().unwrap() {
                let reference = message["$ref"].as_str().unwrap();
                assert!(reference.starts_with(&format!("{channel}/messages/")), "{name}");
                assert!(
                    document.pointer(reference.trim_start_matches('#')).is_some(),
                    "{reference}"
                );
            }
        }
    }

    #[test]
    fn the_golden_sample_has_every_required_attribute() {
        let platform = fixture::platform();
        let sample = crate::sample::envelope(&platform.events[0]).unwrap();
        for name in envelope_schema()["required"].as_array().unwrap() {
            assert!(sample.get(name.as_str().unwrap()).is_some(), "{name}");
        }
    }
}
