//! Texts of requests whose type is the rule they keep, lists of at most so many, and merge patches.
//!
//! A value of one of these types was checked when it was built: code that holds one checks nothing.

mod items;
mod patch;
pub mod rule;

use std::borrow::Cow;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use items::Items;
pub use patch::Patch;

use crate::fault::Refusal;

/// One line of `MIN` to `MAX` Unicode scalar values, kept as typed.
///
/// Refuses other lengths and control characters (U+0000–U+001F, U+007F).
pub type Text<const MIN: usize, const MAX: usize> = Checked<rule::Line<MIN, MAX>>;

/// Text of `MIN` to `MAX` Unicode scalar values in any number of lines, kept as typed.
///
/// Refuses other lengths and control characters other than tab and newline (U+000A).
pub type Prose<const MIN: usize, const MAX: usize> = Checked<rule::Lines<MIN, MAX>>;

/// An e-mail address, trimmed, otherwise as typed.
///
/// Promises text on both sides of exactly one `@`, at most 254 bytes (RFC 5321 §4.5.3.1.3), no
/// spaces and no control characters. Whether the mailbox exists only a sent mail can tell.
pub type EmailAddress = Checked<rule::Email>;

/// A name for addresses: `^[a-z0-9][a-z0-9_-]{0,62}$`. Refuses capitals.
pub type Slug = Checked<rule::SlugForm>;

/// A language tag, well-formed by RFC 5646 §2.1, kept as typed; at most 64 characters.
///
/// Refuses the irregular grandfathered tags such as `i-klingon`. Whether the subtags are registered
/// is not checked.
pub type LocaleTag = Checked<rule::LanguageTag>;

/// A name of the IANA time zone database in form: `UTC`, or `Area/Location` such as
/// `America/Argentina/Buenos_Aires`.
///
/// Only the form is checked: the database is not part of the program, so a well-formed name may be
/// unknown where it is used. Refuses the other one-word names (`EST`, `Japan`); all are aliases.
pub type TimeZoneName = Checked<rule::ZoneForm>;

/// A country code of ISO 3166-1 alpha-2, in upper case. Refuses codes that are not assigned.
pub type CountryCode = Checked<rule::Country>;

/// An absolute `https://` URL of at most 2,000 characters (RFC 3986), kept as typed.
///
/// Refuses user names, IP literals in brackets, an empty host, spaces and characters that must be
/// percent-encoded.
pub type HttpsUrl = Checked<rule::Https>;

/// A telephone number by ITU-T E.164: `+` and 8 to 15 digits, the first of them not zero.
///
/// Refuses spaces and punctuation. Whether the number is assigned is not checked.
pub type PhoneNumber = Checked<rule::E164>;

/// Text that keeps the rule `R`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Checked<R> {
    text: String,
    rule: PhantomData<R>,
}

/// What a text must be; the type stands for the rule and has no values of interest.
pub trait Rule: Copy + Eq + Hash {
    /// Answers the text to keep, or why it is refused.
    fn check(text: String) -> Result<String, Refusal>;

    /// Name of the rule, unlike every other rule's.
    fn name() -> Cow<'static, str>;

    /// The rule as JSON Schema; may allow more than [`Rule::check`], never less.
    fn schema() -> Schema;
}

impl<R: Rule> Checked<R> {
    /// The text as a value of this type, or why it is refused.
    pub fn parse(text: impl Into<String>) -> Result<Self, Refusal> {
        Ok(Self { text: R::check(text.into())?, rule: PhantomData })
    }
}

impl<R> Checked<R> {
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn into_string(self) -> String {
        self.text
    }
}

impl<R> fmt::Debug for Checked<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl<R> fmt::Display for Checked<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<R: Rule> FromStr for Checked<R> {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        Self::parse(text)
    }
}

impl<R> Serialize for Checked<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de, R: Rule> Deserialize<'de> for Checked<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl<R: Rule> JsonSchema for Checked<R> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        R::name()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        R::schema()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_str, from_value, json, to_value};

    use super::*;
    use crate::fault::FaultCode;

    #[test]
    fn values_round_trip_through_json() {
        let email: EmailAddress = from_str(r#"" Ada@Example.com ""#).expect("an address");
        assert_eq!(email.as_str(), "Ada@Example.com");
        assert_eq!(to_value(&email).expect("JSON"), json!("Ada@Example.com"));
        assert_eq!(email.to_string().parse(), Ok(email));
    }

    #[test]
    fn a_refusal_survives_deserialisation() {
        let error = from_value::<Text<1, 3>>(json!("four")).expect_err("four is longer than three");
        let refusal = Refusal::parse(&error.to_string()).expect("a refusal");
        assert_eq!(refusal, Refusal::new(FaultCode::TooLong, "use at most 3 characters"));
    }

    #[test]
    fn a_number_is_no_text() {
        assert!(from_value::<Slug>(json!(5)).is_err());
    }

    #[test]
    fn debug_shows_the_text_alone() {
        assert_eq!(format!("{:?}", Slug::parse("acme")), r#"Ok("acme")"#);
    }

    #[test]
    fn the_schema_names_the_bounds() {
        let schema = SchemaGenerator::default().into_root_schema_for::<Text<1, 100>>();
        assert_eq!(schema.get("minLength"), Some(&json!(1)));
        assert_eq!(schema.get("maxLength"), Some(&json!(100)));
    }
}
