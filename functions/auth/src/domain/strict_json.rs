//! JSON objects read so that two readers cannot disagree: UTF-8, one value, no trailing data and no
//! member named twice at any depth (RFC 8259 §4 leaves repeated names open; RFC 7515 §4 and RFC
//! 7519 §4 allow refusing them).

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The bytes are not one JSON object, or an object in them names a member twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnObject;

/// Reads one JSON object, members in document order.
///
/// Refuses anything else: another kind of value, invalid UTF-8, a byte order mark, trailing data,
/// lone surrogates, nesting beyond 128 and repeated member names.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, NotAnObject> {
    match serde_json::from_slice(bytes) {
        Ok(Unrepeated(Value::Object(members))) => Ok(members),
        Ok(Unrepeated(_)) | Err(_) => Err(NotAnObject),
    }
}

/// The integer written in JSON as digits alone and below 2^53, the range every reader agrees on
/// (RFC 8259 §6). Strings, fractions, exponents and signs give `None`.
pub fn integer(value: &Value) -> Option<u64> {
    value.as_u64().filter(|integer| *integer < 1 << 53)
}

struct Unrepeated(Value);

impl<'de> Deserialize<'de> for Unrepeated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UnrepeatedVisitor).map(Unrepeated)
    }
}

struct UnrepeatedVisitor;

impl<'de> Visitor<'de> for UnrepeatedVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON without repeated members")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number outside the range of a double"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Unrepeated(value)) = items.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some((name, Unrepeated(value))) = entries.next_entry::<String, Unrepeated>()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("a member is named twice"));
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_unambiguous_object_is_read() {
        let table: &[(&[u8], bool)] = &[
            (br#"{}"#, true),
            (b" \t\r\n{ \"a\" : [1, {\"a\":null}] }\n", true),
            (br#"{"a":1,"a":1}"#, false),
            (br#"{"a":1,"\u0061":1}"#, false),
            (br#"{"a":{"b":1,"b":2}}"#, false),
            (br#"{"a":[{"b":1,"b":2}]}"#, false),
            (br#"[]"#, false),
            (br#""a""#, false),
            (br#"null"#, false),
            (br#""#, false),
            (br#"{}{}"#, false),
            (br#"{"a":1,}"#, false),
            (br#"{"a":"\ud800"}"#, false),
            (b"{\"a\":\"\xff\"}", false),
            (b"\xef\xbb\xbf{}", false),
            (br#"{"a":1e999}"#, false),
        ];
        for (bytes, read) in table {
            assert_eq!(object(bytes).is_ok(), *read, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn nesting_that_would_exhaust_the_stack_is_refused() {
        let deep = [r#"{"a":"#.repeat(1000), "1".into(), "}".repeat(1000)].concat();
        assert_eq!(object(deep.as_bytes()), Err(NotAnObject));
    }

    #[test]
    fn integers_are_digits_below_two_to_the_53() {
        let table = [
            ("0", Some(0)),
            ("9007199254740991", Some(9_007_199_254_740_991)),
            ("9007199254740992", None),
            ("18446744073709551616", None),
            ("-1", None),
            ("-0", None),
            ("1.0", None),
            ("1e3", None),
            ("\"1\"", None),
            ("true", None),
        ];
        for (text, expected) in table {
            let members = object(format!(r#"{{"n":{text}}}"#).as_bytes()).unwrap();
            assert_eq!(integer(&members["n"]), expected, "{text}");
        }
    }
}
