//! Requests, built word by word.

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Method, Request, Response};
use serde_json::Value;

use super::{Answer, Harness};

/// Where a request comes from that names no network (RFC 5737).
const SOMEWHERE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);

/// A request that is being built.
#[must_use = "a request is nothing until it is sent"]
pub struct Ask<'a> {
    harness: &'a Harness,
    request: http::request::Builder,
    body: Bytes,
    source: Ipv4Addr,
}

impl Harness {
    /// A `GET` of this path.
    pub fn get(&self, path: &str) -> Ask<'_> {
        self.ask(Method::GET, path)
    }

    /// A `POST` of this JSON.
    pub fn post(&self, path: &str, body: Value) -> Ask<'_> {
        self.ask(Method::POST, path).json(&body)
    }

    /// A `PATCH` with this JSON.
    pub fn patch(&self, path: &str, body: Value) -> Ask<'_> {
        self.ask(Method::PATCH, path).json(&body)
    }

    /// A `PUT` of this JSON.
    pub fn put(&self, path: &str, body: Value) -> Ask<'_> {
        self.ask(Method::PUT, path).json(&body)
    }

    /// A `DELETE` of this path.
    pub fn delete(&self, path: &str) -> Ask<'_> {
        self.ask(Method::DELETE, path)
    }

    /// A request without a body.
    pub fn ask(&self, method: Method, path: &str) -> Ask<'_> {
        let request = Request::builder().method(method).uri(path).header("host", "127.0.0.1");
        Ask { harness: self, request, body: Bytes::new(), source: SOMEWHERE }
    }
}

impl Ask<'_> {
    /// With this header.
    pub fn header(mut self, name: &str, text: &str) -> Self {
        self.request = self.request.header(name, text);
        self
    }

    /// By whoever holds this access token: a [`Caller`](super::Caller), a session, or the token itself.
    pub fn by(self, who: &(impl AsRef<str> + ?Sized)) -> Self {
        let text = format!("Bearer {}", who.as_ref());
        self.header("authorization", &text)
    }

    /// With this `Idempotency-Key`.
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// About this version, as an `ETag` named it.
    pub fn if_match(self, tag: &str) -> Self {
        self.header("if-match", tag)
    }

    /// With this JSON.
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    /// As a browser posts this form.
    pub fn form(self, body: &str) -> Self {
        self.header("content-type", "application/x-www-form-urlencoded").body(body.to_owned())
    }

    /// With these bytes.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// From this address: limits count by network.
    pub fn from(mut self, source: Ipv4Addr) -> Self {
        self.source = source;
        self
    }

    /// Sends it through the front door and waits for the answer.
    pub async fn send(self) -> Answer {
        let request = self.request.body(self.body).expect("a well-formed request");
        // Boxed: a test that sends a hundred requests is one future of them all.
        let answering: BoxFuture<'_, Response<Bytes>> =
            Box::pin(self.harness.request_from(IpAddr::V4(self.source), request));
        Answer::of(answering.await)
    }
}
