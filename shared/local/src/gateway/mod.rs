//! The HTTP APIs of the platform behind one door: routes, authorizer, function, answer, as Amazon API
//! Gateway does it for HTTP APIs with payload format 2.0.
//!
//! Limits: API Gateway Developer Guide, "Quotas for configuring and running an HTTP API". The guide
//! does not name the statuses of oversized requests; RFC 9110 section 15.5.14 and RFC 6585 section 5 do.

mod answer;
mod event;
mod front;
mod quiet;
mod route;

#[cfg(test)]
mod tests;

pub use event::{Arrival, event, inquiry};
pub use front::{Front, serve};
pub use quiet::Quiet;
pub use route::{Matched, Route, Routes};

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};
use runtime::{Module, Trigger};
use serde_json::Value;

use crate::clock::VirtualClock;
use crate::fault::SplitMix;
use crate::lambda::Functions;

/// The id of the one API that stands for all three.
pub const API_ID: &str = "local";

/// Largest request line and headers together, in bytes.
pub const HEAD_LIMIT_BYTES: usize = 10_240;
/// Largest body, in bytes.
pub const BODY_LIMIT_BYTES: usize = 10 * 1024 * 1024;
/// How long a function may take to answer.
const INTEGRATION_TIMEOUT_MS: i64 = 30_000;
/// How long an authorizer may take to answer.
const AUTHORIZER_TIMEOUT_MS: i64 = 10_000;

/// The APIs of one platform.
pub struct Gateway {
    routes: Routes,
    functions: Functions,
    authorizer: Option<&'static str>,
    clock: VirtualClock,
    requests: AtomicU64,
}

impl Gateway {
    /// The APIs of these modules. Protected routes ask the one authorizer among their rows.
    pub fn new(modules: &[Module], functions: Functions, clock: VirtualClock) -> Self {
        let mut rows = modules.iter().flat_map(|module| &module.rows);
        let authorizer = rows.find(|row| matches!(row.trigger, Trigger::Authorizer));
        Self {
            routes: Routes::of(modules),
            authorizer: authorizer.map(|row| row.id),
            functions,
            clock,
            requests: AtomicU64::new(0),
        }
    }

    /// The routes.
    pub fn routes(&self) -> &Routes {
        &self.routes
    }

    /// Answers one request that came from `source`.
    pub async fn answer(&self, request: Request<Bytes>, source: IpAddr) -> Response<Bytes> {
        let (parts, body) = request.into_parts();
        let request_id = self.request_id();
        let stamp = HeaderValue::from_str(&request_id);
        let mut response = self.serve(&parts, &body, source, request_id).await;
        if let Ok(stamp) = stamp {
            response.headers_mut().insert("apigw-requestid", stamp);
        }
        response
    }

    async fn serve(
        &self,
        parts: &Parts,
        body: &Bytes,
        source: IpAddr,
        request_id: String,
    ) -> Response<Bytes> {
        if let Some(refusal) = oversized(parts, body) {
            return refusal;
        }
        let Some(matched) = self.routes.find(parts.method.as_str(), parts.uri.path()) else {
            return answer::message(StatusCode::NOT_FOUND, "Not Found");
        };
        let arrival = Arrival {
            api_id: API_ID,
            request_id,
            source_ip: source.to_string(),
            at_ms: self.clock.now_ms(),
        };
        let mut event = event(parts, body, &matched, &arrival);
        if matched.route.authorized {
            match self.authorize(&event).await {
                Ok(context) => put_authorizer(&mut event, context),
                Err(refusal) => return refusal,
            }
        }
        let broken = || answer::message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
        match self.within(INTEGRATION_TIMEOUT_MS, matched.route.function, event).await {
            None => answer::message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
            Some(Err(())) => broken(),
            Some(Ok(returned)) => answer::read(&returned).unwrap_or_else(|_| broken()),
        }
    }

    /// The authorizer's context, or the refusal ("Control access to HTTP APIs with AWS Lambda
    /// authorizers": simple responses; an authorizer that fails is a 500, one that says no a 403).
    async fn authorize(&self, event: &Value) -> Result<Value, Response<Bytes>> {
        let broken = || answer::message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
        let authorizer = self.authorizer.ok_or_else(broken)?;
        let answer = self.within(AUTHORIZER_TIMEOUT_MS, authorizer, inquiry(event)).await;
        let mut answer = answer.and_then(Result::ok).ok_or_else(broken)?;
        match answer.get("isAuthorized").and_then(Value::as_bool) {
            Some(true) => Ok(answer.get_mut("context").map(Value::take).unwrap_or_default()),
            Some(false) => Err(answer::message(StatusCode::FORBIDDEN, "Forbidden")),
            None => Err(broken()),
        }
    }

    /// What the function returned, `Err` where it failed, `None` where it took too long.
    async fn within(
        &self,
        limit_ms: i64,
        function: &str,
        event: Value,
    ) -> Option<Result<Value, ()>> {
        let deadline_ms = self.clock.now_ms().saturating_add(limit_ms);
        tokio::select! {
            biased;
            returned = self.functions.call(function, event) => Some(returned.map_err(|_| ())),
            () = self.clock.sleep_until(deadline_ms) => None,
        }
    }

    /// Looks like the ids of API Gateway and is the same in every run.
    fn request_id(&self) -> String {
        let mut random = SplitMix::new(self.requests.fetch_add(1, Ordering::Relaxed));
        let (high, low) = (random.next().to_be_bytes(), random.next().to_be_bytes());
        let bytes: Vec<u8> = high.into_iter().chain(low).take(11).collect();
        format!("{}=", URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// A refusal where the request is larger than the gateway takes.
fn oversized(parts: &Parts, body: &Bytes) -> Option<Response<Bytes>> {
    let line = parts.method.as_str().len() + parts.uri.path().len() + " HTTP/1.1\r\n".len();
    let line = line + parts.uri.query().map_or(0, |query| query.len() + 1) + 1;
    let headers: usize =
        parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if line + headers > HEAD_LIMIT_BYTES {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Some(answer::message(status, "Request Header Fields Too Large"));
    }
    if body.len() > BODY_LIMIT_BYTES {
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        return Some(answer::message(status, "Request Entity Too Large"));
    }
    None
}

fn put_authorizer(event: &mut Value, context: Value) {
    if let Some(members) = event.get_mut("requestContext").and_then(Value::as_object_mut) {
        members.insert("authorizer".to_owned(), serde_json::json!({ "lambda": context }));
    }
}
