//! An answer ready for the wire: what the pipeline sends, and what an idempotency record keeps.

use interface::{Media, Spec};
use kernel::Error;
use serde::Serialize;
use store::idempotency::StoredAnswer;

use super::reply::Reply;

/// Status, headers of interest and body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub content_type: Option<&'static str>,
    pub tag: Option<String>,
    pub location: Option<String>,
    /// Further headers; not stored with an idempotency record.
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    /// Whether it was stored by an earlier request.
    pub replayed: bool,
}

const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";

impl Answer {
    /// Renders a handler's reply as its contract says.
    pub fn render<S: Serialize>(spec: &Spec, reply: &Reply<S>) -> Result<Self, Error> {
        let json = serde_json::to_value(&reply.body)
            .map_err(|fault| Error::internal(format!("the answer does not serialise: {fault}")))?;
        let status = if reply.well { spec.success.status() } else { 503 };
        let (content_type, body) = match (spec.media, status, json) {
            (_, 204 | 302, _) => (None, String::new()),
            (Media::Html, _, serde_json::Value::String(page)) => (Some(HTML), page),
            (_, _, json) => (Some(JSON), json.to_string()),
        };
        let (tag, location) = (reply.tag.clone(), reply.location.clone());
        let headers = reply.headers.clone();
        Ok(Self { status, content_type, tag, location, headers, body, replayed: false })
    }

    /// What the idempotency record keeps.
    pub(crate) fn to_stored(&self) -> StoredAnswer {
        let mut headers = std::collections::BTreeMap::new();
        if let Some(tag) = &self.tag {
            headers.insert("etag".to_owned(), tag.clone());
        }
        if let Some(location) = &self.location {
            headers.insert("location".to_owned(), location.clone());
        }
        StoredAnswer { status: self.status, headers, body: self.body.clone() }
    }

    /// The answer of an earlier, identical request.
    pub(crate) fn from_stored(stored: StoredAnswer) -> Self {
        let header = |name: &str| stored.headers.get(name).cloned();
        Self {
            status: stored.status,
            content_type: (!stored.body.is_empty()).then_some(JSON),
            tag: header("etag"),
            location: header("location"),
            headers: Vec::new(),
            body: stored.body.clone(),
            replayed: true,
        }
    }
}
