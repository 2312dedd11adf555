use events::EventSpec;
use kernel::EntityKind;

use super::*;
use crate::fixture;

/// Words of JSON Schema that mean the same in draft-07 and in 2020-12.
const SHARED_WORDS: &[&str] = &[
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "default",
    "description",
    "enum",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "multipleOf",
    "oneOf",
    "pattern",
    "properties",
    "required",
    "title",
    "type",
    "uniqueItems",
];

/// The real document, and one with everything that does not occur in it yet.
fn documents() -> Vec<Value> {
    let mut module = fixture::module();
    let ordered = EventSpec { entity: EntityKind::Payment, ..events::profile::UPDATED.spec };
    module.rows.push(fixture::hears("demo.on_ordered", ordered).ordered());
    module.rows.push(fixture::speaks("demo.ping", "ping"));
    let mut platform = Platform::of(vec![module]);
    let at = platform.events.iter().position(|entry| entry.spec.name == ordered.name).unwrap();
    let mut newer = Platform::of(Vec::new()).events.swap_remove(at);
    newer.spec.major = 2;
    platform.events.push(newer);
    vec![document(&Platform::read()).unwrap(), document(&platform).unwrap()]
}

fn members<'a>(
    document: &'a Value,
    pointer: &str,
) -> impl Iterator<Item = (&'a String, &'a Value)> {
    document.pointer(pointer).unwrap().as_object().unwrap().iter()
}

fn every_object<'a>(value: &'a Value, visit: &mut impl FnMut(&'a Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            visit(object);
            object.values().for_each(|inner| every_object(inner, visit));
        }
        Value::Array(items) => items.iter().for_each(|item| every_object(item, visit)),
        _ => {}
    }
}

/// What is not of the shared subset, with its path.
fn outside_subset(path: &str, schema: &Value, found: &mut Vec<String>) {
    let Some(schema) = schema.as_object() else {
        // Schemas that are a truth value are in both drafts, but say nothing about a type.
        found.push(format!("{path}: no object"));
        return;
    };
    if schema.contains_key("$ref") && schema.len() > 1 {
        found.push(format!("{path}: draft-07 ignores what stands beside $ref"));
    }
    for (word, value) in schema {
        let at = format!("{path}/{word}");
        if !SHARED_WORDS.contains(&word.as_str()) && !word.starts_with("x-") {
            found.push(at.clone());
        }
        match word.as_str() {
            "properties" => {
                for (name, member) in value.as_object().unwrap() {
                    outside_subset(&format!("{at}/{name}"), member, found);
                }
            }
            "allOf" | "anyOf" | "oneOf" => {
                value.as_array().unwrap().iter().for_each(|one| outside_subset(&at, one, found));
            }
            // A list of schemas is `prefixItems` from 2019-09 on.
            "items" => outside_subset(&at, value, found),
            "exclusiveMaximum" | "exclusiveMinimum" if !value.is_number() => found.push(at),
            _ => {}
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    for document in documents() {
        every_object(&document, &mut |object| {
            if let Some(to) = object.get("$ref").and_then(Value::as_str) {
                let pointer = to.strip_prefix('#').expect("a reference within the document");
                assert!(document.pointer(pointer).is_some(), "{to}");
            }
        });
    }
}

#[test]
fn operations_name_messages_of_their_own_channel() {
    for document in documents() {
        for (name, operation) in members(&document, "/operations") {
            let channel = operation["channel"]["$ref"].as_str().unwrap();
            let messages = operation["messages"].as_array().unwrap();
            assert!(!messages.is_empty(), "{name}");
            for message in messages {
                let reference = message["$ref"].as_str().unwrap();
                assert!(reference.starts_with(&format!("{channel}/messages/")), "{name}");
            }
        }
        for (name, channel) in members(&document, "/channels") {
            for (key, message) in channel["messages"].as_object().unwrap() {
                let component = format!("#/components/messages/{key}");
                assert_eq!(message["$ref"], component, "{name}");
            }
        }
    }
}

#[test]
fn keys_are_of_letters_digits_and_underscores() {
    for document in documents() {
        for section in ["/channels", "/operations", "/components/messages", "/components/schemas"] {
            for (key, _) in members(&document, section) {
                assert!(key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{key}");
            }
        }
    }
}

#[test]
fn schemas_keep_to_what_draft_07_and_2020_12_share() {
    for document in documents() {
        let mut found = Vec::new();
        for (name, message) in members(&document, "/components/messages") {
            outside_subset(name, &message["payload"], &mut found);
        }
        for (name, schema) in members(&document, "/components/schemas") {
            outside_subset(name, schema, &mut found);
        }
        assert_eq!(found, [] as [String; 0]);
    }
}

#[test]
fn words_of_one_draft_alone_are_found() {
    let cases = [
        json!({ "$defs": {} }),
        json!({ "definitions": {} }),
        json!({ "prefixItems": [] }),
        json!({ "items": [{ "type": "string" }] }),
        json!({ "properties": { "x": { "unevaluatedProperties": false } } }),
        json!({ "anyOf": [{ "$dynamicRef": "#x" }] }),
        json!({ "$ref": "#/x", "description": "beside" }),
        json!({ "exclusiveMinimum": true }),
        json!({ "nullable": true }),
    ];
    for schema in cases {
        let mut found = Vec::new();
        outside_subset("", &schema, &mut found);
        assert!(!found.is_empty(), "{schema}");
    }
}

#[test]
fn there_is_a_send_per_event_a_receive_per_listener_and_no_socket_without_routes() {
    let platform = Platform::read();
    let document = document(&platform).unwrap();
    let of_action = |action: &str| {
        let operations = members(&document, "/operations");
        operations.filter(|(_, operation)| operation["action"] == action).count()
    };
    assert_eq!(of_action("send"), platform.events.len());
    assert_eq!(of_action("receive"), platform.listeners().count());
    assert_eq!(members(&document, "/channels").count(), 2 + platform.listeners().count());
}

#[test]
fn a_socket_is_a_channel_that_is_opened_with_a_ticket() {
    let documents = documents();
    let socket = &documents[1]["channels"]["socket"];
    assert_eq!(socket["bindings"]["ws"]["method"], "GET");
    assert!(socket["bindings"]["ws"]["query"]["properties"]["ticket"].is_object());
    let operation = &documents[1]["operations"]["demo_ping"];
    assert_eq!(operation["messages"][0]["$ref"], "#/channels/socket/messages/demo_ping");
    assert_eq!(operation["reply"]["channel"]["$ref"], "#/channels/socket");
}

#[test]
fn two_majors_are_two_messages_of_one_name() {
    let documents = documents();
    let messages = &documents[1]["components"]["messages"];
    let newer = &messages["profile_profile_updated_v2"];
    assert_eq!(newer["name"], messages["profile_profile_updated"]["name"]);
    let schema = &newer["payload"]["properties"]["dataschema"]["const"];
    assert_eq!(schema, "urn:talaria:event:profile.profile.updated:2");
    assert!(documents[1]["operations"]["send_profile_profile_updated_v2"].is_object());
}

#[test]
fn bindings_say_what_is_deployed() {
    let mut module = fixture::module_of([]);
    let delayed = |id, delay_s| {
        let mut row = fixture::hears(id, events::profile::UPDATED.spec).timeout(20);
        if let Trigger::Listener(heard) = &mut row.trigger {
            heard.delay_s = delay_s;
        }
        row
    };
    module.rows = vec![delayed("demo.soon", 15), delayed("demo.later", 16), delayed("demo.now", 0)];
    let document = document(&Platform::of(vec![module])).unwrap();
    let topic = json!({
        "sns": { "name": "events.fifo", "ordering": {
            "type": "FIFO", "contentBasedDeduplication": false,
        } },
    });
    assert_eq!(document["channels"]["events_fifo"]["bindings"], topic);
    let queue = json!({
        "name": "demo-now",
        "fifoQueue": false,
        "visibilityTimeout": 120,
        "messageRetentionPeriod": 1_209_600,
        "redrivePolicy": { "deadLetterQueue": { "name": "demo-now-dlq" }, "maxReceiveCount": 10 },
    });
    let dead = json!({
        "name": "demo-now-dlq", "fifoQueue": false, "messageRetentionPeriod": 1_209_600,
    });
    let sqs = |listener: &str| document["channels"][listener]["bindings"]["sqs"].clone();
    assert_eq!(sqs("demo_now"), json!({ "queue": queue, "deadLetterQueue": dead }));
    assert_eq!(sqs("demo_soon")["queue"]["deliveryDelay"], 15);
    assert_eq!(sqs("demo_later")["queue"]["x-delay-seconds"], 16);
    assert!(sqs("demo_later")["queue"].get("deliveryDelay").is_none());
    let consumer = json!({
        "protocol": "sqs",
        "endpoint": { "name": "demo-now" },
        "filterPolicy": { "type": ["profile.profile.updated"] },
        "filterPolicyScope": "MessageAttributes",
        "rawMessageDelivery": true,
        "redrivePolicy": { "deadLetterQueue": { "name": "demo-now-dlq" } },
    });
    assert_eq!(
        document["operations"]["demo_now"]["bindings"]["sns"]["consumers"],
        json!([consumer])
    );
}

#[test]
fn the_golden_sample_has_every_required_attribute() {
    let platform = fixture::platform();
    let sample = crate::sample::envelope(&platform.events[0]).unwrap();
    for name in envelope_schema()["required"].as_array().unwrap() {
        assert!(sample.get(name.as_str().unwrap()).is_some(), "{name}");
    }
}
