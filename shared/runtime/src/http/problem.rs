//! Errors on the wire: `application/problem+json` (RFC 9457) with an `error` member that SDKs read.

use kernel::{Error, ErrorKind, FaultCode};
use serde_json::{Value, json};

use crate::call::answer::Answer;

/// The status of a kind, and its `error.type`.
pub const fn wire(kind: ErrorKind) -> (u16, &'static str) {
    match kind {
        ErrorKind::Malformed => (400, "invalid_request_error"),
        ErrorKind::Validation => (422, "invalid_request_error"),
        ErrorKind::Unauthenticated => (401, "authentication_error"),
        ErrorKind::Forbidden => (403, "permission_error"),
        ErrorKind::NotFound => (404, "not_found_error"),
        ErrorKind::MethodNotAllowed => (405, "invalid_request_error"),
        ErrorKind::Conflict => (409, "conflict_error"),
        ErrorKind::PreconditionFailed => (412, "precondition_error"),
        ErrorKind::PreconditionRequired => (428, "precondition_error"),
        ErrorKind::TooLarge => (413, "invalid_request_error"),
        ErrorKind::UnsupportedMedia => (415, "invalid_request_error"),
        ErrorKind::Idempotency => (400, "idempotency_error"),
        ErrorKind::RateLimited => (429, "rate_limit_error"),
        ErrorKind::Internal => (500, "api_error"),
        ErrorKind::Unavailable => (503, "api_error"),
    }
}

/// The media type of a problem document.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";
const QUOTA_EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";

/// The answer for this error. `violated` names the rate policies that refused.
pub(super) fn render(error: &Error, request_id: &str, violated: &[String]) -> Answer {
    let (status, error_type) = wire(error.kind());
    let code = error.code();
    let mut body = json!({
        "type": format!("urn:talaria:problem:{code}"),
        "title": error.problem().title(),
        "status": status,
        "detail": error.public_message(),
        "instance": request_id,
        "error": {
            "type": error_type,
            "code": code,
            "message": error.public_message(),
            "param": error.param(),
        },
    });
    if let Value::Object(members) = &mut body {
        if error.kind() == ErrorKind::RateLimited {
            members.insert("type".to_owned(), QUOTA_EXCEEDED.into());
            members.insert("violated-policies".to_owned(), json!(violated));
        }
        if error.kind() == ErrorKind::Validation {
            members.insert("errors".to_owned(), json!(error.faults()));
        }
    }
    Answer {
        status,
        content_type: Some(MEDIA_TYPE),
        tag: error.current_version().map(|version| format!("\"v{version}\"")),
        location: None,
        headers: Vec::new(),
        body: body.to_string(),
        replayed: false,
    }
}

/// The schema of a problem document, for the API document.
pub fn schema() -> Value {
    let codes: Vec<&str> = FaultCode::ALL.iter().map(|code| code.as_str()).collect();
    json!({
        "type": "object",
        "description": "What went wrong (RFC 9457).",
        "required": ["type", "title", "status", "detail", "instance", "error"],
        "properties": {
            "type": { "type": "string", "format": "uri" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
            "instance": { "type": "string", "description": "The id of the request." },
            "error": {
                "type": "object",
                "required": ["type", "code", "message", "param"],
                "properties": {
                    "type": { "type": "string" },
                    "code": { "type": "string" },
                    "message": { "type": "string" },
                    "param": { "type": ["string", "null"] },
                },
            },
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["code", "message", "param"],
                    "properties": {
                        "code": { "type": "string", "enum": codes },
                        "message": { "type": "string" },
                        "param": { "type": "string", "description": "JSON pointer." },
                    },
                },
            },
            "violated-policies": { "type": "array", "items": { "type": "string" } },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_faults_say_nothing_of_our_insides() {
        let answer = render(&Error::internal("table talaria-dev-auth is gone"), "req_1", &[]);
        assert_eq!(answer.status, 500);
        assert!(!answer.body.contains("table") && answer.body.contains("internal_error"));
    }

    #[test]
    fn a_refused_version_names_the_current_one() {
        let answer = render(&Error::precondition_failed(4), "req_1", &[]);
        assert_eq!((answer.status, answer.tag.as_deref()), (412, Some("\"v4\"")));
    }
}
