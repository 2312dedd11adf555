//! Keys. [`Scope`] is the only maker of partition keys, so a read or write outside a tenant, the
//! directory or the platform's own rows cannot be written down.

use std::fmt::Display;

use kernel::TenantId;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest partition key DynamoDB takes, in bytes.
const PARTITION_MAX_BYTES: usize = 2048;
/// The longest sort key DynamoDB takes, in bytes.
const SORT_MAX_BYTES: usize = 1024;
/// The sort key of an item that is alone in its partition.
const ALONE: &str = "-";

/// Why a key was refused. It is kept in the key and answered by the request that uses it, so that
/// building keys needs no error handling and a bad one still never reaches the database.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum KeyError {
    #[error("part {0} of a key is empty: give every part a value")]
    EmptyPart(usize),
    #[error("part {0} of a key contains `#`, which separates parts: escape it or hash it")]
    Separator(usize),
    #[error("a key of {bytes} bytes is longer than the {max} allowed: hash the long part")]
    TooLong { bytes: usize, max: usize },
    #[error("a stored partition key starts with none of `T#`, `DIR#`, `SYS#`")]
    OutsideEveryScope,
}

/// Whose rows: a tenant's, a tenant's of one mode, the directory's or the platform's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope(String);

impl Scope {
    /// The rows of one tenant, in both modes: `T#<tenant>`.
    pub fn tenant(tenant: TenantId) -> Self {
        Self(format!("T#{tenant}"))
    }

    /// Of these rows only those of live (`l`) or test (`t`) mode: `T#<tenant>#l`.
    #[must_use]
    pub fn mode(&self, livemode: bool) -> Self {
        Self(format!("{}#{}", self.0, if livemode { 'l' } else { 't' }))
    }

    /// Look-ups made before the tenant is known: `DIR`.
    pub fn directory() -> Self {
        Self("DIR".to_owned())
    }

    /// Rows of the platform itself, leases and sweep indexes: `SYS`.
    pub fn system() -> Self {
        Self("SYS".to_owned())
    }

    /// `<scope>#<kind>#<part>…`. A part that is empty or contains `#` spoils the key: whatever
    /// request uses it is refused as `StoreError::Invalid`.
    pub fn partition(&self, kind: &'static str, parts: impl Parts) -> PartitionKey {
        PartitionKey(joined(&self.0, kind, parts).and_then(|key| within(key, PARTITION_MAX_BYTES)))
    }

    /// The scope's own parts: for a tenant's, `T`, the tenant and perhaps the mode.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('#')
    }

    /// The start every partition key of this scope has, as IAM's `LeadingKeys` needs it.
    pub fn prefix(&self) -> String {
        format!("{}#", self.0)
    }
}

/// The parts of a key after its kind: one value, or a tuple or array of values.
pub trait Parts {
    /// The parts as text, in order.
    fn texts(self) -> Vec<String>;
}

impl Parts for () {
    fn texts(self) -> Vec<String> {
        Vec::new()
    }
}

impl<T: Display + ?Sized> Parts for &T {
    fn texts(self) -> Vec<String> {
        vec![self.to_string()]
    }
}

impl<A: Display, B: Display> Parts for (A, B) {
    fn texts(self) -> Vec<String> {
        vec![self.0.to_string(), self.1.to_string()]
    }
}

impl<A: Display, B: Display, C: Display> Parts for (A, B, C) {
    fn texts(self) -> Vec<String> {
        vec![self.0.to_string(), self.1.to_string(), self.2.to_string()]
    }
}

impl<T: Display, const N: usize> Parts for [T; N] {
    fn texts(self) -> Vec<String> {
        self.iter().map(T::to_string).collect()
    }
}

/// The partition key of a table or an index. Made by [`Scope::partition`], stored as text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PartitionKey(Result<String, KeyError>);

impl PartitionKey {
    /// The key as stored.
    ///
    /// # Errors
    /// What was wrong with a part, or with the length.
    pub fn text(&self) -> Result<&str, KeyError> {
        self.0.as_deref().map_err(Clone::clone)
    }

    /// Takes a key that was stored. Refuses text that no scope could have made.
    pub(crate) fn stored(text: String) -> Self {
        let ours = ["T#", "DIR#", "SYS#"].iter().any(|start| text.starts_with(start));
        Self(if ours { Ok(text) } else { Err(KeyError::OutsideEveryScope) })
    }
}

impl Serialize for PartitionKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text().map_err(serde::ser::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for PartitionKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = Self::stored(String::deserialize(deserializer)?);
        key.text().map_err(serde::de::Error::custom)?;
        Ok(key)
    }
}

/// The sort key of a table item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortKey(Result<String, KeyError>);

impl SortKey {
    /// The fixed `-` of an item that is alone in its partition.
    pub fn alone() -> Self {
        Self(Ok(ALONE.to_owned()))
    }

    /// `<kind>#<part>…`, refused like a partition key's parts.
    pub fn of(kind: &'static str, parts: impl Parts) -> Self {
        Self(joined("", kind, parts).and_then(|key| within(key, SORT_MAX_BYTES)))
    }

    /// A sequence number padded to 20 digits, so that text order is number order.
    pub fn sequence(number: u64) -> Self {
        Self(Ok(format!("{number:020}")))
    }

    /// The key as stored.
    ///
    /// # Errors
    /// What was wrong with it.
    pub fn text(&self) -> Result<&str, KeyError> {
        self.0.as_deref().map_err(Clone::clone)
    }
}

/// Any text is a sort key, unless empty or too long.
impl From<String> for SortKey {
    fn from(text: String) -> Self {
        let text = if text.is_empty() { Err(KeyError::EmptyPart(0)) } else { Ok(text) };
        Self(text.and_then(|text| within(text, SORT_MAX_BYTES)))
    }
}

impl From<&str> for SortKey {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl Serialize for SortKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text().map_err(serde::ser::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for SortKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from(String::deserialize(deserializer)?))
    }
}

/// The primary key of one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    pub pk: PartitionKey,
    pub sk: SortKey,
}

impl Key {
    /// An item among others of its partition.
    pub fn new(pk: PartitionKey, sk: impl Into<SortKey>) -> Self {
        Self { pk, sk: sk.into() }
    }

    /// An item alone in its partition: sort key `-`.
    pub fn alone(pk: PartitionKey) -> Self {
        Self { pk, sk: SortKey::alone() }
    }

    /// Both keys as stored.
    ///
    /// # Errors
    /// The first thing wrong with either.
    pub fn texts(&self) -> Result<(&str, &str), KeyError> {
        Ok((self.pk.text()?, self.sk.text()?))
    }
}

/// Makes free text fit for one part of a key: `%` and `#` become `%25` and `%23`.
pub fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('#', "%23")
}

/// A stable number of `0..shards` for this text, the same in every process and release
/// (64-bit FNV-1a). Zero shards are taken as one.
pub fn shard_of(text: &str, shards: u64) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash % shards.max(1)
}

fn joined(start: &str, kind: &str, parts: impl Parts) -> Result<String, KeyError> {
    let mut key = start.to_owned();
    for (at, part) in std::iter::once(kind.to_owned()).chain(parts.texts()).enumerate() {
        if part.is_empty() {
            return Err(KeyError::EmptyPart(at));
        }
        if part.contains('#') {
            return Err(KeyError::Separator(at));
        }
        if !key.is_empty() {
            key.push('#');
        }
        key.push_str(&part);
    }
    Ok(key)
}

fn within(key: String, max: usize) -> Result<String, KeyError> {
    if key.len() > max { Err(KeyError::TooLong { bytes: key.len(), max }) } else { Ok(key) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant() -> Scope {
        Scope::tenant(TenantId::from_bytes([0; 16]))
    }

    #[test]
    fn keys_have_the_shapes_of_the_specs() {
        let id = "cli_00000000000000000000000000";
        let table = [
            (tenant().partition("U", "usr_1"), format!("T#{id}#U#usr_1")),
            (tenant().mode(true).partition("IDEM", "a.b"), format!("T#{id}#l#IDEM#a.b")),
            (
                tenant().mode(false).partition("AGG", ("payment", "pi_1")),
                format!("T#{id}#t#AGG#payment#pi_1"),
            ),
            (tenant().partition("LIST", ()), format!("T#{id}#LIST")),
            (Scope::directory().partition("EM", ("1", "abc")), "DIR#EM#1#abc".to_owned()),
            (Scope::system().partition("DUE", "00"), "SYS#DUE#00".to_owned()),
        ];
        for (key, expected) in table {
            assert_eq!(key.text(), Ok(expected.as_str()));
        }
        let sorts = [
            (SortKey::alone(), "-"),
            (SortKey::sequence(42), "00000000000000000042"),
            (SortKey::sequence(u64::MAX), "18446744073709551615"),
            (SortKey::of("CRED", ("totp", "fac_1")), "CRED#totp#fac_1"),
            (SortKey::from("anything#at all"), "anything#at all"),
        ];
        for (key, expected) in sorts {
            assert_eq!(key.text(), Ok(expected));
        }
    }

    #[test]
    fn parts_that_could_move_a_border_are_refused() {
        let long = "x".repeat(2048);
        let table = [
            (tenant().partition("U", "a#b"), KeyError::Separator(1)),
            (tenant().partition("U", ""), KeyError::EmptyPart(1)),
            (tenant().partition("U", ("a", "")), KeyError::EmptyPart(2)),
            (tenant().partition("", "a"), KeyError::EmptyPart(0)),
            (tenant().partition("U#V", "a"), KeyError::Separator(0)),
            (
                Scope::directory().partition("X", &long),
                KeyError::TooLong { bytes: 2054, max: 2048 },
            ),
            (PartitionKey::stored("U#usr_1".to_owned()), KeyError::OutsideEveryScope),
        ];
        for (key, expected) in table {
            assert_eq!(key.text(), Err(expected.clone()));
            assert_eq!(Key::alone(key).texts(), Err(expected));
        }
        assert_eq!(SortKey::from("").text(), Err(KeyError::EmptyPart(0)));
        assert_eq!(SortKey::of("A", "a#b").text(), Err(KeyError::Separator(1)));
    }

    #[test]
    fn escaped_texts_never_meet_and_have_no_separator() {
        let texts = ["a#b", "a%23b", "a%b", "a%25b", "a%2523b", "ab"];
        let escaped: Vec<_> = texts.iter().map(|text| escaped(text)).collect();
        for (at, one) in escaped.iter().enumerate() {
            assert!(!one.contains('#') && !escaped[..at].contains(one), "{one}");
        }
    }

    #[test]
    fn shards_stay_where_they_are() {
        // Vectors of FNV-1a (Noll), draft-eastlake-fnv, appendix C.
        assert_eq!(shard_of("", u64::MAX), 0xcbf2_9ce4_8422_2325);
        assert_eq!(shard_of("foobar", u64::MAX), 0x8594_4171_f739_67e8);
        assert_eq!(["", "a", "foobar"].map(|text| shard_of(text, 16)), [5, 12, 8]);
        assert_eq!(shard_of("a", 0), 0);
    }
}
