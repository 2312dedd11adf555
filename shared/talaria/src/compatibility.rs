//! What a release promised about its events against what is announced now. Readers are never broken in
//! place: what has to break gets a new major, announced beside the old one for a release.

mod shape;

use serde_json::{Map, Value};

use shape::Comparison;

/// The event document of the last release.
pub const RELEASED: &str = "docs/generated/released/asyncapi.yaml";

/// Every broken promise, each as one line.
pub fn breaks(released: &Value, current: &Value) -> Vec<String> {
    let mut found = of_channels(released, current);
    found.extend(of_messages(released, current));
    let envelope = |document: &Value| document.pointer("/components/schemas/Envelope").cloned();
    if let (Some(before), Some(after)) = (envelope(released), envelope(current)) {
        found.extend(Comparison { released, current }.breaks("the envelope", &before, &after));
    }
    found
}

fn members<'a>(
    document: &'a Value,
    pointer: &str,
) -> impl Iterator<Item = (&'a String, &'a Value)> {
    document.pointer(pointer).and_then(Value::as_object).into_iter().flatten()
}

/// Channels are there, and topics still carry what they carried. What a listener takes from its queue is
/// its own affair.
fn of_channels(released: &Value, current: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let messages = |document: &Value| -> Vec<String> {
        members(document, "/components/messages").map(|(key, _)| key.clone()).collect()
    };
    let still_there = messages(current);
    for (key, before) in members(released, "/channels") {
        let Some(after) = current.pointer(&format!("/channels/{key}")) else {
            found.push(format!("channel {key} is removed"));
            continue;
        };
        if before.pointer("/bindings/sns").is_none() {
            continue;
        }
        for (message, _) in members(before, "/messages") {
            let is_carried = after.pointer(&format!("/messages/{message}")).is_some();
            if !is_carried && still_there.contains(message) {
                found.push(format!("channel {key} no longer carries message {message}"));
            }
        }
    }
    found
}

/// An event's name and major, by the schema of its data.
fn identity(message: &Value) -> Option<(&str, u16)> {
    let schema = message.pointer("/payload/properties/dataschema/const")?.as_str()?;
    let (name, major) = schema.strip_prefix("urn:talaria:event:")?.rsplit_once(':')?;
    Some((name, major.parse().ok()?))
}

/// Messages are there and of the same shape, or were replaced by a newer major that is a release old.
fn of_messages(released: &Value, current: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let comparison = Comparison { released, current };
    let no_messages = Map::new();
    let pointer = "/components/messages";
    let now = current.pointer(pointer).and_then(Value::as_object).unwrap_or(&no_messages);
    for (key, before) in members(released, pointer) {
        let Some(after) = now.get(key) else {
            if !is_replaced(before, released, current) {
                found.push(format!(
                    "message {key} is removed: announce a newer major beside it for a release first"
                ));
            }
            continue;
        };
        let data = |message: &Value| message.pointer("/payload/properties/data").cloned();
        if let (Some(before), Some(after)) = (data(before), data(after)) {
            found.extend(comparison.breaks(&format!("message {key}: data"), &before, &after));
        }
    }
    found
}

fn is_replaced(message: &Value, released: &Value, current: &Value) -> bool {
    let Some((name, major)) = identity(message) else { return false };
    let has_newer = |document: &Value| {
        members(document, "/components/messages").any(|(_, other)| {
            identity(other).is_some_and(|(other, newer)| other == name && newer > major)
        })
    };
    has_newer(released) && has_newer(current)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::asyncapi;
    use crate::platform::Platform;

    fn document() -> Value {
        asyncapi::document(&Platform::read()).unwrap()
    }

    fn strike(document: &mut Value, pointer: &str, key: &str) {
        document.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(key).unwrap();
    }

    #[test]
    fn what_did_not_change_breaks_nothing() {
        assert_eq!(breaks(&document(), &document()), [] as [String; 0]);
    }

    #[test]
    fn every_kind_of_break_in_the_real_document_is_told() {
        type Spoil = fn(&mut Value);
        let removed = "is removed: announce a newer major beside it for a release first";
        let cases: [(&str, Spoil, String); 6] = [
            (
                "a removed channel",
                |now| strike(now, "/channels", "notification_on_event"),
                "channel notification_on_event is removed".to_owned(),
            ),
            (
                "a removed message",
                |now| strike(now, "/components/messages", "auth_key_promoted"),
                format!("message auth_key_promoted {removed}"),
            ),
            (
                "a message on another topic",
                |now| strike(now, "/channels/events/messages", "auth_key_promoted"),
                "channel events no longer carries message auth_key_promoted".to_owned(),
            ),
            (
                "a removed member",
                |now| strike(now, "/components/schemas/KeyPromoted/properties", "kid"),
                "message auth_key_promoted: data.kid is removed".to_owned(),
            ),
            (
                "a narrower envelope",
                |now| {
                    let member = "/components/schemas/Envelope/properties/actorid/maxLength";
                    *now.pointer_mut(member).unwrap() = json!(1);
                },
                "the envelope.actorid: maxLength narrows from 64 to 1".to_owned(),
            ),
            (
                "a narrower enum",
                |now| {
                    let member = "/components/schemas/RevocationReason/enum";
                    now.pointer_mut(member).unwrap().as_array_mut().unwrap().remove(0);
                },
                "message auth_session_revoked: data.reason no longer allows \"logout\"".to_owned(),
            ),
        ];
        for (what, spoil, expected) in cases {
            let mut now = document();
            spoil(&mut now);
            assert_eq!(breaks(&document(), &now), [expected], "{what}");
        }
    }

    #[test]
    fn additions_break_nothing() {
        let mut now = document();
        let sent = now["components"]["messages"]["auth_key_promoted"].clone();
        now["components"]["messages"]["auth_key_retired"] = sent;
        now["channels"]["auth_on_key"] = json!({ "messages": {} });
        now["components"]["schemas"]["KeyPromoted"]["properties"]["added"] =
            json!({ "type": "string" });
        assert_eq!(breaks(&document(), &now), [] as [String; 0]);
    }

    #[test]
    fn a_message_may_go_once_its_newer_major_was_released_beside_it() {
        let (key, newer_key) = ("auth_key_promoted", "auth_key_promoted_v2");
        let mut both = document();
        let mut newer = both["components"]["messages"][key].clone();
        newer["payload"]["properties"]["dataschema"]["const"] =
            json!("urn:talaria:event:auth.key.promoted:2");
        both["components"]["messages"][newer_key] = newer.clone();
        let mut newest = both.clone();
        strike(&mut newest, "/components/messages", key);
        strike(&mut newest, "/channels/events/messages", key);
        assert_eq!(breaks(&document(), &both), [] as [String; 0]);
        assert_eq!(breaks(&both, &newest), [] as [String; 0]);
        let removed = "is removed: announce a newer major beside it for a release first";
        assert_eq!(breaks(&document(), &newest), [format!("message {key} {removed}")]);
    }
}
