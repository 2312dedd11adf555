//! Instants: milliseconds since the Unix epoch, written as RFC 3339 in UTC.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::fault::{FaultCode, Refusal};

/// An instant, to the millisecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant this many milliseconds after the epoch.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// The instant this many seconds after the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000))
    }

    /// Milliseconds since the epoch.
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// The instant `span` later.
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(whole_ms(span)))
    }

    /// The instant `span` earlier.
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(whole_ms(span)))
    }

    /// How long ago `earlier` was; zero where it is in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The UTC day: `2026-11-21`.
    pub fn day(self) -> String {
        self.to_string().chars().take(10).collect()
    }

    /// The UTC month: `202611`.
    pub fn month(self) -> String {
        self.day().chars().filter(char::is_ascii_digit).take(6).collect()
    }
}

fn whole_ms(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => write!(f, "{instant:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = Refusal;

    /// Reads RFC 3339 with any offset; digits beyond milliseconds are cut off.
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let instant: jiff::Timestamp = text.parse().map_err(|_| {
            Refusal::new(FaultCode::InvalidFormat, "write an instant like 2026-11-21T12:00:00.000Z")
        })?;
        Ok(Self(instant.as_millisecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// Stores an instant as a number of milliseconds: `#[serde(with = "kernel::time::ms")]`.
pub mod ms {
    use super::{Deserialize, Deserializer, Serializer, Timestamp};

    /// Writes milliseconds.
    pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(at.ms())
    }

    /// Reads milliseconds.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp::from_ms)
    }
}

/// As [`ms`], for instants that may be absent.
pub mod ms_option {
    use super::{Deserialize, Deserializer, Serialize, Serializer, Timestamp};

    /// Writes milliseconds or nothing.
    pub fn serialize<S: Serializer>(
        at: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        at.map(Timestamp::ms).serialize(serializer)
    }

    /// Reads milliseconds or nothing.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<i64>::deserialize(deserializer)?.map(Timestamp::from_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_with_three_digits() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_795_305_600_007, "2026-11-22T00:00:00.007Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ];
        for (ms, text) in cases {
            assert_eq!(Timestamp::from_ms(ms).to_string(), text);
            assert_eq!(text.parse(), Ok(Timestamp::from_ms(ms)));
        }
    }

    #[test]
    fn offsets_are_read_and_nonsense_is_refused() {
        let at: Timestamp = "2026-11-22T01:00:00+01:00".parse().unwrap();
        assert_eq!(at.to_string(), "2026-11-22T00:00:00.000Z");
        for text in ["", "2026-11-22", "2026-11-22T00:00:00", "yesterday"] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn days_and_months_are_utc() {
        let at = Timestamp::from_ms(1_795_305_599_999);
        assert_eq!((at.day().as_str(), at.month().as_str()), ("2026-11-21", "202611"));
    }

    #[test]
    fn time_never_runs_backwards_in_spans() {
        let (early, late) = (Timestamp::from_ms(1_000), Timestamp::from_ms(4_500));
        assert_eq!(late.since(early), Duration::from_millis(3_500));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(early.plus(Duration::from_secs(3)).minus(Duration::from_secs(3)), early);
    }
}
