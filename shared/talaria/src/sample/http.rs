//! A request as the HTTP API hands it to a function (payload format 2.0).

use contracts::{Access, Idempotency, Method, Precondition, Spec};
use kernel::PermissionSet;
use serde_json::{Map, Value, json};

use super::{INSTANT_MS, id_body, value};
use crate::member::put;
use crate::platform::{Page, is_everywhere, path_parameters, route_keys};

/// The event of one good request to the endpoint.
pub fn event(page: &Page, shared: &Map<String, Value>) -> Value {
    let spec = &page.spec;
    let mut members = value::request(&page.request, shared);
    let path_values = take_path(spec, &mut members);
    let path = filled(spec, &path_values);
    let key = route_keys(spec).into_iter().next().unwrap_or_default();
    let query: Map<String, Value> = match spec.method.has_body() {
        true => Map::new(),
        false => members.iter().map(|(name, value)| (name.clone(), json!(plain(value)))).collect(),
    };
    let pairs: Vec<String> =
        query.iter().map(|(name, text)| format!("{name}={}", plain(text))).collect();
    let mut event = json!({
        "version": "2.0",
        "routeKey": key,
        "rawPath": path,
        "rawQueryString": pairs.join("&"),
        "headers": headers(spec),
        "requestContext": context(spec, &key, &path),
        "isBase64Encoded": false,
    });
    if !query.is_empty() {
        put(&mut event, "queryStringParameters", json!(query));
    }
    if !path_values.is_empty() {
        put(&mut event, "pathParameters", json!(path_values));
    }
    if spec.method.has_body() && !members.is_empty() {
        put(&mut event, "body", json!(Value::Object(members).to_string()));
    }
    event
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn take_path(spec: &Spec, members: &mut Map<String, Value>) -> Map<String, Value> {
    path_parameters(spec.path)
        .into_iter()
        .map(|name| {
            let value = members.shift_remove(name).unwrap_or_else(|| json!("v1/profile"));
            (name.to_owned(), json!(plain(&value)))
        })
        .collect()
}

fn filled(spec: &Spec, values: &Map<String, Value>) -> String {
    if spec.method == Method::Any {
        return "/v1/unknown".to_owned();
    }
    values.iter().fold(spec.path.to_owned(), |path, (name, value)| {
        let text = plain(value);
        path.replace(&format!("{{{name}}}"), &text).replace(&format!("{{{name}+}}"), &text)
    })
}

fn headers(spec: &Spec) -> Value {
    let mut headers = json!({
        "accept": "application/json",
        "host": "api.example.com",
        "user-agent": "talaria-sample/1",
        "x-forwarded-proto": "https",
    });
    let mut header = |name: &str, text: &str| put(&mut headers, name, json!(text));
    if spec.method.has_body() {
        header("content-type", "application/json");
    }
    if spec.access.needs_credential() {
        header("authorization", "Bearer sample");
    }
    if spec.idempotency == Idempotency::Key {
        header("idempotency-key", "sample-1");
    }
    if spec.precondition == Precondition::Required {
        header("if-match", "\"v1\"");
    }
    if is_everywhere(spec) {
        header("origin", "https://app.example.com");
    }
    headers
}

fn context(spec: &Spec, key: &str, path: &str) -> Value {
    let method = if spec.method == Method::Any { "GET" } else { spec.method.as_str() };
    let mut context = json!({
        "accountId": "123456789012",
        "apiId": "sample",
        "domainName": "api.example.com",
        "domainPrefix": "api",
        "http": {
            "method": method,
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": "203.0.113.7",
            "userAgent": "talaria-sample/1",
        },
        "requestId": "sample=",
        "routeKey": key,
        "stage": "$default",
        "time": "21/Nov/2026:12:00:00 +0000",
        "timeEpoch": INSTANT_MS,
    });
    if spec.access.wants_evidence() {
        put(&mut context, "authorizer", json!({ "lambda": evidence(spec) }));
    }
    context
}

/// What the authorizer says of a person who may make the call.
fn evidence(spec: &Spec) -> Value {
    let needed: PermissionSet = match spec.access {
        Access::Permission(permission) => [permission].into_iter().collect(),
        _ => PermissionSet::new(),
    };
    let id = |prefix: &str| format!("{prefix}_{}", id_body());
    json!({
        "evidence": "valid",
        "why": "valid",
        "tenant_status": "active",
        "plan": "free",
        "kind": "user",
        "subject_id": id("usr"),
        "tenant_id": id("cli"),
        "home_tenant_id": id("cli"),
        "mode": "live",
        "session_id": id("ses"),
        "application_id": id("app"),
        "scope": "api",
        "permissions": needed.to_bits(),
        "roles": "member",
        "acr": "aal1",
        "auth_time": (INSTANT_MS / 1_000).to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Platform;

    fn sample(id: &str) -> Value {
        let platform = Platform::of(Vec::new());
        event(platform.page(id).unwrap(), &platform.schemas)
    }

    #[test]
    fn a_sample_is_a_whole_request() {
        let view = sample("profile.view");
        let user = format!("usr_{}", id_body());
        assert_eq!(view["rawPath"], format!("/v1/profiles/{user}"));
        assert_eq!(view["pathParameters"]["user_id"], user);
        assert_eq!(view["requestContext"]["authorizer"]["lambda"]["evidence"], "valid");
        let login = sample("auth.login");
        assert!(login["body"].as_str().unwrap().contains("\"tenant\":\"demo\""));
        assert!(login["requestContext"].get("authorizer").is_none());
        let link = sample("auth.link_page");
        assert_eq!(link["rawPath"], "/v1/auth/links/verify");
        assert_eq!(sample("gateway.fallback")["routeKey"], "$default");
    }
}
