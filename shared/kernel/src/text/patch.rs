//! A member of a merge patch.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};

/// What a JSON merge patch (RFC 7396) says about one member.
///
/// The member needs `#[serde(default)]`, on itself or on its struct: without it serde reads a
/// member left out as `null`, which would clear what should stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Patch<T> {
    /// Not sent: stays as it is.
    #[default]
    Absent,
    /// Sent as `null`: is cleared.
    Null,
    /// Sent with a value: is set.
    Value(T),
}

impl<T> Patch<T> {
    /// Changes `target` as the patch says.
    pub fn apply(self, target: &mut Option<T>) {
        match self {
            Self::Absent => {}
            Self::Null => *target = None,
            Self::Value(value) => *target = Some(value),
        }
    }

    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// The same patch with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Self::Absent => Patch::Absent,
            Self::Null => Patch::Null,
            Self::Value(value) => Patch::Value(change(value)),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Value))
    }
}

impl<T: JsonSchema> JsonSchema for Patch<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Patch_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Option::<T>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;
    use crate::text::Slug;

    #[derive(Debug, Default, Deserialize, JsonSchema)]
    #[serde(default)]
    struct Change {
        name: Patch<Slug>,
    }

    #[test]
    fn a_member_is_left_alone_cleared_or_set() {
        let table = [
            (json!({}), Some("old")),
            (json!({ "name": null }), None),
            (json!({ "name": "new" }), Some("new")),
        ];
        for (sent, expected) in table {
            let change: Change = from_value(sent.clone()).expect("a patch");
            assert_eq!(change.name.is_absent(), sent == json!({}), "{sent}");
            let mut stored = Some("old".to_owned());
            change.name.map(Slug::into_string).apply(&mut stored);
            assert_eq!(stored.as_deref(), expected, "{sent}");
        }
    }

    #[test]
    fn the_refusal_of_the_value_passes_through() {
        let error = from_value::<Change>(json!({ "name": "" })).expect_err("an empty slug");
        assert!(error.to_string().starts_with("too_short: "), "{error}");
    }

    #[test]
    fn the_schema_allows_null_and_requires_nothing() {
        let schema = schemars::schema_for!(Change);
        assert_eq!(schema.get("required"), None);
        let name = schema.pointer("/properties/name/type");
        assert_eq!(name, Some(&json!(["string", "null"])));
    }
}
