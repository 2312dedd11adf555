//! Request values as serde reads them.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Error as _, Unexpected, Visitor};
use serde_json::Value;

/// A value as the request types see it: texts of path and query read as numbers and booleans where the
/// type wants one, and structs come from objects only, never from lists.
pub(super) struct Node<'a> {
    value: &'a Value,
    /// At the top: which members came by path or query.
    plain: &'a [String],
    from_text: bool,
}

impl<'a> Node<'a> {
    pub(super) fn top(value: &'a Value, plain: &'a [String]) -> Self {
        Self { value, plain, from_text: false }
    }

    fn inner(value: &'a Value) -> Self {
        Self { value, plain: &[], from_text: false }
    }
}

impl<'de> serde::de::IntoDeserializer<'de, serde_json::Error> for Node<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! from_text {
    ($($method:ident => $kind:ty, $visit:ident;)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            match (self.from_text, self.value.as_str().and_then(canonical::<$kind>)) {
                (true, Some(value)) => visitor.$visit(value),
                _ => self.value.$method(visitor),
            }
        })+
    };
}

/// The value of text that is exactly how the value is written: no plus sign, no leading zeros.
fn canonical<T: std::str::FromStr + ToString>(text: &str) -> Option<T> {
    text.parse::<T>().ok().filter(|value| value.to_string() == text)
}

impl<'de> serde::Deserializer<'de> for Node<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.value {
            Value::Object(members) => {
                let plain = self.plain;
                visitor.visit_map(MapDeserializer::new(members.iter().map(|(name, value)| {
                    let from_text = plain.contains(name);
                    (name.as_str(), Node { value, plain: &[], from_text })
                })))
            }
            Value::Array(items) => {
                visitor.visit_seq(SeqDeserializer::new(items.iter().map(Node::inner)))
            }
            scalar => scalar.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        match self.value {
            Value::Array(_) => Err(serde_json::Error::invalid_type(Unexpected::Seq, &name)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.value.deserialize_enum(name, variants, visitor)
    }

    from_text! {
        deserialize_bool => bool, visit_bool;
        deserialize_i64 => i64, visit_i64;
        deserialize_i32 => i32, visit_i32;
        deserialize_u64 => u64, visit_u64;
        deserialize_u32 => u32, visit_u32;
        deserialize_u16 => u16, visit_u16;
        deserialize_u8 => u8, visit_u8;
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}
