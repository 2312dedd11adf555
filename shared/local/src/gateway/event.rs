//! Events as an HTTP API hands them to functions, payload format 2.0 (API Gateway Developer Guide,
//! "Create AWS Lambda proxy integrations for HTTP APIs", "Payload format structure").
//!
//! Where the guide is silent the captures in <https://github.com/hotsock/voker/pull/8> decide: an HTTP
//! API hands the path on decoded, and ends it at a decoded question mark.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use serde_json::{Map, Value, json};

use super::route::{Matched, decoded};
use crate::aws::{ACCOUNT, REGION};

/// What the gateway knows of a request besides what was sent.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The API's id.
    pub api_id: &'static str,
    /// Unique per request.
    pub request_id: String,
    /// Address of the caller.
    pub source_ip: String,
    /// When it came, Unix milliseconds.
    pub at_ms: i64,
}

/// The event of a request on its route. Never fails: what a client may send, an event can hold.
pub fn event(parts: &Parts, body: &[u8], matched: &Matched<'_>, arrival: &Arrival) -> Value {
    let path = raw_path(parts);
    let query = parts.uri.query().unwrap_or_default();
    let mut event = Map::new();
    let mut put = |name: &str, value: Value| event.insert(name.to_owned(), value);
    put("version", json!("2.0"));
    put("routeKey", json!(matched.route.key));
    put("rawPath", json!(path));
    put("rawQueryString", json!(query));
    let cookies = cookies(parts);
    if !cookies.is_empty() {
        put("cookies", json!(cookies));
    }
    put("headers", Value::Object(headers(parts, arrival)));
    let parameters = joined(query.split('&').filter(|pair| !pair.is_empty()).map(query_pair));
    if !parameters.is_empty() {
        put("queryStringParameters", Value::Object(parameters));
    }
    put("requestContext", context(parts, &path, matched, arrival));
    if !matched.parameters.is_empty() {
        let held = matched.parameters.iter();
        let held = held.map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        put("pathParameters", Value::Object(held));
    }
    let text = std::str::from_utf8(body).ok().filter(|_| is_text(parts));
    if !body.is_empty() {
        put("body", text.map_or_else(|| json!(STANDARD.encode(body)), |text| json!(text)));
    }
    put("isBase64Encoded", json!(!body.is_empty() && text.is_none()));
    Value::Object(event)
}

/// The question put to a REQUEST authorizer before the function ("Control access to HTTP APIs with
/// AWS Lambda authorizers", payload format version 2.0): the event without its body. No identity
/// sources are configured, so none are named.
pub fn inquiry(event: &Value) -> Value {
    let mut inquiry = event.as_object().cloned().unwrap_or_default();
    inquiry.remove("body");
    inquiry.remove("isBase64Encoded");
    let context =
        |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let arn = format!(
        "arn:aws:execute-api:{REGION}:{ACCOUNT}:{}/$default/{}{}",
        context("/requestContext/apiId"),
        context("/requestContext/http/method"),
        context("/rawPath"),
    );
    inquiry.insert("type".to_owned(), json!("REQUEST"));
    inquiry.insert("routeArn".to_owned(), json!(arn));
    Value::Object(inquiry)
}

fn raw_path(parts: &Parts) -> String {
    let path = decoded(parts.uri.path());
    path.split('?').next().unwrap_or_default().to_owned()
}

fn context(parts: &Parts, path: &str, matched: &Matched<'_>, arrival: &Arrival) -> Value {
    let domain = domain(parts);
    json!({
        "accountId": ACCOUNT,
        "apiId": arrival.api_id,
        "domainName": domain,
        "domainPrefix": domain.split('.').next().unwrap_or_default(),
        "http": {
            "method": parts.method.as_str(),
            "path": path,
            "protocol": format!("{:?}", parts.version),
            "sourceIp": arrival.source_ip,
            "userAgent": text(parts, "user-agent").unwrap_or_default(),
        },
        "requestId": arrival.request_id,
        "routeKey": matched.route.key,
        "stage": "$default",
        "time": clf_time(arrival.at_ms),
        "timeEpoch": arrival.at_ms,
    })
}

/// The host without its port.
fn domain(parts: &Parts) -> String {
    let host = text(parts, "host").or_else(|| parts.uri.authority().map(ToString::to_string));
    let host = host.unwrap_or_else(|| "localhost".to_owned());
    let name =
        host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    name.map_or(host.as_str(), |(name, _)| name).to_owned()
}

fn text(parts: &Parts, name: &str) -> Option<String> {
    parts.headers.get(name).map(|value| lossy(value.as_bytes()))
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Names in lower case, repeated ones joined by commas. Cookies have a member of their own; what the
/// gateway adds on the way comes last.
fn headers(parts: &Parts, arrival: &Arrival) -> Map<String, Value> {
    let sent = parts.headers.iter().filter(|(name, _)| *name != http::header::COOKIE);
    let mut headers =
        joined(sent.map(|(name, value)| (name.as_str().to_owned(), lossy(value.as_bytes()))));
    let hops = headers.get("x-forwarded-for").and_then(Value::as_str);
    let hops = match hops {
        Some(hops) => format!("{hops}, {}", arrival.source_ip),
        None => arrival.source_ip.clone(),
    };
    headers.insert("x-forwarded-for".to_owned(), json!(hops));
    headers.insert("x-forwarded-proto".to_owned(), json!("http"));
    headers
}

/// Each `name=value` of all cookie headers.
fn cookies(parts: &Parts) -> Vec<String> {
    let sent = parts.headers.get_all(http::header::COOKIE);
    let sent: Vec<String> = sent.iter().map(|value| lossy(value.as_bytes())).collect();
    let pairs = sent.iter().flat_map(|header| header.split(';'));
    pairs.map(str::trim).filter(|pair| !pair.is_empty()).map(str::to_owned).collect()
}

fn query_pair(pair: &str) -> (String, String) {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    (decoded(&name.replace('+', " ")), decoded(&value.replace('+', " ")))
}

/// Values of one name joined by commas, names in the order they first came.
fn joined(pairs: impl Iterator<Item = (String, String)>) -> Map<String, Value> {
    let mut members: Map<String, Value> = Map::new();
    for (name, value) in pairs {
        match members.get_mut(&name) {
            Some(Value::String(held)) => {
                held.push(',');
                held.push_str(&value);
            }
            _ => {
                members.insert(name, Value::String(value));
            }
        }
    }
    members
}

/// Whether the body goes to the function as text. Everything else goes as base64, forms included.
fn is_text(parts: &Parts) -> bool {
    let Some(media) = text(parts, "content-type") else { return true };
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media.starts_with("text/")
        || media.ends_with("+json")
        || media.ends_with("+xml")
        || matches!(
            media.as_str(),
            "" | "application/json" | "application/xml" | "application/javascript"
        )
}

/// `12/Mar/2020:19:03:58 +0000`, the form of access logs.
fn clf_time(at_ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(at_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string()
}
