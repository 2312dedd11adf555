//! `If-Match` and `If-None-Match` (RFC 9110 sections 13.1.1 and 13.1.2).

use kernel::Error;
use kernel::problem::PRECONDITION_MALFORMED;

/// The parsed `If-Match` header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IfMatch {
    /// Not sent.
    #[default]
    Absent,
    /// `*`: any version that exists.
    Any,
    /// Strong tags, with their quotes. Weak tags never match and are left out.
    Tags(Vec<String>),
}

impl IfMatch {
    /// Reads the header; refuses what is no list of entity tags.
    pub fn parse(header: Option<&str>) -> Result<Self, Error> {
        let Some(text) = header else { return Ok(Self::Absent) };
        if text.trim() == "*" {
            return Ok(Self::Any);
        }
        Ok(Self::Tags(tags(text)?.into_iter().filter(|tag| !tag.starts_with("W/")).collect()))
    }

    /// Whether a change of this version may go on.
    pub fn check(&self, version: u64) -> Result<(), Error> {
        let tag = format!("\"v{version}\"");
        match self {
            Self::Absent | Self::Any => Ok(()),
            Self::Tags(tags) if tags.contains(&tag) => Ok(()),
            Self::Tags(_) => Err(Error::precondition_failed(version)),
        }
    }
}

/// Whether `If-None-Match` names this tag, weak or strong.
pub fn none_match_names(header: Option<&str>, tag: &str) -> Result<bool, Error> {
    let Some(text) = header else { return Ok(false) };
    if text.trim() == "*" {
        return Ok(true);
    }
    Ok(tags(text)?.iter().any(|sent| sent.trim_start_matches("W/") == tag))
}

fn tags(text: &str) -> Result<Vec<String>, Error> {
    let malformed = || PRECONDITION_MALFORMED.error();
    let mut found = Vec::new();
    for part in text.split(',').map(str::trim) {
        let opaque = part.strip_prefix("W/").unwrap_or(part);
        let inner = opaque.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let valid = |tag: &str| !tag.contains('"') && tag.chars().all(|c| c > ' ' && c != '\u{7f}');
        if opaque.len() < 2 || !inner.is_some_and(valid) {
            return Err(malformed());
        }
        found.push(part.to_owned());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_compares_strongly() {
        let cases: [(Option<&str>, bool); 7] = [
            (None, true),
            (Some("*"), true),
            (Some("\"v3\""), true),
            (Some("\"v2\", \"v3\""), true),
            (Some("\"v2\""), false),
            (Some("W/\"v3\""), false),
            (Some("\"v33\""), false),
        ];
        for (header, allowed) in cases {
            let parsed = IfMatch::parse(header).unwrap();
            assert_eq!(parsed.check(3).is_ok(), allowed, "{header:?}");
        }
    }

    #[test]
    fn unquoted_tags_are_refused() {
        for header in ["v3", "", "\"v3", "\"a\"b\"", "\"a b\"", "\"v3\",,\"v4\""] {
            let refused = IfMatch::parse(Some(header)).unwrap_err();
            assert_eq!(refused.code(), "precondition_malformed", "{header:?}");
        }
    }

    #[test]
    fn if_none_match_compares_weakly() {
        let names = |header| none_match_names(header, "\"v3\"").unwrap();
        assert!(names(Some("*")) && names(Some("W/\"v3\"")) && names(Some("\"v1\", \"v3\"")));
        assert!(!names(None) && !names(Some("\"v4\"")));
    }
}
