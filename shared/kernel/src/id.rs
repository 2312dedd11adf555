//! Typed, prefixed ids that sort by time: `<prefix>_` and 26 lower-case Crockford base32 characters,
//! 48 bits of milliseconds and 80 random bits (the ULID layout, <https://github.com/ulid/spec>).

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::Timestamp;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const BODY_LENGTH: usize = 26;

/// What an id names.
pub trait Kind: 'static {
    /// `[a-z]{2,8}`.
    const PREFIX: &'static str;
}

/// The id of a thing of this kind. Two ids compare as their instants do.
pub struct Id<K> {
    bytes: [u8; 16],
    kind: PhantomData<fn() -> K>,
}

/// Text that is no id of the wanted kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the expected kind")]
pub struct NotAnId;

impl<K: Kind> Id<K> {
    /// A new id of this instant; `random` makes it unguessable.
    pub fn new(at: Timestamp, random: [u8; 10]) -> Self {
        let mut bytes = [0; 16];
        let ms = u64::try_from(at.ms()).unwrap_or(0).to_be_bytes();
        for (to, from) in bytes.iter_mut().zip(ms.iter().skip(2).chain(random.iter())) {
            *to = *from;
        }
        Self::from_bytes(bytes)
    }

    /// The id with this body.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self { bytes, kind: PhantomData }
    }

    /// The 128 bits of the body.
    pub const fn bytes(&self) -> [u8; 16] {
        self.bytes
    }

    /// The 26 characters after the prefix.
    pub fn body(&self) -> String {
        encode(self.bytes)
    }

    /// When it was made.
    pub fn created_at(&self) -> Timestamp {
        created_at(self.bytes)
    }
}

fn created_at(bytes: [u8; 16]) -> Timestamp {
    let ms = bytes.iter().take(6).fold(0_i64, |ms, byte| ms << 8 | i64::from(*byte));
    Timestamp::from_ms(ms)
}

fn encode(bytes: [u8; 16]) -> String {
    let number = u128::from_be_bytes(bytes);
    let digit = |place: usize| {
        let index = usize::try_from(number >> (5 * place) & 31).unwrap_or(0);
        char::from(ALPHABET.get(index).copied().unwrap_or(b'0'))
    };
    (0..BODY_LENGTH).rev().map(digit).collect()
}

fn decode(body: &str) -> Option<[u8; 16]> {
    if body.len() != BODY_LENGTH || body.as_bytes().first().is_none_or(|first| *first > b'7') {
        return None;
    }
    let mut number = 0_u128;
    for byte in body.bytes() {
        let digit = ALPHABET.iter().position(|one| *one == byte)?;
        number = number << 5 | u128::try_from(digit).ok()?;
    }
    Some(number.to_be_bytes())
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Id<K> {}

impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<K> Eq for Id<K> {}

impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.bytes.cmp(&other.bytes)
    }
}

impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", K::PREFIX, encode(self.bytes))
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K: Kind> FromStr for Id<K> {
    type Err = NotAnId;

    /// Byte for byte: upper case, other prefixes and look-alike letters are refused.
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let body = text.strip_prefix(K::PREFIX).and_then(|rest| rest.strip_prefix('_'));
        body.and_then(decode).map(Self::from_bytes).ok_or(NotAnId)
    }
}

impl<K: Kind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(|_| {
            let message = format!("an id that starts with {}_", K::PREFIX);
            serde::de::Error::custom(crate::fault::Refusal::new(
                crate::fault::FaultCode::InvalidFormat,
                message,
            ))
        })
    }
}

impl<K: Kind> JsonSchema for Id<K> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Id_{}", K::PREFIX).into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let pattern = format!("^{}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$", K::PREFIX);
        json_schema!({ "type": "string", "pattern": pattern })
    }
}

/// An id of some kind of the table, known only by its prefix.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnyId {
    prefix: &'static str,
    bytes: [u8; 16],
}

impl AnyId {
    /// The kind's prefix.
    pub fn prefix(&self) -> &'static str {
        self.prefix
    }
}

impl<K: Kind> From<Id<K>> for AnyId {
    fn from(id: Id<K>) -> Self {
        Self { prefix: K::PREFIX, bytes: id.bytes }
    }
}

impl<K: Kind> TryFrom<AnyId> for Id<K> {
    type Error = NotAnId;

    fn try_from(id: AnyId) -> Result<Self, NotAnId> {
        if id.prefix == K::PREFIX { Ok(Self::from_bytes(id.bytes)) } else { Err(NotAnId) }
    }
}

impl fmt::Display for AnyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.prefix, encode(self.bytes))
    }
}

impl fmt::Debug for AnyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for AnyId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let (prefix, body) = text.split_once('_').ok_or(NotAnId)?;
        let known = PREFIXES.iter().find(|known| **known == prefix).ok_or(NotAnId)?;
        Ok(Self { prefix: known, bytes: decode(body).ok_or(NotAnId)? })
    }
}

impl Serialize for AnyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AnyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for AnyId {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "AnyId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[a-z]{2,8}_[0-7][0-9a-hjkmnp-tv-z]{25}$" })
    }
}

macro_rules! ids {
    ($($prefix:literal $kind:ident $name:ident $doc:literal,)+) => {
        /// Every prefix, in alphabetical order.
        pub const PREFIXES: &[&str] = &[$($prefix),+];

        $(
            #[doc = $doc]
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub enum $kind {}

            impl Kind for $kind {
                const PREFIX: &'static str = $prefix;
            }

            #[doc = $doc]
            pub type $name = Id<$kind>;
        )+
    };
}

ids! {
    "app" AppKind AppId "An application: an OAuth client.",
    "aud" AuditKind AuditId "A row of the audit trail.",
    "brd" BroadcastKind BroadcastId "A broadcast.",
    "cli" TenantKind TenantId "A tenant.",
    "cod" CodeKind CodeId "An authorization code.",
    "dev" DeviceKind DeviceId "A device a person signed in from.",
    "evt" EventKind EventId "A domain event.",
    "fac" FactorKind FactorId "A second factor.",
    "inv" InviteKind InviteId "An invite.",
    "itx" InteractionKind InteractionId "A browser interaction.",
    "key" KeyKind KeyId "An API key.",
    "lat" AttemptKind AttemptId "A login attempt.",
    "lnk" LinkKind LinkId "A mailed link.",
    "nob" NotificationRowKind NotificationRowId "One channel of a notification.",
    "ntf" NotificationKind NotificationId "A notification.",
    "req" RequestKind RequestId "A request.",
    "rol" RoleKind RoleId "A role.",
    "rpl" ReplayKind ReplayId "A replay of events.",
    "sch" ScheduleKind ScheduleId "A scheduled event.",
    "ses" SessionKind SessionId "A session.",
    "svc" ServiceKind ServiceId "A service account.",
    "upl" UploadKind UploadId "An upload.",
    "usr" UserKind UserId "A person's account.",
    "we" WebhookEndpointKind WebhookEndpointId "A webhook endpoint.",
    "whr" WebhookReplayKind WebhookReplayId "A replay of webhook deliveries.",
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "usr_01arz3ndektsv4rrffq69g5fav";

    #[test]
    fn ids_are_written_in_crockford_base32() {
        let id: UserId = TEXT.parse().unwrap();
        assert_eq!(id.to_string(), TEXT);
        assert_eq!(id.body(), "01arz3ndektsv4rrffq69g5fav");
        assert_eq!(id.created_at().ms(), 1_469_922_850_259);
    }

    #[test]
    fn other_spellings_and_kinds_are_refused() {
        let wrong = [
            "",
            "usr_",
            "usr",
            "USR_01arz3ndektsv4rrffq69g5fav",
            "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "usr_81arz3ndektsv4rrffq69g5fav",
            "usr_01arz3ndektsv4rrffq69g5fa",
            "usr_01arz3ndektsv4rrffq69g5favv",
            "usr_01arz3ndektsv4rrffq69g5fai",
            "usr_01arz3ndektsv4rrffq69g5fal",
            "usr_01arz3ndektsv4rrffq69g5fao",
            "usr_01arz3ndektsv4rrffq69g5fau",
            "ses_01arz3ndektsv4rrffq69g5fav",
            "usr-01arz3ndektsv4rrffq69g5fav",
        ];
        for text in wrong {
            assert_eq!(text.parse::<UserId>(), Err(NotAnId), "{text}");
        }
    }

    #[test]
    fn later_ids_sort_after_earlier_ones() {
        let early = UserId::new(Timestamp::from_ms(1_000), [255; 10]);
        let late = UserId::new(Timestamp::from_ms(1_001), [0; 10]);
        assert!(early < late && early.to_string() < late.to_string());
        assert_eq!(late.created_at(), Timestamp::from_ms(1_001));
    }

    #[test]
    fn an_id_of_unknown_kind_keeps_its_kind() {
        let any: AnyId = TEXT.parse().unwrap();
        assert_eq!(any.to_string(), TEXT);
        assert!(UserId::try_from(any).is_ok() && SessionId::try_from(any).is_err());
        assert!("xyz_01arz3ndektsv4rrffq69g5fav".parse::<AnyId>().is_err());
    }

    #[test]
    fn prefixes_are_alphabetical_and_unique() {
        assert!(PREFIXES.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(PREFIXES.iter().all(|prefix| (2..=8).contains(&prefix.len())));
    }
}
