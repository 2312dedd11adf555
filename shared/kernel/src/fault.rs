//! What is wrong with a value somebody sent.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal,)+) => {
        /// The closed list of field codes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum FaultCode { $($(#[doc = $doc])+ $name,)+ }

        impl FaultCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }
        }
    };
}

codes! {
    /// A member is missing.
    Required = "required",
    /// Shorter than the least length.
    TooShort = "too_short",
    /// Longer than the greatest length.
    TooLong = "too_long",
    /// A number outside its range.
    OutOfRange = "out_of_range",
    /// Not written in the expected form.
    InvalidFormat = "invalid_format",
    /// Not one of the known values.
    UnknownValue = "unknown_value",
    /// A value that is not allowed here.
    NotAllowed = "not_allowed",
    /// The same value twice.
    Duplicate = "duplicate",
    /// A password that is easy to guess.
    WeakPassword = "weak_password",
    /// A password everybody knows.
    BlockedPassword = "blocked_password",
    /// Control characters.
    InvalidCharacters = "invalid_characters",
}

impl FaultCode {
    /// The code of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == word)
    }
}

impl Serialize for FaultCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for FaultCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&word).ok_or_else(|| serde::de::Error::custom("not a field code"))
    }
}

/// One fault of a request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Fault {
    pub code: FaultCode,
    pub message: String,
    /// JSON pointer (RFC 6901) of the member, or name of the query parameter.
    pub param: String,
}

/// Why a value was refused, before it is known where it stood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Refusal {
    pub code: FaultCode,
    pub message: Cow<'static, str>,
}

impl Refusal {
    /// A refusal with this code; the message says what to do.
    pub fn new(code: FaultCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }

    /// Reads a refusal back from its own text, as it comes out of serde's string-only errors.
    pub fn parse(text: &str) -> Option<Self> {
        let (code, message) = text.split_once(": ")?;
        Some(Self::new(FaultCode::parse(code)?, message.to_owned()))
    }

    /// The refusal of the member at `param`.
    pub fn at(self, param: impl Into<String>) -> Fault {
        Fault { code: self.code, message: self.message.into_owned(), param: param.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_survives_its_own_text() {
        for code in FaultCode::ALL {
            let refusal = Refusal::new(*code, "at most 3: not more");
            assert_eq!(Refusal::parse(&refusal.to_string()), Some(refusal));
        }
    }

    #[test]
    fn other_text_is_no_refusal() {
        for text in ["", "too_long", "unheard_of: text", "invalid type: map"] {
            assert_eq!(Refusal::parse(text), None, "{text}");
        }
    }
}
