//! JSON Schemas: references followed, members taken apart, names kept from colliding.

use serde_json::{Map, Value};

/// Where shared schemas are in a document.
const COMPONENTS: &str = "#/components/schemas/";

/// The schema itself, where this is a reference to a shared one.
pub fn resolved<'a>(schema: &'a Value, shared: &'a Map<String, Value>) -> &'a Value {
    let name =
        schema.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix(COMPONENTS));
    match name.and_then(|name| shared.get(name)) {
        Some(found) => resolved(found, shared),
        None => schema,
    }
}

/// A member of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub name: String,
    pub schema: Value,
    pub required: bool,
}

/// The members of an object in the order of its type; none where it is no object.
pub fn members(schema: &Value, shared: &Map<String, Value>) -> Vec<Member> {
    let object = resolved(schema, shared);
    let required = object.get("required").and_then(Value::as_array);
    let is_required = |name: &str| {
        required.is_some_and(|names| names.iter().any(|one| one.as_str() == Some(name)))
    };
    let properties = object.get("properties").and_then(Value::as_object);
    let member = |(name, schema): (&String, &Value)| Member {
        name: name.clone(),
        schema: schema.clone(),
        required: is_required(name),
    };
    properties.map(|all| all.iter().map(member).collect()).unwrap_or_default()
}

/// Renames every reference to a shared schema.
pub fn rename_references(schema: &mut Value, rename: &impl Fn(&str) -> String) {
    match schema {
        Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                let target = value.as_str().and_then(|to| to.strip_prefix(COMPONENTS));
                match target.filter(|_| key == "$ref").map(rename) {
                    Some(name) => *value = Value::String(format!("{COMPONENTS}{name}")),
                    None => rename_references(value, rename),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename_references(item, rename)),
        _ => {}
    }
}

/// The names of the shared schemas that a value refers to, directly or through others.
pub fn reachable(value: &Value, shared: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    collect(value, shared, &mut found);
    found.sort_unstable();
    found
}

fn collect(value: &Value, shared: &Map<String, Value>, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            let target = object.get("$ref").and_then(Value::as_str);
            if let Some(name) = target.and_then(|to| to.strip_prefix(COMPONENTS))
                && !found.iter().any(|known| known == name)
            {
                found.push(name.to_owned());
                if let Some(schema) = shared.get(name) {
                    collect(schema, shared, found);
                }
            }
            object.values().for_each(|inner| collect(inner, shared, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, shared, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_followed_and_renamed() {
        let shared = json!({
            "A": { "properties": { "b": { "$ref": "#/components/schemas/B" } }, "required": ["b"] },
            "B": { "type": "string" },
        });
        let Value::Object(shared) = shared else { unreachable!() };
        let reference = json!({ "$ref": "#/components/schemas/A" });
        let members = members(&reference, &shared);
        assert_eq!((members[0].name.as_str(), members[0].required), ("b", true));
        assert_eq!(resolved(&members[0].schema, &shared), &json!({ "type": "string" }));
        assert_eq!(reachable(&reference, &shared), ["A", "B"]);
        let mut renamed = json!([reference]);
        rename_references(&mut renamed, &|name| format!("Event{name}"));
        assert_eq!(renamed, json!([{ "$ref": "#/components/schemas/EventA" }]));
    }
}
