//! JSON that two readers cannot read differently: I-JSON (RFC 7493) within limits. Duplicate members,
//! deep nesting, floods of members and trailing data are refused before any type sees them.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How much one document may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Objects and lists inside one another.
    pub depth: u32,
    /// Members and items altogether.
    pub members: u32,
}

/// What requests may send.
pub const REQUEST: Limits = Limits { depth: 16, members: 1_000 };

/// Reads one JSON document; the error says what is wrong and where.
pub fn parse(text: &[u8], limits: Limits) -> Result<Value, serde_json::Error> {
    let members = Cell::new(0);
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Strict { limits, depth: 0, members: &members }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

#[derive(Clone, Copy)]
struct Strict<'a> {
    limits: Limits,
    depth: u32,
    members: &'a Cell<u32>,
}

impl Strict<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= self.limits.depth {
            return Err(E::custom(format_args!("nested deeper than {} levels", self.limits.depth)));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    fn count<E: serde::de::Error>(self) -> Result<(), E> {
        self.members.set(self.members.get() + 1);
        if self.members.get() > self.limits.members {
            return Err(E::custom(format_args!("more than {} members", self.limits.members)));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            self.count()?;
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut map = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            self.count()?;
            if map.contains_key(&name) {
                return Err(A::Error::custom(format_args!("member {name:?} stands twice")));
            }
            map.insert(name, entries.next_value_seed(inner)?);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_strict_json_is_refused() {
        let deep = format!("{}1{}", "[".repeat(17), "]".repeat(17));
        let wide = format!("[{}]", vec!["1"; 1_001].join(","));
        let cases: [(&[u8], &str); 12] = [
            (b"", "EOF"),
            (b"{", "EOF"),
            (b"{\"a\":1,}", "trailing comma"),
            (b"{\"a\":1} x", "trailing characters"),
            (b"{\"a\":1,\"a\":2}", "stands twice"),
            (b"{\"a\":{\"b\":1,\"b\":1}}", "stands twice"),
            (b"\"\\ud800\"", "hex escape"),
            (b"\"\xff\"", "unicode"),
            (b"1e999", "number out of range"),
            (b"\"a\x01\"", "control character"),
            (deep.as_bytes(), "nested deeper"),
            (wide.as_bytes(), "more than 1000"),
        ];
        for (text, reason) in cases {
            let fault = parse(text, REQUEST).unwrap_err().to_string();
            assert!(fault.contains(reason), "{}: {fault}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn strict_json_is_read_as_it_stands() {
        let text = br#"{"b":[1,-2,3.5,true,null],"a":"\u00e9\n"}"#;
        let value = parse(text, REQUEST).unwrap();
        assert_eq!(value.to_string(), r#"{"b":[1,-2,3.5,true,null],"a":"é\n"}"#);
    }
}
