//! Integers beyond 64 bits as DynamoDB numbers: `#[serde(with = "store::big")]` on an `i128` or
//! `u128` field (at most 38 digits). For stored rows only.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::{Error as _, SerializeMap};
use serde::{Deserializer, Serializer};

/// No attribute of ours is called this: it starts with a control character.
pub(crate) const MARK: &str = "\u{1}big";

/// Writes the integer; see the module.
///
/// # Errors
/// It does not fit an `i128`.
pub fn serialize<T, S>(number: &T, serializer: S) -> Result<S::Ok, S::Error>
where
    T: Copy + TryInto<i128>,
    S: Serializer,
{
    let number: i128 =
        (*number).try_into().map_err(|_| S::Error::custom("a number beyond 38 digits"))?;
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(MARK, &number.to_string())?;
    map.end()
}

/// Reads the integer; see the module.
///
/// # Errors
/// The attribute is no number, or does not fit the type.
pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: TryFrom<i128>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(Integer(PhantomData))
}

struct Integer<T>(PhantomData<T>);

impl<T: TryFrom<i128>> Integer<T> {
    fn fit<E: serde::de::Error>(number: i128) -> Result<T, E> {
        T::try_from(number).map_err(|_| E::custom("the number does not fit its type"))
    }
}

impl<'de, T: TryFrom<i128>> Visitor<'de> for Integer<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an integer")
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<T, E> {
        Self::fit(i128::from(number))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<T, E> {
        Self::fit(i128::from(number))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let entry: Option<(String, String)> = map.next_entry()?;
        let digits = entry.map(|(_, digits)| digits).unwrap_or_default();
        Self::fit(digits.parse().map_err(A::Error::custom)?)
    }
}
