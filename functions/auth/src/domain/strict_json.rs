//! JSON objects read so that two readers cannot disagree: UTF-8, one value, no trailing data and no
//! member named twice at any depth (RFC 8259 §4 leaves repeated names open; RFC 7515 §4 and RFC
//! 7519 §4 allow refusing them).

use kernel::json::{self, Limits};
use serde_json::{Map, Value};

/// More than any header, payload or secret of ours holds.
const LIMITS: Limits = Limits { depth: 64, members: 10_000 };

/// The bytes are not one JSON object, or an object in them names a member twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnObject;

/// Reads one JSON object, members in document order.
///
/// Refuses anything else: another kind of value, invalid UTF-8, a byte order mark, trailing data,
/// lone surrogates, nesting beyond 64 and repeated member names.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, NotAnObject> {
    match json::parse(bytes, LIMITS) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) | Err(_) => Err(NotAnObject),
    }
}

/// The integer written in JSON as digits alone and below 2^53, the range every reader agrees on
/// (RFC 8259 §6). Strings, fractions, exponents and signs give `None`.
pub fn integer(value: &Value) -> Option<u64> {
    value.as_u64().filter(|integer| *integer < 1 << 53)
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
