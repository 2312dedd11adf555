//! Schemas that say nothing. `true` is a valid schema that every value fits; customers learn nothing from
//! it, and generators of clients stop there.

use serde_json::Value;

use super::{Breach, breach};
use crate::platform::Platform;

/// Every request, answer and shared schema that is `true`, or has a member that is.
pub fn breaches(platform: &Platform) -> Vec<Breach> {
    let pages = platform.pages.iter().flat_map(|page| {
        let id = page.spec.id;
        [(format!("request of {id}"), &page.request), (format!("answer of {id}"), &page.answer)]
    });
    let shared = platform.schemas.iter().map(|(name, schema)| (format!("schema {name}"), schema));
    let found = pages.chain(shared).filter_map(|(what, schema)| {
        let place = unsaid(schema)?;
        Some(breach!("{what}: {place}may be anything: give it a type that says what it is"))
    });
    found.collect()
}

/// Where a schema says nothing, as words before "may be anything".
fn unsaid(schema: &Value) -> Option<String> {
    if schema.is_boolean() {
        return Some(String::new());
    }
    let members = schema.get("properties").and_then(Value::as_object);
    let member = members.into_iter().flatten().find(|(_, member)| unsaid(member).is_some());
    let item = schema.get("items").filter(|items| unsaid(items).is_some());
    let of_member = member.map(|(name, _)| format!("member {name} "));
    of_member.or(item.map(|_| "an item ".to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture;

    #[test]
    fn a_schema_that_every_value_fits_is_refused_wherever_it_stands() {
        let cases = [
            (json!(true), Some("")),
            (json!({ "type": "object", "additionalProperties": true }), None),
            (json!({ "properties": { "a": { "type": "string" }, "b": true } }), Some("member b ")),
            (json!({ "type": "array", "items": true }), Some("an item ")),
            (json!({ "$ref": "#/components/schemas/A" }), None),
        ];
        for (schema, expected) in cases {
            assert_eq!(unsaid(&schema).as_deref(), expected, "{schema}");
        }
    }

    #[test]
    fn the_breach_names_what_says_nothing() {
        let mut platform = fixture::platform();
        let before = breaches(&platform);
        assert_eq!(before, []);
        platform.schemas.insert("Loose".to_owned(), json!(true));
        let line = "schema Loose: may be anything: give it a type that says what it is";
        assert_eq!(breaches(&platform), [Breach(line.to_owned())]);
    }
}
