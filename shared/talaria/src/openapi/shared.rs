//! What operations share: headers, header parameters, ways to prove oneself.

use serde_json::{Map, Value, json};

const HEADERS: &[(&str, &str, &str)] = &[
    ("Allow", "Allow", "The methods the path has."),
    ("ETag", "ETag", "The version of the document; send it with `If-Match` or `If-None-Match`."),
    (
        "IdempotentReplayed",
        "Idempotent-Replayed",
        "`true` where the answer is the stored one of an earlier call with the same key.",
    ),
    ("Location", "Location", "Where it is."),
    (
        "RateLimit",
        "RateLimit",
        "What is left of each quota, and seconds until it renews: `\"write\";r=119;t=41` \
         (draft-ietf-httpapi-ratelimit-headers).",
    ),
    (
        "RateLimitPolicy",
        "RateLimit-Policy",
        "The quotas the call counts against: `\"write\";q=120;w=60`.",
    ),
    ("RequestId", "Request-Id", "The id of the request; quote it when you ask for help."),
    ("RetryAfter", "Retry-After", "Seconds to wait before trying again."),
    ("WWWAuthenticate", "WWW-Authenticate", "How to prove yourself (RFC 6750)."),
];

/// The header that a component's name stands for.
pub fn header_name(component: &str) -> &'static str {
    HEADERS.iter().find(|(name, ..)| *name == component).map_or("", |(_, header, _)| header)
}

/// The shared headers that `body` refers to.
pub fn headers(body: &Value) -> Map<String, Value> {
    let text = body.to_string();
    let is_used = |name: &str| text.contains(&format!("\"#/components/headers/{name}\""));
    HEADERS
        .iter()
        .filter(|(name, ..)| is_used(name))
        .map(|(name, _, description)| {
            let kind = if *name == "RetryAfter" { "integer" } else { "string" };
            let header = json!({ "description": description, "schema": { "type": kind } });
            ((*name).to_owned(), header)
        })
        .collect()
}

/// The shared header parameters that `body` refers to.
pub fn parameters(body: &Value) -> Map<String, Value> {
    let text = body.to_string();
    let is_used = |name: &str| text.contains(&format!("\"#/components/parameters/{name}\""));
    let all = every_parameter().into_iter().filter(|(name, _)| is_used(name));
    all.map(|(name, parameter)| (name.to_owned(), parameter)).collect()
}

fn every_parameter() -> [(&'static str, Value); 4] {
    let tag = |name: &str, required: bool, description: &str| {
        json!({
            "name": name,
            "in": "header",
            "required": required,
            "description": description,
            "schema": { "type": "string", "examples": ["\"v1\""] },
        })
    };
    let key = json!({
        "name": "Idempotency-Key",
        "in": "header",
        "required": false,
        "description": "Makes repeating the call safe: the first answer is stored for 48 hours \
                        and replayed for the same key and request.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 255 },
    });
    [
        ("IdempotencyKey", key),
        ("IfMatch", tag("If-Match", false, "Changes only this version (RFC 9110 section 13.1.1).")),
        ("IfMatchRequired", tag("If-Match", true, "The version to change: the `ETag` you read.")),
        (
            "IfNoneMatch",
            tag("If-None-Match", false, "Answers 304 where this is still the version."),
        ),
    ]
}

/// The ways to prove oneself.
pub fn security_schemes() -> Value {
    json!({
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token, or an API key.",
        },
        "apiKey": {
            "type": "apiKey",
            "in": "header",
            "name": "x-api-key",
            "description": "An API key.",
        },
    })
}
