//! What a function returned as an HTTP answer (API Gateway Developer Guide, "Create AWS Lambda proxy
//! integrations for HTTP APIs", "Lambda function response format", format 2.0).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, SET_COOKIE};
use http::{Response, StatusCode};
use serde_json::{Value, json};

/// Headers that belong to the connection, not to the function.
const OF_THE_CONNECTION: [&str; 4] =
    ["connection", "content-length", "transfer-encoding", "keep-alive"];

/// The function returned something that is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoAnswer;

/// Reads what a function returned. An object with `statusCode` is an answer; anything else becomes
/// the JSON body of a 200. Refuses a status, header or body that cannot be sent.
pub fn read(returned: &Value) -> Result<Response<Bytes>, NoAnswer> {
    let Some(status) = returned.get("statusCode") else { return Ok(inferred(returned)) };
    let status = status.as_u64().and_then(|status| u16::try_from(status).ok()).ok_or(NoAnswer)?;
    let body = body(returned)?;
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).map_err(|_| NoAnswer)?;
    let headers = returned.get("headers").and_then(Value::as_object);
    for (name, value) in headers.into_iter().flatten() {
        let name: HeaderName = name.parse().map_err(|_| NoAnswer)?;
        if !OF_THE_CONNECTION.contains(&name.as_str()) {
            response.headers_mut().insert(name, header_value(value)?);
        }
    }
    for cookie in returned.get("cookies").and_then(Value::as_array).into_iter().flatten() {
        response.headers_mut().append(SET_COOKIE, header_value(cookie)?);
    }
    if !response.body().is_empty() && !response.headers().contains_key(CONTENT_TYPE) {
        let plain = HeaderValue::from_static("text/plain;charset=UTF-8");
        response.headers_mut().insert(CONTENT_TYPE, plain);
    }
    Ok(response)
}

/// An answer of the gateway itself.
pub fn message(status: StatusCode, message: &str) -> Response<Bytes> {
    let mut response = json_body(json!({ "message": message }).to_string());
    *response.status_mut() = status;
    response
}

fn inferred(returned: &Value) -> Response<Bytes> {
    match returned {
        Value::String(text) => json_body(text.clone()),
        other => json_body(other.to_string()),
    }
}

fn json_body(text: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn body(returned: &Value) -> Result<Bytes, NoAnswer> {
    let encoded = returned.get("isBase64Encoded").and_then(Value::as_bool).unwrap_or(false);
    match returned.get("body") {
        None | Some(Value::Null) => Ok(Bytes::new()),
        Some(Value::String(text)) if encoded => {
            STANDARD.decode(text).map(Bytes::from).map_err(|_| NoAnswer)
        }
        Some(Value::String(text)) => Ok(Bytes::from(text.clone())),
        Some(_) => Err(NoAnswer),
    }
}

fn header_value(value: &Value) -> Result<HeaderValue, NoAnswer> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return Err(NoAnswer),
    };
    HeaderValue::from_bytes(text.as_bytes()).map_err(|_| NoAnswer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(response: &Response<Bytes>) -> String {
        let headers: Vec<_> = response
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        let body = String::from_utf8_lossy(response.body());
        format!("{} [{}] {body}", response.status().as_u16(), headers.join("; "))
    }

    #[test]
    fn what_a_function_returns_becomes_the_answer_it_means() {
        let rows = [
            (
                json!({ "statusCode": 201, "headers": { "Content-Type": "application/json" },
                        "body": "{}" }),
                "201 [content-type: application/json] {}",
            ),
            (json!({ "statusCode": 204 }), "204 [] "),
            (
                json!({ "statusCode": 200, "body": "hi" }),
                "200 [content-type: text/plain;charset=UTF-8] hi",
            ),
            (
                json!({ "statusCode": 200, "body": "aGk=", "isBase64Encoded": true,
                        "headers": { "content-type": "image/png" } }),
                "200 [content-type: image/png] hi",
            ),
            (
                json!({ "statusCode": 302, "headers": { "location": "/", "x-n": 7, "x-b": true },
                        "cookies": ["a=1; Path=/", "b=2"] }),
                "302 [location: /; x-n: 7; x-b: true; set-cookie: a=1; Path=/; set-cookie: b=2] ",
            ),
            (json!({ "statusCode": 200, "headers": { "Content-Length": "99" } }), "200 [] "),
            (json!({ "ok": true }), "200 [content-type: application/json] {\"ok\":true}"),
            (json!("hello"), "200 [content-type: application/json] hello"),
            (json!(null), "200 [content-type: application/json] null"),
        ];
        for (returned, expected) in rows {
            assert_eq!(line(&read(&returned).unwrap()), expected, "{returned}");
        }
    }

    #[test]
    fn what_cannot_be_sent_is_no_answer() {
        let rows = [
            json!({ "statusCode": "abc" }),
            json!({ "statusCode": 99 }),
            json!({ "statusCode": 70_000 }),
            json!({ "statusCode": 200, "headers": { "a b": "c" } }),
            json!({ "statusCode": 200, "headers": { "a": "b\nc" } }),
            json!({ "statusCode": 200, "headers": { "a": ["b"] } }),
            json!({ "statusCode": 200, "body": { "a": 1 } }),
            json!({ "statusCode": 200, "body": "not base64!", "isBase64Encoded": true }),
        ];
        for returned in rows {
            assert_eq!(read(&returned).unwrap_err(), NoAnswer, "{returned}");
        }
    }
}
