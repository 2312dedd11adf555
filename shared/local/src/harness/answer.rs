//! What came back.

use bytes::Bytes;
use http::Response;
use serde_json::Value;

/// Headers that differ from answer to answer by their nature.
const OF_THE_MOMENT: [&str; 4] = ["request-id", "apigw-requestid", "server-timing", "ratelimit"];

/// The answer to a request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Every header.
    pub headers: http::HeaderMap,
    /// The body.
    pub text: String,
    /// The body as JSON; null where it is none.
    pub json: Value,
}

impl Answer {
    pub(super) fn of(response: Response<Bytes>) -> Self {
        let (parts, body) = response.into_parts();
        let text = String::from_utf8_lossy(&body).into_owned();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { status: parts.status.as_u16(), headers: parts.headers, text, json }
    }

    /// The answer has this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// The answer is a problem of this status and code.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.text);
        self
    }

    /// The code of the problem; empty where the answer is none.
    pub fn code(&self) -> &str {
        self.text_at("/error/code")
    }

    /// The text at a JSON pointer into the body; empty where there is none.
    pub fn text_at(&self, pointer: &str) -> &str {
        self.json.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The header; empty where it was not sent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Everything a stranger could compare: status, body and headers, the number of database requests
    /// among them, but for what is of the moment.
    pub fn as_seen(&self) -> (u16, String, Vec<(String, String)>) {
        let mut body = self.json.clone();
        if let Some(members) = body.as_object_mut() {
            members.remove("instance");
        }
        let body = if body.is_null() { self.text.clone() } else { body.to_string() };
        let lasting =
            self.headers.iter().filter(|(name, _)| !OF_THE_MOMENT.contains(&name.as_str()));
        let mut headers: Vec<(String, String)> = lasting
            .map(|(name, value)| {
                (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into())
            })
            .collect();
        headers.sort();
        (self.status, body, headers)
    }
}
