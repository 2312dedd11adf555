//! From path, query and body to the request type. Every fault of a request is found, not just the
//! first: what is wrong is struck out and the rest is read on.

mod node;

use interface::Spec;
use kernel::problem::MALFORMED_REQUEST;
use kernel::{Error, FaultCode, Refusal, json};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use node::Node;

/// The parameters of a request before their types are known.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    members: Value,
    /// Names that came by path or query: their faults are named plainly, body members by pointer.
    plain: Vec<String>,
    path: Vec<String>,
}

/// Faults reported for one request, at most.
const MAX_FAULTS: usize = 50;

impl Parameters {
    /// Gathers the parameters of a request to this endpoint; refuses what cannot be read.
    pub fn gather(
        spec: &Spec,
        path: Vec<(String, String)>,
        query: Vec<(String, String)>,
        body: &[u8],
    ) -> Result<Self, Error> {
        let mut members = match spec.method.has_body() && !body.is_empty() {
            true => object(body)?,
            false => Map::new(),
        };
        if spec.method.has_body() && !query.is_empty() {
            let name = query.into_iter().next().map(|(name, _)| name).unwrap_or_default();
            return Err(malformed(format!("query parameter {name} is not known here")).at(name));
        }
        let named: Vec<String> = path.iter().map(|(name, _)| name.clone()).collect();
        let mut plain = named.clone();
        for (name, text) in path.into_iter().chain(query) {
            if members.contains_key(&name) {
                return Err(malformed(format!("parameter {name} stands twice")).at(name));
            }
            if !plain.contains(&name) {
                plain.push(name.clone());
            }
            members.insert(name, Value::String(text));
        }
        Ok(Self { members: Value::Object(members), plain, path: named })
    }

    /// No parameters at all.
    pub(crate) fn none() -> Self {
        Self { members: Value::Object(Map::new()), plain: Vec::new(), path: Vec::new() }
    }

    /// The canonical text of all parameters: equal for equal requests however they were spelled.
    pub fn canonical(&self) -> String {
        let mut sorted = self.members.clone();
        sorted.sort_all_objects();
        sorted.to_string()
    }

    /// The parameters as the endpoint's type; answers all value faults at once.
    pub fn read<Q: DeserializeOwned>(&self) -> Result<Q, Error> {
        let mut members = self.members.clone();
        let mut faults = Vec::new();
        let mut struck: Vec<Vec<String>> = Vec::new();
        loop {
            let attempt: Result<Q, _> =
                serde_path_to_error::deserialize(Node::top(&members, &self.plain));
            let failure = match attempt {
                Ok(request) if faults.is_empty() => return Ok(request),
                Ok(_) => return Err(Error::validation(faults)),
                Err(failure) => failure,
            };
            let mut at: Vec<String> = failure.path().iter().filter_map(segment).collect();
            let text = failure.inner().to_string();
            match self.judge(&text, &mut at) {
                Judgement::NotFound => return Err(Error::not_found()),
                Judgement::Malformed(message) => {
                    return Err(malformed(message).at(self.param(&at)));
                }
                Judgement::Fault(refusal) if !covered(&struck, &at) => {
                    faults.push(refusal.at(self.param(&at)));
                }
                Judgement::Fault(_) => {}
            }
            struck.push(at.clone());
            if faults.len() >= MAX_FAULTS || !strike(&mut members, &mut at) {
                return Err(Error::validation(faults));
            }
        }
    }

    fn judge(&self, text: &str, at: &mut Vec<String>) -> Judgement {
        if let Some(field) = quoted_after(text, "missing field ") {
            at.push(field);
            return Judgement::Fault(Refusal::new(FaultCode::Required, "this member is required"));
        }
        // A path id that cannot exist names nothing: the caller learns no more than that.
        if at.first().is_some_and(|first| self.path.contains(first)) {
            return Judgement::NotFound;
        }
        if let Some(refusal) = Refusal::parse(text) {
            return Judgement::Fault(refusal);
        }
        if text.starts_with("unknown variant ") {
            return Judgement::Fault(Refusal::new(FaultCode::UnknownValue, text.to_owned()));
        }
        if text.starts_with("invalid value: ") || text.starts_with("invalid length ") {
            return Judgement::Fault(Refusal::new(FaultCode::OutOfRange, text.to_owned()));
        }
        if let Some(field) = quoted_after(text, "unknown field ") {
            if at.last() != Some(&field) {
                at.push(field.clone());
            }
            return Judgement::Malformed(format!("member {field} is not known here"));
        }
        Judgement::Malformed(text.to_owned())
    }

    fn param(&self, at: &[String]) -> String {
        match at {
            [only] if self.plain.contains(only) => only.clone(),
            _ => at
                .iter()
                .map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1")))
                .collect(),
        }
    }
}

enum Judgement {
    NotFound,
    Malformed(String),
    Fault(Refusal),
}

fn malformed(message: String) -> Error {
    MALFORMED_REQUEST.because(message)
}

fn object(body: &[u8]) -> Result<Map<String, Value>, Error> {
    if std::str::from_utf8(body).is_err() {
        return Err(malformed("the body is not UTF-8".to_owned()));
    }
    match json::parse(body, json::REQUEST) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(malformed("the body must be a JSON object".to_owned())),
        Err(fault) => Err(malformed(format!("the body is not valid JSON: {fault}"))),
    }
}

fn segment(part: &serde_path_to_error::Segment) -> Option<String> {
    use serde_path_to_error::Segment;
    match part {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

/// The name between back-ticks after `start`.
fn quoted_after(text: &str, start: &str) -> Option<String> {
    let rest = text.strip_prefix(start)?.strip_prefix('`')?;
    rest.split_once('`').map(|(name, _)| name.to_owned())
}

/// Whether a fault at `at`, or inside it, was already reported.
fn covered(struck: &[Vec<String>], at: &[String]) -> bool {
    struck.iter().any(|earlier| earlier.starts_with(at))
}

/// Takes the value at `at` out, or the nearest one around it that is there; false where none is left.
fn strike(members: &mut Value, at: &mut Vec<String>) -> bool {
    while let Some(last) = at.pop() {
        let pointer: String = at
            .iter()
            .map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1")))
            .collect();
        let removed = match members.pointer_mut(&pointer) {
            Some(Value::Object(map)) => map.shift_remove(&last).is_some(),
            Some(Value::Array(list)) => match last.parse::<usize>() {
                Ok(index) if index < list.len() => {
                    list.remove(index);
                    true
                }
                _ => false,
            },
            _ => false,
        };
        if removed {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use interface::{Endpoint, Nothing};
    use kernel::UserId;
    use kernel::text::{Items, Patch, Text};
    use serde::Deserialize;

    use super::*;

    const READ: Spec = Endpoint::<Nothing, Nothing>::get("a.b", "/v1/a/{user_id}").spec;
    const CHANGE: Spec = Endpoint::<Nothing, Nothing>::patch("a.c", "/v1/a").spec;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read by the derive")]
    struct List {
        user_id: UserId,
        limit: Option<u32>,
        unread: Option<bool>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read by the derive")]
    struct Change {
        name: Text<1, 5>,
        #[serde(default)]
        bio: Patch<Text<1, 5>>,
        #[serde(default)]
        inner: Option<Inner>,
        #[serde(default)]
        list: Option<Items<Text<1, 2>, 3>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read by the derive")]
    struct Inner {
        name: Text<1, 5>,
        count: u32,
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    fn change(body: &str) -> Result<Change, Error> {
        Parameters::gather(&CHANGE, Vec::new(), Vec::new(), body.as_bytes())?.read()
    }

    fn list(id: &str, query: &[(&str, &str)]) -> Result<List, Error> {
        Parameters::gather(&READ, pairs(&[("user_id", id)]), pairs(query), b"")?.read()
    }

    #[test]
    fn texts_of_path_and_query_become_values() {
        let id = "usr_01arz3ndektsv4rrffq69g5fav";
        let read = list(id, &[("limit", "7"), ("unread", "true")]).unwrap();
        assert_eq!((read.limit, read.unread), (Some(7), Some(true)));
        for (name, text) in [("limit", "+7"), ("limit", "07"), ("limit", "x"), ("unread", "1")] {
            let refused = list(id, &[(name, text)]).unwrap_err();
            assert_eq!(
                (refused.code(), refused.param()),
                ("malformed_request", Some(name)),
                "{text}"
            );
        }
        assert_eq!(list(id, &[("colour", "red")]).unwrap_err().param(), Some("colour"));
        assert_eq!(list(id, &[("limit", "7"), ("limit", "7")]).unwrap_err().param(), Some("limit"));
        assert_eq!(list("usr_1", &[]).unwrap_err().code(), "not_found");
    }

    #[test]
    fn every_fault_is_named_once() {
        let body =
            r#"{"inner":{"name":"","count":1},"bio":"far too long","list":["ok","far","x",""]}"#;
        let refused = change(body).unwrap_err();
        let faults: Vec<_> =
            refused.faults().iter().map(|one| (one.code.as_str(), one.param.as_str())).collect();
        let expected = [
            ("too_short", "/inner/name"),
            ("too_long", "/bio"),
            ("too_long", "/list/1"),
            ("required", "/name"),
        ];
        assert_eq!(refused.code(), "validation_failed");
        assert!(expected.iter().all(|one| faults.contains(one)), "{faults:?}");
    }

    #[test]
    fn what_is_no_request_is_malformed() {
        let cases = [
            ("[]", None),
            ("{", None),
            (r#"{"name":"a","colour":1}"#, Some("/colour")),
            (r#"{"name":1}"#, Some("/name")),
            (r#"{"name":"a","inner":{"name":"a","count":"1"}}"#, Some("/inner/count")),
            (r#"{"name":"a","inner":[]}"#, Some("/inner")),
        ];
        for (body, param) in cases {
            let refused = change(body).unwrap_err();
            assert_eq!((refused.code(), refused.param()), ("malformed_request", param), "{body}");
        }
    }

    #[test]
    fn equal_requests_have_equal_canonical_text() {
        let gather =
            |body: &str| Parameters::gather(&CHANGE, vec![], vec![], body.as_bytes()).unwrap();
        let one = gather(r#"{"name":"a","inner":{"count":1,"name":"b"}}"#);
        let other = gather(r#"{ "inner" : {"name":"b","count":1}, "name":"a" }"#);
        assert_eq!(one.canonical(), other.canonical());
        assert_ne!(one.canonical(), gather(r#"{"name":"b"}"#).canonical());
    }
}
