//! Questions to the authorizer (REQUEST authorizer of an HTTP API, payload format 2.0).

use serde_json::{Value, json};

use super::INSTANT_MS;
use crate::member::put;

/// Every question by name.
pub fn events() -> Vec<(&'static str, Value)> {
    let of = |headers: &[(&str, &str)]| question(headers);
    vec![
        ("api_key", of(&[("x-api-key", "sk_live_talSAMPLE")])),
        ("bearer", of(&[("authorization", "Bearer sample")])),
        ("none", of(&[])),
        (
            "two_credentials",
            of(&[("authorization", "Bearer sample"), ("x-api-key", "sk_live_talSAMPLE")]),
        ),
    ]
}

fn question(credentials: &[(&str, &str)]) -> Value {
    let mut headers = json!({ "accept": "application/json", "host": "api.example.com" });
    for (name, text) in credentials {
        put(&mut headers, name, json!(text));
    }
    json!({
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": "arn:aws:execute-api:eu-central-1:123456789012:sample/$default/GET/v1/profile",
        "identitySource": null,
        "routeKey": "GET /v1/profile",
        "rawPath": "/v1/profile",
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "sample",
            "domainName": "api.example.com",
            "domainPrefix": "api",
            "http": {
                "method": "GET",
                "path": "/v1/profile",
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "talaria-sample/1",
            },
            "requestId": "sample=",
            "routeKey": "GET /v1/profile",
            "stage": "$default",
            "time": "21/Nov/2026:12:00:00 +0000",
            "timeEpoch": INSTANT_MS,
        },
    })
}
