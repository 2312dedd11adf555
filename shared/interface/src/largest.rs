//! The largest envelope an event can have by its schema. What fits the limit of an envelope here can never
//! be too large.

use kernel::{AnyId, EntityRef, EventId, TenantId, Timestamp, UserId};
use serde_json::{Map, Value, json};

use crate::catalogue::Entry;
use crate::envelope::{ACTOR_MAX, CORRELATION_MAX, Envelope, Origin, SUBJECT_MAX, TRACE_MAX};

/// The pattern of a text of visible ASCII characters. Of all patterns beside those of ids, only this one
/// makes a text smaller: JSON writes any other character in up to six bytes.
pub const ASCII: &str = "^[!-~]*$";
/// How the pattern of an id ends; its prefix stands before it.
const ID_BODY: &str = "_[0-7][0-9a-hjkmnp-tv-z]{25}$";
/// Where shared schemas are.
const COMPONENTS: &str = "#/components/schemas/";
/// Deepest nesting of data; a type that holds itself has no largest value.
pub(crate) const DEPTH_MAX: usize = 8;

/// A member whose schema does not say how large it can get.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} {lack}")]
pub struct Unbounded {
    /// From the data down: `targets[]`.
    pub path: String,
    /// What to add.
    pub lack: &'static str,
}

/// The largest envelope of this event: every attribute at its limit, of characters that take the most
/// room, around the largest data. Refuses data without a bound.
pub fn envelope(entry: &Entry, shared: &Map<String, Value>) -> Result<Envelope, Unbounded> {
    let data = data(&entry.schema, shared)?;
    let entity = entry.spec.entity;
    let subject = "\\".repeat(SUBJECT_MAX - entity.as_str().len() - 1);
    let origin = Origin {
        tenant: TenantId::from_bytes([255; 16]),
        livemode: false,
        actor: Some(AnyId::from(UserId::from_bytes([255; 16]))),
        correlation: "\\".repeat(CORRELATION_MAX),
        causation: Some(EventId::from_bytes([255; 16])),
        traceparent: Some("\\".repeat(TRACE_MAX)),
    };
    let (id, now) = (EventId::from_bytes([255; 16]), Timestamp::from_ms(0));
    let subject = EntityRef::new(entity, subject);
    let mut largest = Envelope::new(&entry.spec, id, subject, u64::MAX, now, &origin, data);
    largest.actorid = Some("\\".repeat(ACTOR_MAX));
    largest.tracestate = Some("\\".repeat(TRACE_MAX));
    Ok(largest)
}

/// The largest data of this schema; refuses a member without a bound.
pub fn data(schema: &Value, shared: &Map<String, Value>) -> Result<Value, Unbounded> {
    Search { shared, depth: 0 }.largest("data", schema)
}

/// The schema itself, where this is nothing but a reference to a shared one, or one with annotations.
pub(crate) fn resolved<'a>(schema: &'a Value, shared: &'a Map<String, Value>) -> &'a Value {
    let alone = schema.get("allOf").and_then(Value::as_array).filter(|all| all.len() == 1);
    let schema = alone.and_then(|all| all.first()).unwrap_or(schema);
    let name = schema.get("$ref").and_then(Value::as_str);
    match name.and_then(|to| shared.get(to.strip_prefix(COMPONENTS)?)) {
        Some(found) => resolved(found, shared),
        None => schema,
    }
}

/// The prefix of the id that this pattern describes.
pub(crate) fn id_prefix(schema: &Value) -> Option<&str> {
    schema.get("pattern")?.as_str()?.strip_prefix('^')?.strip_suffix(ID_BODY)
}

/// One walk through a schema.
#[derive(Clone, Copy)]
struct Search<'a> {
    shared: &'a Map<String, Value>,
    depth: usize,
}

impl Search<'_> {
    fn largest(self, path: &str, schema: &Value) -> Result<Value, Unbounded> {
        let lacks = |lack| Err(Unbounded { path: path.to_owned(), lack });
        if self.depth > DEPTH_MAX {
            return lacks("is nested too deep");
        }
        let schema = resolved(schema, self.shared);
        let inner = Self { depth: self.depth + 1, ..self };
        if let Some(word) = schema.get("const") {
            return Ok(word.clone());
        }
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            return Ok(longest(words.iter().cloned()));
        }
        for choice in ["oneOf", "anyOf"] {
            if let Some(choices) = schema.get(choice).and_then(Value::as_array) {
                let all = choices.iter().map(|one| inner.largest(path, one));
                return Ok(longest(all.collect::<Result<Vec<_>, _>>()?));
            }
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("string") => match text(schema) {
                Some(text) => Ok(json!(text)),
                None => lacks("has no longest length: add length(max = …)"),
            },
            Some("integer") => Ok(integer(schema)),
            Some("boolean") => Ok(json!(false)),
            Some("array") => match (bound(schema, "maxItems"), schema.get("items")) {
                (Some(count), Some(items)) => {
                    let item = inner.largest(&format!("{path}[]"), items)?;
                    Ok(Value::Array(vec![item; count]))
                }
                _ => lacks("has no most items: add length(max = …)"),
            },
            Some("object") => {
                let Some(members) = schema.get("properties").and_then(Value::as_object) else {
                    return lacks("is an object without named members");
                };
                let member = |(name, member): (&String, &Value)| {
                    let value = inner.largest(&format!("{path}.{name}"), member)?;
                    Ok((name.clone(), value))
                };
                members.iter().map(member).collect::<Result<_, _>>().map(Value::Object)
            }
            _ => lacks("is of no single type that has a largest value"),
        }
    }
}

fn bound(schema: &Value, word: &str) -> Option<usize> {
    usize::try_from(schema.get(word)?.as_u64()?).ok()
}

fn longest(all: impl IntoIterator<Item = Value>) -> Value {
    all.into_iter().max_by_key(|value| value.to_string().len()).unwrap_or(Value::Null)
}

/// The text of most bytes in JSON; `None` where its length has no bound.
fn text(schema: &Value) -> Option<String> {
    if let Some(prefix) = id_prefix(schema) {
        return Some(format!("{prefix}_7{}", "z".repeat(25)));
    }
    if schema.get("format").and_then(Value::as_str) == Some("date-time") {
        return Some(Timestamp::from_ms(0).to_string());
    }
    let is_ascii = schema.get("pattern").and_then(Value::as_str) == Some(ASCII);
    let widest = if is_ascii { "\\" } else { "\u{1}" };
    Some(widest.repeat(bound(schema, "maxLength")?))
}

/// The integer of most digits.
fn integer(schema: &Value) -> Value {
    match (schema.get("minimum"), schema.get("maximum")) {
        (Some(least), Some(most)) => longest([least.clone(), most.clone()]),
        (Some(least), None) if least.as_i64().is_some_and(|least| least >= 0) => json!(u64::MAX),
        _ => json!(i64::MIN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_without_a_bound_is_named() {
        let of = |member: Value| json!({ "type": "object", "properties": { "x": member } });
        let text = "has no longest length: add length(max = …)";
        let cases = [
            (of(json!({ "type": "string" })), "data.x", text),
            (of(json!({ "type": "string", "pattern": "^a$" })), "data.x", text),
            (
                of(json!({ "type": "array", "items": { "type": "boolean" } })),
                "data.x",
                "has no most items: add length(max = …)",
            ),
            (
                of(json!({ "type": "array", "maxItems": 2, "items": { "type": "string" } })),
                "data.x[]",
                text,
            ),
            (of(json!({ "type": "object" })), "data.x", "is an object without named members"),
            (of(json!({})), "data.x", "is of no single type that has a largest value"),
            (
                of(json!({ "type": "number" })),
                "data.x",
                "is of no single type that has a largest value",
            ),
            (of(of(json!({ "type": "string" }))), "data.x.x", text),
            (
                of(json!({ "$ref": "#/components/schemas/Loop" })),
                "data.x.x.x.x.x.x.x.x.x",
                "is nested too deep",
            ),
        ];
        let shared = json!({ "Loop": of(json!({ "$ref": "#/components/schemas/Loop" })) });
        for (schema, path, lack) in cases {
            let refused = data(&schema, shared.as_object().unwrap()).unwrap_err();
            assert_eq!(refused, Unbounded { path: path.to_owned(), lack }, "{schema}");
        }
    }

    #[test]
    fn the_largest_value_takes_the_most_bytes_its_schema_allows() {
        let cases = [
            (json!({ "type": "string", "maxLength": 2 }), r#""\u0001\u0001""#.len()),
            (json!({ "type": "string", "maxLength": 2, "pattern": ASCII }), r#""\\\\""#.len()),
            (
                json!({ "type": "string", "pattern": "^usr_[0-7][0-9a-hjkmnp-tv-z]{25}$" }),
                r#""usr_01jd6gr000000000000000000x""#.len(),
            ),
            (json!({ "enum": ["a", "abc"] }), r#""abc""#.len()),
            (json!({ "oneOf": [{ "const": "a" }, { "enum": ["ab"] }] }), r#""ab""#.len()),
            (json!({ "type": "integer", "minimum": 0, "maximum": 255 }), "255".len()),
            (json!({ "type": "integer", "minimum": 0 }), "18446744073709551615".len()),
            (json!({ "type": "integer" }), "-9223372036854775808".len()),
            (
                json!({ "type": "array", "maxItems": 3, "items": { "type": "boolean" } }),
                "[false,false,false]".len(),
            ),
        ];
        for (schema, bytes) in cases {
            let largest = data(&schema, &Map::new()).unwrap();
            assert_eq!(largest.to_string().len(), bytes, "{schema}");
        }
    }
}
