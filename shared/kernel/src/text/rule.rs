//! The rules of the text types; each is written once, as a check and as a schema.

mod language;

use std::borrow::Cow;

use schemars::{Schema, json_schema};

use super::Rule;
use crate::fault::{FaultCode, Refusal};

const EMAIL_MAX_BYTES: usize = 254;
const SLUG_MAX: usize = 63;
const LANGUAGE_TAG_MAX: usize = 64;
const ZONE_MAX: usize = 64;
const URL_MAX: usize = 2_000;

/// See [`super::Text`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Line<const MIN: usize, const MAX: usize>;

impl<const MIN: usize, const MAX: usize> Rule for Line<MIN, MAX> {
    fn check(text: String) -> Result<String, Refusal> {
        check_length(text.chars().count(), MIN, MAX)?;
        if text.chars().any(|c| c.is_ascii_control()) {
            return Err(Refusal::new(FaultCode::InvalidCharacters, "remove control characters"));
        }
        Ok(text)
    }

    fn name() -> Cow<'static, str> {
        format!("Text_{MIN}_{MAX}").into()
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "minLength": MIN,
            "maxLength": MAX,
            "pattern": r"^[^\x00-\x1f\x7f]*$",
        })
    }
}

/// See [`super::Prose`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lines<const MIN: usize, const MAX: usize>;

impl<const MIN: usize, const MAX: usize> Rule for Lines<MIN, MAX> {
    fn check(text: String) -> Result<String, Refusal> {
        check_length(text.chars().count(), MIN, MAX)?;
        if text.chars().any(|c| c.is_ascii_control() && !matches!(c, '\t' | '\n')) {
            return Err(Refusal::new(
                FaultCode::InvalidCharacters,
                r"remove control characters other than tab and newline (\n)",
            ));
        }
        Ok(text)
    }

    fn name() -> Cow<'static, str> {
        format!("Prose_{MIN}_{MAX}").into()
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "minLength": MIN,
            "maxLength": MAX,
            "pattern": r"^[^\x00-\x08\x0b-\x1f\x7f]*$",
        })
    }
}

/// See [`super::EmailAddress`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Email;

impl Rule for Email {
    fn check(text: String) -> Result<String, Refusal> {
        let address = text.trim();
        if address.len() > EMAIL_MAX_BYTES {
            return Err(Refusal::new(FaultCode::TooLong, "use an address of at most 254 bytes"));
        }
        let is_address = address.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@')
        });
        if !is_address || address.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(Refusal::new(
                FaultCode::InvalidFormat,
                "write an address such as ada@example.com, without spaces",
            ));
        }
        Ok(address.to_owned())
    }

    fn name() -> Cow<'static, str> {
        "EmailAddress".into()
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "format": "email",
            "minLength": 3,
            "maxLength": EMAIL_MAX_BYTES,
            "description": "E-mail address.",
        })
    }
}

/// See [`super::Slug`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SlugForm;

impl Rule for SlugForm {
    fn check(text: String) -> Result<String, Refusal> {
        check_length(text.len(), 1, SLUG_MAX)?;
        let is_slug = !text.starts_with(['-', '_'])
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
        if !is_slug {
            return Err(Refusal::new(
                FaultCode::InvalidFormat,
                "use lower-case letters and digits, after the first also - and _",
            ));
        }
        Ok(text)
    }

    fn name() -> Cow<'static, str> {
        "Slug".into()
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 1,
            "maxLength": SLUG_MAX,
            "pattern": "^[a-z0-9][a-z0-9_-]{0,62}$",
        })
    }
}

/// See [`super::LocaleTag`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LanguageTag;

impl Rule for LanguageTag {
    fn check(text: String) -> Result<String, Refusal> {
        check_length(text.len(), 1, LANGUAGE_TAG_MAX)?;
        if !language::is_well_formed(&text) {
            return Err(Refusal::new(
                FaultCode::InvalidFormat,
                "write a BCP 47 language tag such as en, de-CH or zh-Hant-TW",
            ));
        }
        Ok(text)
    }

    fn name() -> Cow<'static, str> {
        "LocaleTag".into()
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "maxLength": LANGUAGE_TAG_MAX,
            "pattern": "^[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8})*$",
            "description": "BCP 47 language tag.",
        })
    }
}

/// See [`super::TimeZoneName`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ZoneForm;

impl Rule for ZoneForm {
    fn check(text: String) -> Result<String, Refusal> {
        check_length(text.len(), 1, ZONE_MAX)?;
        let mut parts = text.split('/');
        let has_area = parts
            .next()
            .is_some_and(|area| area.len() >= 2 && area.bytes().all(|b| b.is_ascii_alphabetic()));
        let mut locations = 0;
        let has_locations = parts.all(|location| {
            locations += 1;
            location.starts_with(|c: char| c.is_ascii_uppercase())
                && location.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+-".contains(&b))
        });
        let is_zone = has_area && has_locations && (1..=2).contains(&locations);
        if text != "UTC" && !is_zone {
            return Err(Refusal::new(
                FaultCode::InvalidFormat,
                "write an IANA time zone such as Europe/Zurich, or UTC",
            ));
        }
        Ok(text)
    }

    fn name() -> Cow<'static, str> {
        "TimeZoneName".into()
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "maxLength": ZONE_MAX,
            "pattern": "^(UTC|[A-Za-z]{2,}(/[A-Z][A-Za-z0-9_+-]*){1,2})$",
            "description": "IANA time zone name.",
        })
    }
}

/// See [`super::CountryCode`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Country;

impl Rule for Country {
    fn check(text: String) -> Result<String, Refusal> {
        // The table of currencies brings the table of countries along, with "" for none.
        if text.is_empty() || text.parse::<iso_currency::Country>().is_err() {
            return Err(Refusal::new(
                FaultCode::UnknownValue,
                "use a country code of ISO 3166-1 alpha-2 in upper case, such as CH",
            ));
        }
        Ok(text)
    }

    fn name() -> Cow<'static, str> {
        "CountryCode".into()
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[A-Z]{2}$",
            "description": "ISO 3166-1 alpha-2 country code.",
        })
    }
}

/// See [`super::HttpsUrl`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Https;

impl Rule for Https {
    fn check(text: String) -> Result<String, Refusal> {
        if text.len() > URL_MAX {
            return Err(Refusal::new(FaultCode::TooLong, "use a URL of at most 2000 characters"));
        }
        if !text.strip_prefix("https://").is_some_and(is_url_without_scheme) {
            return Err(Refusal::new(
                FaultCode::InvalidFormat,
                "write a URL such as https://example.com/path, percent-encoded, with no user name",
            ));
        }
        Ok(text)
    }

    fn name() -> Cow<'static, str> {
        "HttpsUrl".into()
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "format": "uri",
            "maxLength": URL_MAX,
            "pattern": "^https://[A-Za-z0-9]",
        })
    }
}

/// See [`super::PhoneNumber`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct E164;

impl Rule for E164 {
    fn check(text: String) -> Result<String, Refusal> {
        let is_number = text.strip_prefix('+').is_some_and(|digits| {
            (8..=15).contains(&digits.len())
                && !digits.starts_with('0')
                && digits.bytes().all(|b| b.is_ascii_digit())
        });
        if !is_number {
            return Err(Refusal::new(
                FaultCode::InvalidFormat,
                "write + and 8 to 15 digits with the country code first, such as +41446681800",
            ));
        }
        Ok(text)
    }

    fn name() -> Cow<'static, str> {
        "PhoneNumber".into()
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^\\+[1-9][0-9]{7,14}$",
            "description": "E.164 telephone number.",
        })
    }
}

fn check_length(length: usize, min: usize, max: usize) -> Result<(), Refusal> {
    if length < min {
        let noun = if min == 1 { "character" } else { "characters" };
        return Err(Refusal::new(FaultCode::TooShort, format!("use at least {min} {noun}")));
    }
    if length > max {
        let noun = if max == 1 { "character" } else { "characters" };
        return Err(Refusal::new(FaultCode::TooLong, format!("use at most {max} {noun}")));
    }
    Ok(())
}

/// `authority path-abempty [ "?" query ] [ "#" fragment ]` of RFC 3986 with a plain host.
fn is_url_without_scheme(rest: &str) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let is_host = host.starts_with(|c: char| c.is_ascii_alphanumeric())
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    let is_port = port
        .is_none_or(|port| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok());
    // Browsers read a backslash as a slash: the host a person sees would not be the host reached.
    let is_encoded = rest.bytes().all(|b| b.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&b));
    is_host && is_port && is_encoded
}

#[cfg(test)]
mod tests;
