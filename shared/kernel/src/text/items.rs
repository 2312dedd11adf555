//! A list with a limit.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error as _, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::fault::{FaultCode, Refusal};

/// A list of at most `MAX` values in the order sent; the same value may stand in it twice.
///
/// Refuses the first value too many before it is read.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Items<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> Items<T, MAX> {
    /// The list, or `too_long`.
    pub fn parse(items: Vec<T>) -> Result<Self, Refusal> {
        if items.len() > MAX { Err(Self::too_long()) } else { Ok(Self(items)) }
    }

    pub fn as_slice(&self) -> &[T] {
        &self.0
    }

    pub fn into_vec(self) -> Vec<T> {
        self.0
    }

    fn too_long() -> Refusal {
        Refusal::new(FaultCode::TooLong, format!("send at most {MAX} items"))
    }
}

impl<T, const MAX: usize> Default for Items<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MAX: usize> IntoIterator for Items<T, MAX> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for Items<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(AtMost(PhantomData))
    }
}

struct AtMost<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for AtMost<T, MAX> {
    type Value = Items<T, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MAX} items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while items.len() < MAX {
            match seq.next_element()? {
                Some(item) => items.push(item),
                None => return Ok(Items(items)),
            }
        }
        match seq.next_element::<IgnoredAny>()? {
            Some(_) => Err(A::Error::custom(Items::<T, MAX>::too_long())),
            None => Ok(Items(items)),
        }
    }
}

impl<T: JsonSchema, const MAX: usize> JsonSchema for Items<T, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Items_{MAX}_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "items": generator.subschema_for::<T>(),
            "maxItems": MAX,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;
    use crate::text::Slug;

    #[test]
    fn a_list_takes_as_many_as_its_limit_and_keeps_their_order() {
        for sent in [json!([]), json!(["b"]), json!(["b", "a"]), json!(["a", "a"])] {
            let items: Items<String, 2> = from_value(sent.clone()).expect("within the limit");
            assert_eq!(json!(items), sent);
        }
    }

    #[test]
    fn one_item_too_many_is_too_long() {
        let error = from_value::<Items<Slug, 2>>(json!(["a", "b", 5])).expect_err("three items");
        assert_eq!(error.to_string(), "too_long: send at most 2 items");
        assert!(Items::<u8, 2>::parse(vec![1, 2, 3]).is_err());
    }

    #[test]
    fn the_refusal_of_an_item_passes_through() {
        let error = from_value::<Items<Slug, 2>>(json!(["a", ""])).expect_err("an empty slug");
        assert!(error.to_string().starts_with("too_short: "), "{error}");
    }
}
