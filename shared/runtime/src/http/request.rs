//! The gateway's event (payload format 2.0) as the pipeline reads it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kernel::Error;
use kernel::problem::MALFORMED_REQUEST;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::request::{LambdaRequest, RequestContext};
use lambda_http::{Body, RequestExt};

use crate::call::authorizer::Evidence;

/// One request: everything checks need, nothing they do not.
pub(super) struct Request {
    inner: lambda_http::Request,
    context: ApiGatewayV2httpRequestContext,
}

impl Request {
    /// Reads the event; refuses what is no request of an HTTP API.
    pub(super) fn read(event: &str) -> Result<Self, Error> {
        let misrouted = || Error::internal("the event is no HTTP API request");
        let event: LambdaRequest = serde_json::from_str(event).map_err(|_| misrouted())?;
        // The conversion asserts that the path forms a URI, which clients can break.
        let inner = catch_unwind(AssertUnwindSafe(|| lambda_http::Request::from(event)))
            .map_err(|_| MALFORMED_REQUEST.because("the path is no valid URI path"))?;
        match inner.request_context_ref().cloned() {
            Some(RequestContext::ApiGatewayV2(context)) => Ok(Self { inner, context }),
            _ => Err(misrouted()),
        }
    }

    pub(super) fn api_id(&self) -> &str {
        self.context.apiid.as_deref().unwrap_or_default()
    }

    /// `METHOD /path`, as the route is configured.
    pub(super) fn route_key(&self) -> &str {
        self.context.route_key.as_deref().unwrap_or_default()
    }

    pub(super) fn source_ip(&self) -> &str {
        self.context.http.source_ip.as_deref().unwrap_or_default()
    }

    pub(super) fn path(&self) -> &str {
        self.context.http.path.as_deref().unwrap_or_else(|| self.inner.uri().path())
    }

    /// The header, if it was sent as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.inner.headers().get(name).and_then(|value| value.to_str().ok())
    }

    /// What the authorizer found; absent where none was asked.
    pub(super) fn evidence(&self) -> Option<Evidence> {
        super::context::read(&self.context.authorizer.as_ref()?.fields)
    }

    pub(super) fn body(&self) -> &[u8] {
        match self.inner.body() {
            Body::Text(text) => text.as_bytes(),
            Body::Binary(bytes) => bytes,
            _ => &[],
        }
    }

    /// Path parameters, decoded by the gateway.
    pub(super) fn path_parameters(&self) -> Vec<(String, String)> {
        let parameters = self.inner.path_parameters();
        parameters.iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
    }

    /// Query parameters in order; refuses broken percent-encoding and text that is no UTF-8.
    pub(super) fn query(&self) -> Result<Vec<(String, String)>, Error> {
        pairs(self.inner.uri().query().unwrap_or_default())
    }
}

/// The pairs of a query string or a posted form, in order; refuses as [`Request::query`] does.
pub(super) fn pairs(text: &str) -> Result<Vec<(String, String)>, Error> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(text)?))
        })
        .collect()
}

fn decode(text: &str) -> Result<String, Error> {
    let malformed = || MALFORMED_REQUEST.because("the query string or form is not well encoded");
    let bytes = text.as_bytes();
    let hex = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    let broken = |(at, byte): (usize, &u8)| *byte == b'%' && !(hex(at + 1) && hex(at + 2));
    if bytes.iter().enumerate().any(broken) {
        return Err(malformed());
    }
    let spaced = text.replace('+', " ");
    let decoded = percent_encoding::percent_decode_str(&spaced).decode_utf8();
    let decoded = decoded.map_err(|_| malformed())?.into_owned();
    if decoded.chars().any(char::is_control) {
        return Err(malformed());
    }
    Ok(decoded)
}
