//! What became of one channel of a notification.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How far a row is. `sent` means settled without failure, also where it was left out on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Pending,
    Processing,
    Sent,
    Failed,
}

/// Why a channel was left out on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// There is nowhere to send it.
    NoAddress,
    /// The same message was planned or handed over before.
    Duplicate,
    /// It is worth nothing any more.
    Expired,
}

/// Why a message could not be handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailReason {
    /// The address is refused for good.
    Address,
    /// The content is refused for good.
    Content,
    /// Our own credential is refused.
    Auth,
    /// It left, and nobody knows whether it arrived.
    Unknown,
    /// Every attempt failed.
    Exhausted,
}

/// The end of a row, written `accepted`, `skipped:<reason>` or `failed:<reason>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The channel took it.
    Accepted,
    Skipped(SkipReason),
    Failed(FailReason),
}

impl SkipReason {
    const ALL: [Self; 3] = [Self::NoAddress, Self::Duplicate, Self::Expired];

    /// The word in rows and events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoAddress => "no_address",
            Self::Duplicate => "duplicate",
            Self::Expired => "expired",
        }
    }
}

impl FailReason {
    const ALL: [Self; 5] =
        [Self::Address, Self::Content, Self::Auth, Self::Unknown, Self::Exhausted];

    /// The word in rows and events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Content => "content",
            Self::Auth => "auth",
            Self::Unknown => "unknown",
            Self::Exhausted => "exhausted",
        }
    }
}

impl Outcome {
    /// The status a row ends in.
    pub const fn status(self) -> Status {
        match self {
            Self::Accepted | Self::Skipped(_) => Status::Sent,
            Self::Failed(_) => Status::Failed,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted => f.write_str("accepted"),
            Self::Skipped(reason) => write!(f, "skipped:{}", reason.as_str()),
            Self::Failed(reason) => write!(f, "failed:{}", reason.as_str()),
        }
    }
}

/// Text that is no outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnOutcome;

impl fmt::Display for NotAnOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an outcome is accepted, skipped:<reason> or failed:<reason>")
    }
}

impl FromStr for Outcome {
    type Err = NotAnOutcome;

    fn from_str(text: &str) -> Result<Self, NotAnOutcome> {
        let skipped = SkipReason::ALL.into_iter().map(Self::Skipped);
        let failed = FailReason::ALL.into_iter().map(Self::Failed);
        let mut all = std::iter::once(Self::Accepted).chain(skipped).chain(failed);
        all.find(|outcome| outcome.to_string() == text).ok_or(NotAnOutcome)
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Outcome {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_read_back_as_they_were_written() {
        let table = [
            ("accepted", Outcome::Accepted, Status::Sent),
            ("skipped:no_address", Outcome::Skipped(SkipReason::NoAddress), Status::Sent),
            ("skipped:duplicate", Outcome::Skipped(SkipReason::Duplicate), Status::Sent),
            ("failed:address", Outcome::Failed(FailReason::Address), Status::Failed),
            ("failed:exhausted", Outcome::Failed(FailReason::Exhausted), Status::Failed),
        ];
        for (text, outcome, status) in table {
            assert_eq!(text.parse(), Ok(outcome));
            assert_eq!((outcome.to_string().as_str(), outcome.status()), (text, status));
        }
        for text in ["", "skipped", "skipped:", "failed:no_address", "accepted "] {
            assert_eq!(text.parse::<Outcome>(), Err(NotAnOutcome), "{text}");
        }
    }
}
