//! Members of data: each is of a known class, never null, and the sample has it.

use serde_json::{Map, Value};

use crate::largest::{DEPTH_MAX, id_prefix, resolved};

/// The mark of a member that is neither an id nor personal: it says a fact.
const MARK: &str = "x-pii";
/// The pattern of a reference to an entity: its type and its id.
const ENTITY: &str = "^[a-z_]+/[^/#]+$";

/// What is wrong with the members of this data.
pub fn faults(schema: &Value, sample: &Value, shared: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    if resolved(schema, shared).get("type") != Some(&Value::from("object")) {
        found.push("data must be an object".to_owned());
    }
    walk("data", schema, shared, &mut found);
    if has_null(sample) {
        found.push("the sample holds a null: leave the member out".to_owned());
    }
    found
}

fn walk(path: &str, schema: &Value, shared: &Map<String, Value>, found: &mut Vec<String>) {
    let object = resolved(schema, shared);
    for (name, member) in object.get("properties").and_then(Value::as_object).into_iter().flatten()
    {
        let path = format!("{path}.{name}");
        if may_be_null(member, shared) {
            found.push(format!("{path} may be null: leave it out where it has no value"));
        }
        found.extend(class_fault(member, shared).map(|fault| format!("{path} {fault}")));
        // Data that holds itself is refused for its size; here the walk only has to end.
        if path.matches('.').count() < DEPTH_MAX {
            walk(&path, items(member, shared), shared, found);
        }
    }
}

/// What a list holds, or the member itself.
fn items<'a>(member: &'a Value, shared: &'a Map<String, Value>) -> &'a Value {
    let member = resolved(member, shared);
    member.get("items").map_or(member, |items| resolved(items, shared))
}

/// The fault in the class of a member, which is an id by its type, an object of classed members, or a fact
/// by its mark.
fn class_fault(member: &Value, shared: &Map<String, Value>) -> Option<&'static str> {
    let inner = items(member, shared);
    let is_entity = inner.get("pattern").and_then(Value::as_str) == Some(ENTITY);
    let is_classed = id_prefix(inner).is_some() || is_entity || inner.get("properties").is_some();
    match (is_classed, member.get(MARK).map(Value::as_str)) {
        (true, None) | (false, Some(Some("fact"))) => None,
        (true, Some(_)) => Some("has its class by its type: strike its mark"),
        (false, None) => {
            Some("has no class: an event holds ids, and facts marked extend(\"x-pii\" = \"fact\")")
        }
        (false, Some(_)) => Some("is marked as something that no event may hold"),
    }
}

fn may_be_null(member: &Value, shared: &Map<String, Value>) -> bool {
    let member = resolved(member, shared);
    let is_null = |kind: &Value| kind.as_str() == Some("null");
    let kinds = member.get("type");
    let choices = ["anyOf", "oneOf"].into_iter().filter_map(|word| member.get(word)?.as_array());
    kinds.is_some_and(|kind| {
        is_null(kind) || kind.as_array().is_some_and(|all| all.iter().any(is_null))
    }) || choices.flatten().any(|choice| may_be_null(choice, shared))
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(members) => members.values().any(has_null),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults_of(member: Value) -> Vec<String> {
        let shared = json!({
            "Word": { "enum": ["a"] },
            "Part": { "type": "object", "properties": { "open": { "type": "boolean" } } },
        });
        let schema = json!({ "type": "object", "properties": { "x": member } });
        faults(&schema, &json!({ "x": 1 }), shared.as_object().unwrap())
    }

    #[test]
    fn every_member_is_an_id_or_marked_as_a_fact() {
        let id = json!({ "type": "string", "pattern": "^usr_[0-7][0-9a-hjkmnp-tv-z]{25}$" });
        let fact = |more: Value| {
            let mut fact = json!({ "x-pii": "fact" });
            fact.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            fact
        };
        let good = [
            id.clone(),
            json!({ "type": "array", "items": id }),
            json!({ "type": "string", "maxLength": 9, "pattern": ENTITY }),
            fact(json!({ "type": "string" })),
            fact(json!({ "type": "array", "items": { "type": "string" } })),
            fact(json!({ "allOf": [{ "$ref": "#/components/schemas/Word" }] })),
        ];
        for member in good {
            assert_eq!(faults_of(member.clone()), [] as [String; 0], "{member}");
        }
        let missing =
            "has no class: an event holds ids, and facts marked extend(\"x-pii\" = \"fact\")";
        let bad = [
            (json!({ "type": "string" }), format!("data.x {missing}")),
            (json!({ "type": "boolean" }), format!("data.x {missing}")),
            (json!({ "$ref": "#/components/schemas/Word" }), format!("data.x {missing}")),
            (json!({ "$ref": "#/components/schemas/Part" }), format!("data.x.open {missing}")),
            (
                json!({ "type": "array", "items": { "$ref": "#/components/schemas/Part" } }),
                format!("data.x.open {missing}"),
            ),
            (
                json!({ "type": "string", "x-pii": "name" }),
                "data.x is marked as something that no event may hold".to_owned(),
            ),
            (fact(id), "data.x has its class by its type: strike its mark".to_owned()),
        ];
        for (member, fault) in bad {
            assert_eq!(faults_of(member.clone()), [fault], "{member}");
        }
    }

    #[test]
    fn what_may_be_null_is_refused() {
        let nulls = [
            json!({ "type": ["string", "null"], "x-pii": "fact" }),
            json!({ "anyOf": [{ "type": "string" }, { "type": "null" }], "x-pii": "fact" }),
        ];
        for member in nulls {
            assert_eq!(
                faults_of(member),
                ["data.x may be null: leave it out where it has no value"]
            );
        }
        let schema = json!({ "type": "object" });
        let fault = "the sample holds a null: leave the member out";
        assert_eq!(faults(&schema, &json!({ "x": [null] }), &Map::new()), [fault]);
        assert_eq!(faults(&json!({}), &json!({}), &Map::new()), ["data must be an object"]);
    }
}
