//! `Invoke` of the Lambda API, for typed calls and for other programs (Lambda API reference, "Invoke").

use std::sync::Weak;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{Functions, Inner, PAYLOAD_LIMIT_BYTES};
use crate::aws::Extension;
use crate::mapping::InvokeError;

const PREFIX: &str = "/2015-03-31/functions/";
const SUFFIX: &str = "/invocations";

/// The API behind the cloud's client and port.
pub struct InvokeApi {
    // The cloud holds us, and the functions hold the cloud's client.
    functions: Weak<Inner>,
}

impl InvokeApi {
    /// The API of these functions, for as long as they exist.
    pub fn new(functions: &Functions) -> Self {
        Self { functions: functions.downgrade() }
    }
}

impl Extension for InvokeApi {
    fn name(&self) -> &'static str {
        "lambda"
    }

    fn claims(&self, parts: &Parts) -> bool {
        parts.method == Method::POST && function_name(parts.uri.path()).is_some()
    }

    fn answer(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Response<Bytes>> {
        let functions = self.functions.upgrade().map(|inner| Functions { inner });
        Box::pin(async move {
            match functions {
                Some(functions) => answer(&functions, request).await,
                None => refusal(500, "ServiceException", "the local Lambda has stopped"),
            }
        })
    }
}

fn function_name(path: &str) -> Option<String> {
    let name = path.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    Some(percent_decode_str(name).decode_utf8_lossy().into_owned())
}

async fn answer(functions: &Functions, request: http::Request<Bytes>) -> Response<Bytes> {
    let name = function_name(request.uri().path()).unwrap_or_default();
    let Some(id) = functions.find(&name) else {
        let message = format!("Function not found: {name}");
        return refusal(404, "ResourceNotFoundException", &message);
    };
    if request.body().len() > PAYLOAD_LIMIT_BYTES {
        return refusal(413, "RequestTooLargeException", "the payload is larger than 6 MB");
    }
    let payload = match request.body().as_ref() {
        [] => Ok(json!({})),
        body => serde_json::from_slice::<Value>(body),
    };
    let payload = match payload {
        Ok(payload) => payload,
        Err(fault) => {
            let message = format!("Could not parse request body into json: {fault}");
            return refusal(400, "InvalidRequestContentException", &message);
        }
    };
    let kind = request.headers().get("x-amz-invocation-type").and_then(|kind| kind.to_str().ok());
    match kind.unwrap_or("RequestResponse") {
        "RequestResponse" => match functions.call(id, payload).await {
            Ok(returned) => plain(200, returned.to_string()),
            Err(failed) => unhandled(&failed),
        },
        "Event" => {
            functions.send(id, payload);
            plain(202, String::new())
        }
        "DryRun" => plain(204, String::new()),
        other => {
            let message = format!("InvocationType {other} is not offered");
            refusal(400, "InvalidParameterValueException", &message)
        }
    }
}

/// The function ran and failed: a 200 whose header says so.
fn unhandled(failed: &InvokeError) -> Response<Bytes> {
    let kind = match failed {
        InvokeError::Failed(_) => "Error",
        InvokeError::TimedOut => "Sandbox.Timedout",
        InvokeError::Crashed => "Runtime.ExitError",
    };
    let body = json!({ "errorType": kind, "errorMessage": failed.to_string() });
    let mut response = plain(200, body.to_string());
    put(&mut response, "x-amz-function-error", "Unhandled");
    response
}

fn refusal(status: u16, code: &str, message: &str) -> Response<Bytes> {
    let mut response = plain(status, json!({ "Type": "User", "Message": message }).to_string());
    put(&mut response, "x-amzn-errortype", code);
    response
}

fn plain(status: u16, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    put(&mut response, "content-type", "application/json");
    put(&mut response, "x-amz-executed-version", "$LATEST");
    response
}

fn put(response: &mut Response<Bytes>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
}
