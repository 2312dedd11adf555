//! Pages of lists: what every list is asked, and what it answers. A cursor is opaque text here; who
//! reads a list seals it.

mod list;

pub use list::List;

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use crate::fault::{FaultCode, Refusal};

/// How many items a page holds: 1 to 100, 25 unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u8);

impl Limit {
    /// The most items of one page.
    pub const MAX: u8 = 100;

    /// A page size; refuses 0 and more than 100.
    pub fn parse(number: u64) -> Result<Self, Refusal> {
        match u8::try_from(number) {
            Ok(size @ 1..=Self::MAX) => Ok(Self(size)),
            _ => Err(Refusal::new(FaultCode::OutOfRange, "a page holds 1 to 100 items")),
        }
    }

    /// The number of items.
    pub fn get(self) -> usize {
        usize::from(self.0)
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(25)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(u64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Limit {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.0)
    }
}

impl JsonSchema for Limit {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Limit".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": 100, "default": 25 })
    }
}

/// Where the next page starts: opaque text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Cursor(String);

impl Cursor {
    /// The cursor that reads so.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    /// The items, in the list's order.
    pub data: Vec<T>,
    /// Whether there are more.
    pub has_more: bool,
    /// Ask again with it for more; null at the end.
    pub next_cursor: Option<Cursor>,
}

impl<T> Page<T> {
    /// A page of these items, and where the next one starts.
    pub fn new(data: Vec<T>, next_cursor: Option<Cursor>) -> Self {
        Self { data, has_more: next_cursor.is_some(), next_cursor }
    }

    /// The page with each item shown so.
    pub fn map<U>(self, show: impl FnMut(T) -> U) -> Page<U> {
        Page::new(self.data.into_iter().map(show).collect(), self.next_cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_sizes_have_bounds() {
        for (number, fits) in [(0, false), (1, true), (100, true), (101, false), (u64::MAX, false)]
        {
            assert_eq!(Limit::parse(number).is_ok(), fits, "{number}");
        }
    }

    #[test]
    fn a_page_says_whether_there_is_another() {
        let (last, other) = (Page::new(vec![1], None), Page::new(vec![1], Some(Cursor::new("c"))));
        assert!(!last.has_more && other.has_more);
        assert_eq!(other.map(|one| one + 1), Page::new(vec![2], Some(Cursor::new("c"))));
    }
}
