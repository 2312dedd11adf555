//! The answer in payload format 2.0, with every header the caller is owed.

use interface::Spec;
use kernel::{Error, ErrorKind};
use serde_json::{Map, Value, json};

use super::served::Served;
use crate::call::answer::Answer;
use crate::call::authorizer::Standing;
use crate::module::function::Function;

/// Headers a browser may show to the page.
const EXPOSED: &str = "ETag, Location, Retry-After, RateLimit, RateLimit-Policy, WWW-Authenticate, \
                       Request-Id, Idempotent-Replayed";
/// What an HTML page of ours may do: nothing but post a form back to us.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                           frame-ancestors 'none'; form-action 'self'";

/// Renders the answer as the gateway wants it.
pub(super) fn render(function: &Function, served: &Served, answer: Answer, id: &str) -> String {
    let mut headers = Map::new();
    let mut put = |name: &str, text: &str| {
        headers.insert(name.to_owned(), Value::String(text.to_owned()));
    };
    put("request-id", id);
    put("x-content-type-options", "nosniff");
    put("cache-control", cache_control(served.spec.as_ref(), answer.status));
    if function.ports.config.issuer.starts_with("https://") {
        put("strict-transport-security", "max-age=63072000; includeSubDomains");
    }
    if let Some(media) = answer.content_type {
        put("content-type", media);
        if media.starts_with("text/html") {
            put("content-security-policy", PAGE_POLICY);
            put("referrer-policy", "no-referrer");
            put("x-frame-options", "DENY");
        }
    }
    if let Some(tag) = &answer.tag {
        put("etag", tag);
    }
    if let Some(location) = &answer.location {
        put("location", location);
    }
    for (name, text) in &answer.headers {
        put(name, text);
    }
    if answer.replayed {
        put("idempotent-replayed", "true");
    }
    if let Some(error) = &served.error {
        for (name, text) in error_headers(error, served) {
            put(name, &text);
        }
    }
    if !served.rates.is_empty() {
        put("ratelimit-policy", &policies(served));
        put("ratelimit", &states(served));
    }
    for (name, text) in cross_origin(function, served) {
        put(name, text);
    }
    if function.ports.config.test_mode {
        let reading = served.meter.reading();
        put("x-dynamodb-requests", &reading.requests().to_string());
        put("server-timing", &crate::ports::log::server_timing(&reading));
    }
    json!({
        "statusCode": answer.status,
        "headers": headers,
        "body": answer.body,
        "isBase64Encoded": false,
        "cookies": [],
    })
    .to_string()
}

fn cache_control(spec: Option<&Spec>, status: u16) -> &'static str {
    match spec {
        Some(spec) if status == 200 || status == 304 => spec.cache_control,
        _ => "no-store",
    }
}

fn error_headers(error: &Error, served: &Served) -> Vec<(&'static str, String)> {
    let mut headers = Vec::new();
    let retry = error.retry_after_s();
    if let Some(seconds) = retry {
        headers.push(("retry-after", seconds.to_string()));
    }
    if let Some(challenge) = challenge(error, served) {
        headers.push(("www-authenticate", challenge));
    }
    if error.kind() == ErrorKind::MethodNotAllowed {
        headers.push(("allow", error.param().unwrap_or_default().to_owned()));
    }
    headers
}

/// The challenge of a 401, and of a 403 for scope (RFC 6750 section 3, RFC 9470 section 3).
fn challenge(error: &Error, served: &Served) -> Option<String> {
    let invalid = |why: &str| {
        format!("Bearer realm=\"talaria\", error=\"invalid_token\", error_description=\"{why}\"")
    };
    match (error.kind(), error.code()) {
        (ErrorKind::Unauthenticated, "step_up_required") => {
            let age = served.step_up_age_s.unwrap_or(300);
            Some(format!(
                "Bearer realm=\"talaria\", error=\"insufficient_user_authentication\", \
                 max_age=\"{age}\""
            ))
        }
        (ErrorKind::Unauthenticated, _) => Some(match served.standing {
            Some(Standing::Expired) => invalid("The access token expired"),
            Some(Standing::Invalid | Standing::Revoked) => invalid("The access token is invalid"),
            _ => "Bearer realm=\"talaria\"".to_owned(),
        }),
        (ErrorKind::Forbidden, "insufficient_scope") => {
            let scope = error.param().unwrap_or_default();
            Some(format!(
                "Bearer realm=\"talaria\", error=\"insufficient_scope\", scope=\"{scope}\""
            ))
        }
        (ErrorKind::Malformed, "multiple_credentials") => {
            Some("Bearer realm=\"talaria\", error=\"invalid_request\"".to_owned())
        }
        _ => None,
    }
}

/// `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers): quota and window of each policy.
fn policies(served: &Served) -> String {
    let items = served.rates.iter();
    items
        .map(|rate| format!("\"{}\";q={};w={}", rate.policy, rate.limit, rate.window_s))
        .collect::<Vec<_>>()
        .join(", ")
}

/// `RateLimit`: what is left, and when the window turns.
fn states(served: &Served) -> String {
    let items = served.rates.iter();
    items
        .map(|rate| format!("\"{}\";r={};t={}", rate.policy, rate.remaining, rate.reset_s))
        .collect::<Vec<_>>()
        .join(", ")
}

fn cross_origin<'a>(function: &Function, served: &'a Served) -> Vec<(&'static str, &'a str)> {
    if served.spec.is_some_and(|spec| spec.any_origin) {
        return vec![("access-control-allow-origin", "*")];
    }
    match &served.origin {
        Some(origin) if function.ports.config.allows_origin(origin) => vec![
            ("access-control-allow-origin", origin),
            ("access-control-expose-headers", EXPOSED),
            ("vary", "Origin"),
        ],
        _ => Vec::new(),
    }
}

/// The headers of a preflight answer for an origin we know.
pub fn preflight(methods: &str) -> Vec<(&'static str, String)> {
    vec![
        ("access-control-allow-methods", methods.to_owned()),
        (
            "access-control-allow-headers",
            "authorization, content-type, idempotency-key, if-match, if-none-match, x-api-key, \
             x-request-id, x-tenant"
                .to_owned(),
        ),
        ("access-control-max-age", "7200".to_owned()),
    ]
}
