//! Two schemas of one value: whether what was promised of it still holds.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::schema::resolved;

/// Deepest nesting that is compared; our data is flat.
const DEPTH_MAX: usize = 8;
/// Bounds that narrow by falling.
const UPPER: &[&str] = &["maxItems", "maxLength", "maximum"];
/// Bounds that narrow by rising.
const LOWER: &[&str] = &["minItems", "minLength", "minimum"];

/// A schema without references: its own words and those of every schema it joins.
type Flat = Map<String, Value>;

/// Two documents whose schemas are compared.
#[derive(Clone, Copy)]
pub struct Comparison<'a> {
    pub released: &'a Value,
    pub current: &'a Value,
}

impl Comparison<'_> {
    /// Every way in which the schema `after` breaks what `before` promised of the value at `path`.
    pub fn breaks(self, path: &str, before: &Value, after: &Value) -> Vec<String> {
        self.compare(path, before, after, 0)
    }

    fn compare(self, path: &str, before: &Value, after: &Value, depth: usize) -> Vec<String> {
        if depth > DEPTH_MAX {
            return Vec::new();
        }
        let (before, after) = (flat(before, self.released), flat(after, self.current));
        let (was, is) = (types(&before, self.released), types(&after, self.current));
        if was != is {
            let words =
                |types: BTreeSet<String>| types.into_iter().collect::<Vec<_>>().join(" or ");
            return vec![format!("{path} changes its type from {} to {}", words(was), words(is))];
        }
        let mut found = self.values(path, &before, &after);
        found.extend(bounds(path, &before, &after));
        found.extend(self.members(path, &before, &after, depth));
        if let (Some(before), Some(after)) = (before.get("items"), after.get("items")) {
            found.extend(self.compare(&format!("{path}[]"), before, after, depth + 1));
        }
        found
    }

    /// Words that were allowed still are, and free values do not become a choice.
    fn values(self, path: &str, before: &Flat, after: &Flat) -> Vec<String> {
        let mut found = Vec::new();
        match (choices(before, self.released), choices(after, self.current)) {
            (_, None) => {}
            (None, Some(_)) => found.push(format!("{path} becomes a choice of few values")),
            (Some(was), Some(is)) => {
                let gone = was.iter().filter(|value| !is.contains(value));
                found.extend(gone.map(|value| format!("{path} no longer allows {value}")));
            }
        }
        for word in ["pattern", "format"] {
            // The format of an integer is its range, and compared as such.
            let is_range = word == "format" && is_integer(after);
            let (was, is) = (before.get(word), after.get(word));
            if is.is_some() && is != was && !is_range {
                found.push(format!("{path} changes its {word}"));
            }
        }
        found
    }

    /// Members are there, and none becomes required: events from before lack it.
    fn members(self, path: &str, before: &Flat, after: &Flat, depth: usize) -> Vec<String> {
        let mut found = Vec::new();
        let properties =
            |schema: &Flat| schema.get("properties").and_then(Value::as_object).cloned();
        let now = properties(after).unwrap_or_default();
        for (name, member) in properties(before).unwrap_or_default() {
            let path = format!("{path}.{name}");
            match now.get(&name) {
                None => found.push(format!("{path} is removed")),
                Some(other) => found.extend(self.compare(&path, &member, other, depth + 1)),
            }
        }
        let was_required = required(before);
        let becomes = required(after).into_iter().filter(|name| !was_required.contains(name));
        found.extend(becomes.map(|name| format!("{path}.{name} becomes required")));
        found
    }
}

fn flat(schema: &Value, document: &Value) -> Flat {
    let mut joined = Flat::new();
    join(schema, document, &mut joined, 0);
    joined
}

fn join(schema: &Value, document: &Value, joined: &mut Flat, depth: usize) {
    let none = Map::new();
    let shared =
        document.pointer("/components/schemas").and_then(Value::as_object).unwrap_or(&none);
    let schema = resolved(schema, shared);
    if depth > DEPTH_MAX {
        return;
    }
    for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        join(part, document, joined, depth + 1);
    }
    for (word, value) in
        schema.as_object().into_iter().flatten().filter(|(word, _)| *word != "allOf")
    {
        joined.insert(word.clone(), value.clone());
    }
}

/// The alternatives of a schema.
fn alternatives<'a>(schema: &'a Flat, document: &'a Value) -> impl Iterator<Item = Flat> + 'a {
    let lists = ["oneOf", "anyOf"].into_iter().filter_map(|word| schema.get(word)?.as_array());
    lists.flatten().map(move |one| flat(one, document))
}

/// The types of a value: as it says, or those of its alternatives and words.
fn types(schema: &Flat, document: &Value) -> BTreeSet<String> {
    match schema.get("type") {
        Some(Value::String(kind)) => BTreeSet::from([kind.clone()]),
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ => {
            let of_words = choices(schema, document).unwrap_or_default();
            let of_words = of_words.iter().map(|word| type_of(word).to_owned());
            alternatives(schema, document)
                .flat_map(|one| types(&one, document))
                .chain(of_words)
                .collect()
        }
    }
}

const fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The only values a schema allows; `None` where it allows more than it lists.
fn choices(schema: &Flat, document: &Value) -> Option<Vec<Value>> {
    if let Some(only) = schema.get("const") {
        return Some(vec![only.clone()]);
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return Some(words.clone());
    }
    let all: Vec<Option<Vec<Value>>> =
        alternatives(schema, document).map(|one| choices(&one, document)).collect();
    if all.is_empty() {
        return None;
    }
    all.into_iter().collect::<Option<Vec<_>>>().map(|lists| lists.concat())
}

fn required(schema: &Flat) -> Vec<String> {
    let names = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    names.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// No bound is narrower than it was.
fn bounds(path: &str, before: &Flat, after: &Flat) -> Vec<String> {
    let narrows = |word: &&str, is_narrower: fn(i128, i128) -> bool| {
        let (was, is) = (bound(before, word), bound(after, word)?);
        match was {
            Some(was) if is_narrower(was, is) => {
                Some(format!("{path}: {word} narrows from {was} to {is}"))
            }
            Some(_) => None,
            None => Some(format!("{path}: {word} is new, at {is}")),
        }
    };
    let upper = UPPER.iter().filter_map(|word| narrows(word, |was, is| is < was));
    let lower = LOWER.iter().filter_map(|word| narrows(word, |was, is| is > was));
    upper.chain(lower).collect()
}

fn is_integer(schema: &Flat) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("integer")
}

/// A bound as it is stated, or as the format of an integer implies it.
fn bound(schema: &Flat, word: &str) -> Option<i128> {
    let stated = schema.get(word);
    let number = stated.and_then(|value| {
        value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from))
    });
    let format = schema.get("format").and_then(Value::as_str).filter(|_| is_integer(schema));
    let implied = match (word, format) {
        ("maximum", Some("uint8")) => Some(i128::from(u8::MAX)),
        ("maximum", Some("uint16")) => Some(i128::from(u16::MAX)),
        ("maximum", Some("uint32")) => Some(i128::from(u32::MAX)),
        ("maximum", Some("uint64")) => Some(i128::from(u64::MAX)),
        ("maximum", Some("int32")) => Some(i128::from(i32::MAX)),
        ("maximum", Some("int64")) => Some(i128::from(i64::MAX)),
        ("minimum", Some("int32")) => Some(i128::from(i32::MIN)),
        ("minimum", Some("int64")) => Some(i128::from(i64::MIN)),
        _ => None,
    };
    number.or(implied)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn breaks(before: Value, after: Value) -> Vec<String> {
        let shared = json!({ "components": { "schemas": {
            "Old": { "type": "string", "enum": ["a", "b"] },
            "Documented": { "oneOf": [
                { "type": "string", "enum": ["a"] }, { "type": "string", "const": "b" },
            ] },
            "Grown": { "type": "string", "enum": ["a", "b", "c"] },
            "Shrunk": { "type": "string", "enum": ["b"] },
        } } });
        let comparison = Comparison { released: &shared, current: &shared };
        comparison.breaks("x", &before, &after)
    }

    fn to(name: &str) -> Value {
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    /// before, after, the break
    #[test]
    fn each_kind_of_break_is_told_and_its_opposite_is_allowed() {
        let object = |members: Value, required: Value| json!({ "type": "object", "properties": members, "required": required });
        let text = || json!({ "type": "string" });
        let of = |more: Value| {
            let mut schema = text();
            schema.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            schema
        };
        let list = |more: Value| json!({ "type": "array", "items": more });
        let integer = |format: &str| json!({ "type": "integer", "format": format });
        let narrowing = [
            (
                of(json!({ "maxLength": 9 })),
                of(json!({ "maxLength": 8 })),
                "x: maxLength narrows from 9 to 8",
            ),
            (text(), of(json!({ "maxLength": 8 })), "x: maxLength is new, at 8"),
            (
                of(json!({ "minLength": 1 })),
                of(json!({ "minLength": 2 })),
                "x: minLength narrows from 1 to 2",
            ),
            (text(), of(json!({ "minLength": 1 })), "x: minLength is new, at 1"),
            (
                list(text()),
                json!({ "type": "array", "items": text(), "maxItems": 5 }),
                "x: maxItems is new, at 5",
            ),
            (
                integer("uint64"),
                integer("uint32"),
                "x: maximum narrows from 18446744073709551615 to 4294967295",
            ),
            (
                json!({ "type": "integer", "minimum": 0 }),
                json!({ "type": "integer", "minimum": 1 }),
                "x: minimum narrows from 0 to 1",
            ),
            (text(), of(json!({ "pattern": "^a$" })), "x changes its pattern"),
            (text(), of(json!({ "format": "date-time" })), "x changes its format"),
            (text(), of(json!({ "enum": ["a"] })), "x becomes a choice of few values"),
            (text(), of(json!({ "const": "a" })), "x becomes a choice of few values"),
            (to("Old"), to("Shrunk"), "x no longer allows \"a\""),
            (to("Documented"), to("Shrunk"), "x no longer allows \"a\""),
            (
                object(json!({ "a": text() }), json!([])),
                object(json!({}), json!([])),
                "x.a is removed",
            ),
            (
                object(json!({ "a": text() }), json!([])),
                object(json!({ "a": text() }), json!(["a"])),
                "x.a becomes required",
            ),
            (
                object(json!({}), json!([])),
                object(json!({ "a": text() }), json!(["a"])),
                "x.a becomes required",
            ),
            (
                list(of(json!({ "maxLength": 9 }))),
                list(of(json!({ "maxLength": 1 }))),
                "x[]: maxLength narrows from 9 to 1",
            ),
        ];
        for (before, after, expected) in narrowing {
            assert_eq!(breaks(before.clone(), after.clone()), [expected]);
            let back = breaks(after, before);
            let is_removal = expected.ends_with("becomes required") && back == ["x.a is removed"];
            assert!(
                back.is_empty() || is_removal || expected.ends_with("is removed"),
                "{expected}: {back:?}"
            );
        }
    }

    #[test]
    fn a_changed_type_is_told_in_both_directions() {
        let (text, number) = (json!({ "type": "string" }), json!({ "type": "integer" }));
        let maybe = json!({ "type": ["string", "null"] });
        for (before, after, expected) in [
            (&text, &number, "x changes its type from string to integer"),
            (&number, &text, "x changes its type from integer to string"),
            (&text, &maybe, "x changes its type from string to null or string"),
            (&maybe, &text, "x changes its type from null or string to string"),
        ] {
            assert_eq!(breaks(before.clone(), after.clone()), [expected]);
        }
    }

    #[test]
    fn the_same_said_in_other_words_breaks_nothing() {
        let marked = json!({ "x-pii": "fact", "description": "new", "allOf": [to("Old")] });
        for (before, after) in [
            (to("Old"), to("Documented")),
            (to("Documented"), to("Old")),
            (to("Old"), to("Grown")),
            (to("Old"), marked.clone()),
            (marked, to("Old")),
            (json!({ "type": "string", "const": "a" }), json!({ "const": "a" })),
        ] {
            assert_eq!(breaks(before, after), [] as [String; 0]);
        }
    }
}
