//! The request of a list: its own filters, and the two members that all lists have.

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;

use super::{Cursor, Limit};

const LIMIT: &str = "limit";
const CURSOR: &str = "cursor";

/// What a list is asked: which items, how many of them, and where to go on. The filters stand beside
/// `limit` and `cursor`, as members of one object.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct List<Filters> {
    #[serde(flatten)]
    pub filters: Filters,
    pub limit: Limit,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
}

impl<Filters> List<Filters> {
    /// The first page of the usual size.
    pub fn of(filters: Filters) -> Self {
        Self { filters, limit: Limit::default(), cursor: None }
    }
}

// Written by hand: `flatten` would read every member as text or number before its type is known, and
// take unknown ones.
impl<'de, Filters: Deserialize<'de>> Deserialize<'de> for List<Filters> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members(PhantomData))
    }
}

struct Members<Filters>(PhantomData<Filters>);

impl<'de, Filters: Deserialize<'de>> Visitor<'de> for Members<Filters> {
    type Value = List<Filters>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("filters, limit and cursor")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let mut others = Others { map, limit: None, cursor: None };
        let filters = Filters::deserialize(MapAccessDeserializer::new(&mut others))?;
        let Others { limit, cursor, .. } = others;
        Ok(List { filters, limit: limit.unwrap_or_default(), cursor: cursor.flatten() })
    }
}

/// The members that are filters; `limit` and `cursor` are kept aside as they come by.
struct Others<A> {
    map: A,
    limit: Option<Limit>,
    cursor: Option<Option<Cursor>>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for &mut Others<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        while let Some(name) = self.map.next_key::<String>()? {
            match name.as_str() {
                LIMIT => self.limit = Some(self.map.next_value()?),
                CURSOR => self.cursor = Some(self.map.next_value()?),
                _ => return seed.deserialize(name.into_deserializer()).map(Some),
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

impl<Filters: JsonSchema> JsonSchema for List<Filters> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}List", Filters::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Filters::json_schema(generator);
        let mut limit = Limit::json_schema(generator);
        limit.insert("description".to_owned(), "At most this many items, 1 to 100.".into());
        let cursor = json!({
            "type": "string",
            "description": "The `next_cursor` of the page before. It works for who read that page, with \
                            the same filters.",
        });
        let members = schema.ensure_object().entry("properties").or_insert_with(|| json!({}));
        if let Some(members) = members.as_object_mut() {
            members.insert(LIMIT.to_owned(), limit.to_value());
            members.insert(CURSOR.to_owned(), cursor);
        }
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Shelf {
        row: u8,
        #[serde(default)]
        colour: Option<String>,
    }

    fn read(text: &str) -> Result<List<Shelf>, String> {
        serde_json::from_str(text).map_err(|fault| fault.to_string())
    }

    #[test]
    fn filters_limit_and_cursor_stand_side_by_side() {
        let shelf = Shelf { row: 7, colour: Some("red".to_owned()) };
        let usual = List::of(Shelf { row: 7, colour: None });
        assert_eq!(read(r#"{"row":7}"#), Ok(usual.clone()));
        assert_eq!(read(r#"{"row":7,"cursor":null}"#), Ok(usual));
        let all = read(r#"{"cursor":"c","row":7,"limit":3,"colour":"red"}"#).unwrap();
        let (limit, cursor) = (Limit::parse(3).unwrap(), Some(Cursor::new("c")));
        assert_eq!(all, List { filters: shelf, limit, cursor });
        assert_eq!(read(&serde_json::to_string(&all).unwrap()), Ok(all));
    }

    #[test]
    fn what_is_no_such_request_is_refused() {
        let table = [
            (r#"{"limit":3}"#, "missing field `row`"),
            (r#"{"row":7,"limit":0}"#, "out_of_range: a page holds 1 to 100 items"),
            (r#"{"row":7,"limit":"3"}"#, "invalid type: string"),
            (r#"{"row":7,"colours":"red"}"#, "unknown field `colours`"),
            ("[7]", "invalid type: sequence"),
        ];
        for (text, expected) in table {
            let refused = read(text).unwrap_err();
            assert!(refused.starts_with(expected), "{text}: {refused}");
        }
    }

    #[test]
    fn the_schema_names_every_member_and_no_other() {
        let schema = schemars::schema_for!(List<Shelf>).to_value();
        let members: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        assert_eq!(members.len(), 4, "{members:?}");
        assert_eq!(schema["properties"][LIMIT]["maximum"], 100);
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["required"], json!(["row"]));
    }
}
