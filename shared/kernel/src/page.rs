//! Pages of lists. A cursor is opaque and sealed: it works only for the caller, route and filters it
//! was made for.

use std::borrow::Cow;

use aws_lc_rs::hmac;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use crate::codec;
use crate::error::Error;
use crate::fault::{FaultCode, Refusal};
use crate::problem::CURSOR_INVALID;

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

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Page<T> {
    pub data: Vec<T>,
    pub has_more: bool,
    pub next_cursor: Option<Cursor>,
}

/// What a cursor is bound to.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    pub tenant: &'a str,
    pub principal: &'a str,
    /// The function's id.
    pub route: &'a str,
    /// The filters of the list, in any unambiguous text.
    pub filters: &'a str,
}

/// Seals positions into cursors: base64url(position ‖ first 16 bytes of HMAC-SHA256).
pub struct CursorSeal(hmac::Key);

const MAC_BYTES: usize = 16;

impl CursorSeal {
    /// A seal with this key.
    pub fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The cursor for this position.
    pub fn seal(&self, position: &[u8], binding: &Binding<'_>) -> Cursor {
        let mac = self.mac(position, binding);
        let sealed: Vec<u8> =
            position.iter().chain(mac.as_ref().iter().take(MAC_BYTES)).copied().collect();
        Cursor(codec::encode(&sealed))
    }

    /// The position of a cursor; refuses text that is none, was changed, or belongs elsewhere.
    pub fn open(&self, cursor: &Cursor, binding: &Binding<'_>) -> Result<Vec<u8>, Error> {
        let refused = || CURSOR_INVALID.error().at("cursor");
        let sealed = codec::decode(&cursor.0).ok_or_else(refused)?;
        let split = sealed.len().checked_sub(MAC_BYTES).ok_or_else(refused)?;
        let (position, sent) = sealed.split_at_checked(split).ok_or_else(refused)?;
        let mac = self.mac(position, binding);
        let right = mac.as_ref().get(..MAC_BYTES).ok_or_else(refused)?;
        if subtle::ConstantTimeEq::ct_eq(right, sent).into() {
            return Ok(position.to_vec());
        }
        Err(refused())
    }

    fn mac(&self, position: &[u8], binding: &Binding<'_>) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        let parts = [binding.tenant, binding.principal, binding.route, binding.filters];
        for part in parts.map(str::as_bytes).iter().chain([&position]) {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part);
        }
        context.sign()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINDING: Binding<'_> =
        Binding { tenant: "cli_1", principal: "usr_1", route: "user.list", filters: "status=a" };

    #[test]
    fn a_cursor_opens_where_it_was_made() {
        let seal = CursorSeal::new(&[7; 32]);
        for position in [&b""[..], b"usr_01", &[0, 255, 1]] {
            let cursor = seal.seal(position, &BINDING);
            assert_eq!(seal.open(&cursor, &BINDING).as_deref(), Ok(position));
        }
    }

    #[test]
    fn a_cursor_opens_nowhere_else() {
        let seal = CursorSeal::new(&[7; 32]);
        let cursor = seal.seal(b"usr_01", &BINDING);
        let elsewhere = [
            Binding { tenant: "cli_2", ..BINDING },
            Binding { principal: "usr_2", ..BINDING },
            Binding { route: "user.get", ..BINDING },
            Binding { filters: "", ..BINDING },
            Binding { principal: "usr_1user", route: ".list", ..BINDING },
        ];
        for binding in elsewhere {
            assert_eq!(seal.open(&cursor, &binding).unwrap_err().code(), "cursor_invalid");
        }
        assert!(CursorSeal::new(&[8; 32]).open(&cursor, &BINDING).is_err());
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let seal = CursorSeal::new(&[7; 32]);
        let Cursor(text) = seal.seal(b"usr_01", &BINDING);
        let sealed = codec::decode(&text).unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(seal.open(&Cursor(codec::encode(&changed)), &BINDING).is_err(), "byte {at}");
        }
        for short in 0..MAC_BYTES {
            assert!(seal.open(&Cursor(codec::encode(&sealed[..short])), &BINDING).is_err());
        }
    }

    #[test]
    fn page_sizes_have_bounds() {
        for (number, fits) in [(0, false), (1, true), (100, true), (101, false), (u64::MAX, false)]
        {
            assert_eq!(Limit::parse(number).is_ok(), fits, "{number}");
        }
    }
}
