//! One AWS request and its answer, independent of how they travelled.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::request::Parts;
use serde_json::{Value, json};

/// The services the local cloud answers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// DynamoDB and DynamoDB Streams.
    DynamoDb,
    /// Simple Queue Service.
    Sqs,
    /// Simple Notification Service.
    Sns,
    /// Secrets Manager.
    SecretsManager,
    /// Something another part of the local cloud answers, by its `Extension::name`.
    Extension(&'static str),
}

impl Service {
    /// The service's name as in ARNs, log lines and the console.
    pub fn name(self) -> &'static str {
        match self {
            Self::DynamoDb => "dynamodb",
            Self::Sqs => "sqs",
            Self::Sns => "sns",
            Self::SecretsManager => "secretsmanager",
            Self::Extension(name) => name,
        }
    }
}

/// A service that another part of the local cloud adds behind the same connector (`@connections`,
/// Lambda invoke): its calls are recorded and fault-injected like every other.
pub trait Extension: Send + Sync {
    /// Short name for the log, `execute-api` for example.
    fn name(&self) -> &'static str;
    /// Whether this request is for this service. Asked only when no built-in service claims it.
    fn claims(&self, parts: &Parts) -> bool;
    /// Answers the request.
    fn answer(&self, request: http::Request<Bytes>) -> BoxFuture<'static, http::Response<Bytes>>;
}

/// A recognised request of a built-in service.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which service.
    pub service: Service,
    /// The operation's name, `PutItem`.
    pub operation: String,
    /// Host the client addressed; queue URLs are built from it.
    pub host: String,
    /// The body as sent.
    pub body: Bytes,
    /// How often a message sent by this request is delivered: 1, or 2 for an injected duplicate.
    pub copies: usize,
    /// For an injected fault: the entry of a batch at this position, modulo the number of entries,
    /// is refused as if the service had failed for it alone.
    pub refused_entry: Option<u64>,
}

impl Request {
    /// Recognises a request by `x-amz-target` (JSON protocols) or by the form's `Action` (SNS).
    /// `None` when it is for no service we implement.
    pub fn recognise(parts: &Parts, body: &Bytes) -> Option<Self> {
        let (service, operation) = match header(parts, "x-amz-target") {
            Some(target) => by_target(target)?,
            None => by_form(parts, body)?,
        };
        let host = header(parts, "host")
            .map(str::to_owned)
            .or_else(|| parts.uri.authority().map(ToString::to_string))
            .unwrap_or_else(|| "localhost".to_owned());
        Some(Self { service, operation, host, body: body.clone(), copies: 1, refused_entry: None })
    }

    /// Whether the fault refuses the entry at `position` of `count`.
    pub(crate) fn refuses(&self, position: usize, count: usize) -> bool {
        let (position, count) = (u64::try_from(position), u64::try_from(count));
        match (self.refused_entry, position, count) {
            (Some(number), Ok(position), Ok(count)) => number.checked_rem(count) == Some(position),
            _ => false,
        }
    }

    /// The body as JSON; `Null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

fn header<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts.headers.get(name).and_then(|value| value.to_str().ok())
}

fn by_target(target: &str) -> Option<(Service, String)> {
    let (prefix, operation) = target.split_once('.')?;
    let service = match prefix {
        "DynamoDB_20120810" | "DynamoDBStreams_20120810" => Service::DynamoDb,
        "AmazonSQS" => Service::Sqs,
        "secretsmanager" => Service::SecretsManager,
        _ => return None,
    };
    Some((service, operation.to_owned()))
}

fn by_form(parts: &Parts, body: &[u8]) -> Option<(Service, String)> {
    let kind = header(parts, "content-type")?;
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return None;
    }
    let text = std::str::from_utf8(body).ok()?;
    let action = text.split('&').find_map(|pair| pair.strip_prefix("Action="))?;
    Some((Service::Sns, action.to_owned()))
}

/// The answer to one request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Media type of the body.
    pub content_type: &'static str,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Bytes,
    /// The service's error code, when this is an error.
    pub error: Option<String>,
}

/// Media type of DynamoDB and SQS.
pub(crate) const JSON_1_0: &str = "application/x-amz-json-1.0";

/// Media type of Secrets Manager.
pub(crate) const JSON_1_1: &str = "application/x-amz-json-1.1";

impl Answer {
    /// A success with a JSON body.
    pub fn json(content_type: &'static str, body: &Value) -> Self {
        let body = Bytes::from(body.to_string());
        Self { status: 200, content_type, headers: Vec::new(), body, error: None }
    }

    /// An error in the JSON protocols: `__type` and `message`. `code` may carry a namespace.
    pub fn error_json(status: u16, code: &str, message: &str) -> Self {
        let body = json!({ "__type": code, "message": message }).to_string();
        Self {
            status,
            content_type: JSON_1_0,
            headers: Vec::new(),
            body: Bytes::from(body),
            error: Some(bare_code(code)),
        }
    }

    /// The answer as an HTTP response. A header we cannot write is left out.
    pub fn into_http(self, request_id: &str) -> http::Response<Bytes> {
        let mut response = http::Response::new(self.body);
        *response.status_mut() = http::StatusCode::from_u16(self.status)
            .unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert("content-type", http::HeaderValue::from_static(self.content_type));
        if let Ok(value) = http::HeaderValue::from_str(request_id) {
            headers.insert("x-amzn-requestid", value);
        }
        for (name, value) in self.headers {
            if let Ok(value) = http::HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// The part of an error code after its namespace.
pub(crate) fn bare_code(code: &str) -> String {
    code.rsplit('#').next().unwrap_or(code).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart_by_target_and_action() {
        let form = "application/x-www-form-urlencoded";
        let cases = [
            (Some("DynamoDB_20120810.GetItem"), "", "{}", Some((Service::DynamoDb, "GetItem"))),
            (
                Some("DynamoDBStreams_20120810.GetRecords"),
                "",
                "{}",
                Some((Service::DynamoDb, "GetRecords")),
            ),
            (Some("AmazonSQS.SendMessage"), "", "{}", Some((Service::Sqs, "SendMessage"))),
            (Some("Kinesis.PutRecord"), "", "{}", None),
            (None, form, "Action=Publish&Version=2010-03-31", Some((Service::Sns, "Publish"))),
            (None, "text/plain", "Action=Publish", None),
        ];
        for (target, content_type, body, expected) in cases {
            let mut builder = http::Request::builder().uri("http://localhost/");
            if let Some(target) = target {
                builder = builder.header("x-amz-target", target);
            }
            let parts =
                builder.header("content-type", content_type).body(()).unwrap().into_parts().0;
            let found = Request::recognise(&parts, &Bytes::from(body));
            let found = found.as_ref().map(|r| (r.service, r.operation.as_str()));
            assert_eq!(found, expected, "{target:?} {body}");
        }
    }
}
