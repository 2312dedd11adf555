//! Errors on the wire: `application/problem+json` (RFC 9457) with an `error` member that SDKs read.

use kernel::{Error, ErrorKind, FaultCode};
use serde_json::{Value, json};

use crate::call::answer::Answer;

/// One error code as clients meet it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Catalogued {
    pub code: &'static str,
    pub status: u16,
    pub error_type: &'static str,
    pub title: &'static str,
}

/// Every kind: its status and its `error.type`.
const fn wire(kind: ErrorKind) -> (u16, &'static str) {
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

macro_rules! catalogue {
    ($($kind:ident { $($code:literal $title:literal,)+ })+) => {
        /// Every error code there is. Codes are forever: a test refuses an answer whose code is not here.
        pub const fn catalogue() -> &'static [Catalogued] {
            const ALL: &[Catalogued] = &[$($(Catalogued {
                code: $code,
                status: wire(ErrorKind::$kind).0,
                error_type: wire(ErrorKind::$kind).1,
                title: $title,
            },)+)+];
            ALL
        }
    };
}

catalogue! {
    Malformed {
        "malformed_request" "The request cannot be read",
        "multiple_credentials" "More than one credential was sent",
        "cursor_invalid" "The cursor is not one of this list",
        "precondition_malformed" "The precondition cannot be read",
    }
    MethodNotAllowed { "method_not_allowed" "The path has no such method", }
    TooLarge { "body_too_large" "The body is too large", }
    UnsupportedMedia { "unsupported_media_type" "The media type is not supported", }
    Validation {
        "validation_failed" "Values are not valid",
        "reason_required" "A reason is needed",
        "range_too_wide" "The range is too wide",
        "too_many_ids" "Too many ids at once",
    }
    Unauthenticated {
        "credential_missing" "A credential is needed",
        "credential_expired" "The credential has expired",
        "credential_invalid" "The credential is not valid",
        "step_up_required" "A fresher or stronger sign-in is needed",
        "invalid_credentials" "Address or password is wrong",
        "handle_invalid" "The link or handle is not valid any more",
    }
    Forbidden {
        "permission_denied" "The permission is missing",
        "insufficient_scope" "The scope is missing",
        "tenant_suspended" "The tenant is suspended",
        "tenant_mismatch" "The credential belongs to another tenant",
        "live_mode_only" "Only live credentials may do this",
        "test_mode_only" "Only test credentials may do this",
        "origin_not_allowed" "The web page's origin is not registered",
        "origin_refused" "The request did not come through the edge",
        "email_not_verified" "The address is not verified yet",
        "account_suspended" "The account is suspended",
        "registration_closed" "The tenant takes no registrations",
    }
    NotFound {
        "not_found" "There is no such resource",
        "tenant_unknown" "There is no such tenant",
        "route_not_found" "There is no such route",
    }
    Conflict {
        "state_conflict" "The state does not allow it",
        "already_exists" "It exists already",
        "limit_reached" "A limit is reached",
        "lock_timeout" "Too many writers at once",
        "idempotency_key_in_use" "A request with this key is running",
        "not_failed" "It was not given up",
        "replay_running" "A replay of this listener is running",
        "no_archive" "Events of this age are kept nowhere",
        "no_record" "What was handled is on record no more",
    }
    PreconditionFailed { "version_conflict" "The resource has another version", }
    PreconditionRequired { "precondition_required" "Say which version you change", }
    Idempotency {
        "idempotency_key_reused" "The key was used with another request",
        "idempotency_key_invalid" "The key is not valid",
    }
    RateLimited { "rate_limited" "Too many requests", }
    Internal {
        "internal_error" "Something went wrong on our side",
        "misrouted" "The request reached the wrong function",
    }
    Unavailable {
        "auth_unavailable" "Credentials cannot be checked right now",
        "dependency_unavailable" "A dependency did not answer",
    }
}

/// The media type of a problem document.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";
const QUOTA_EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";

/// The answer for this error. `violated` names the rate policies that refused.
pub(super) fn render(error: &Error, request_id: &str, violated: &[String]) -> Answer {
    let (status, error_type) = wire(error.kind());
    let code = error.code();
    let title = catalogue().iter().find(|one| one.code == code).map_or(code, |one| one.title);
    let mut body = json!({
        "type": format!("urn:talaria:problem:{code}"),
        "title": title,
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
    fn codes_are_unique() {
        let mut codes: Vec<&str> = catalogue().iter().map(|one| one.code).collect();
        codes.sort_unstable();
        assert!(codes.windows(2).all(|pair| pair[0] != pair[1]));
    }

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
