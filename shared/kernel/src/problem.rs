//! The ways in which a request is refused, each declared once: kind, code, title and what to do about
//! it. Codes are forever.
//!
//! Here stand those of the platform itself, which any endpoint, typed call or operation may answer. A
//! module's own stand beside its contracts; [`problems!`](crate::problems) declares both.

use std::borrow::Cow;

use crate::error::{Error, ErrorKind};

/// One way of being refused: what a problem document tells of it (RFC 9457 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    kind: ErrorKind,
    code: &'static str,
    title: &'static str,
    message: &'static str,
}

impl Problem {
    /// A problem of this kind and code; the message says what to do about it.
    pub const fn new(kind: ErrorKind, code: &'static str, message: &'static str) -> Self {
        Self { kind, code, title: "", message }
    }

    /// What it is, in a few words; the [`problems!`](crate::problems) table fills it in.
    pub const fn titled(mut self, title: &'static str) -> Self {
        self.title = title;
        self
    }

    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// What it is, in a few words without a full stop.
    pub fn title(&self) -> &'static str {
        self.title.trim().trim_end_matches('.')
    }

    /// The error that says so.
    pub fn error(&'static self) -> Error {
        self.because(self.message)
    }

    /// The error that says so in words of this case.
    pub fn because(&'static self, message: impl Into<Cow<'static, str>>) -> Error {
        Error::of(self, message.into())
    }
}

/// Declares problems: constants, and `PROBLEMS`, which lists them all. The first word is the kind, then
/// come the code and what to do about it.
///
/// A macro, because only a macro can hand a doc comment to the program: the comment is the title.
#[macro_export]
macro_rules! problems {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:ident = $code:literal, $message:literal;)+) => {
        $($(#[doc = $doc])+
        pub const $name: $crate::Problem =
            $crate::Problem::new($crate::ErrorKind::$kind, $code, $message)
                .titled(concat!($($doc),+));)+

        /// Every problem of this table.
        pub const PROBLEMS: &[&$crate::Problem] = &[$(&$name),+];
    };
}

crate::problems! {
    /// The request cannot be read.
    MALFORMED_REQUEST: Malformed = "malformed_request", "send a request of the documented form";
    /// More than one credential was sent.
    MULTIPLE_CREDENTIALS: Malformed = "multiple_credentials", "send one credential, once";
    /// The cursor is not one of this list.
    CURSOR_INVALID: Malformed = "cursor_invalid", "use a cursor of this list as it came";
    /// The precondition cannot be read.
    PRECONDITION_MALFORMED: Malformed =
        "precondition_malformed", "send a list of quoted entity tags, or *";
    /// The body is too large.
    BODY_TOO_LARGE: TooLarge = "body_too_large", "send a smaller body";
    /// The media type is not supported.
    UNSUPPORTED_MEDIA_TYPE: UnsupportedMedia = "unsupported_media_type", "send application/json";

    /// Values are not valid.
    VALIDATION_FAILED: Validation = "validation_failed", "values are not valid";
    /// A reason is needed.
    REASON_REQUIRED: Validation =
        "reason_required", "say why, in 3 to 500 characters: it is kept with the action";

    /// A credential is needed.
    CREDENTIAL_MISSING: Unauthenticated =
        "credential_missing", "send a credential in the Authorization header";
    /// The credential has expired.
    CREDENTIAL_EXPIRED: Unauthenticated = "credential_expired", "the credential has expired";
    /// The credential is not valid.
    CREDENTIAL_INVALID: Unauthenticated = "credential_invalid", "the credential is not valid";
    /// A fresher or stronger sign-in is needed.
    STEP_UP_REQUIRED: Unauthenticated = "step_up_required", "sign in again and repeat the call";

    /// The permission is missing.
    PERMISSION_DENIED: Forbidden = "permission_denied", "the credential may not do this";
    /// The scope is missing.
    INSUFFICIENT_SCOPE: Forbidden = "insufficient_scope", "this needs scope api";
    /// The tenant is suspended.
    TENANT_SUSPENDED: Forbidden = "tenant_suspended", "the tenant is suspended";
    /// The credential belongs to another tenant.
    TENANT_MISMATCH: Forbidden = "tenant_mismatch", "the credential belongs to another tenant";
    /// The web page's origin is not registered.
    ORIGIN_NOT_ALLOWED: Forbidden =
        "origin_not_allowed", "this web page's origin is not registered";

    /// There is no such resource.
    NOT_FOUND: NotFound = "not_found", "there is no such resource";

    /// The state does not allow it.
    STATE_CONFLICT: Conflict = "state_conflict", "the state changed meanwhile: read it and try again";
    /// Too many writers at once.
    LOCK_TIMEOUT: Conflict = "lock_timeout", "too many writers at once: try again";
    /// A request with this key is running.
    IDEMPOTENCY_KEY_IN_USE: Conflict =
        "idempotency_key_in_use", "a request with this Idempotency-Key is running";
    /// The resource has another version.
    VERSION_CONFLICT: PreconditionFailed =
        "version_conflict", "the resource changed since you read it; read it again";
    /// Say which version you change.
    PRECONDITION_REQUIRED: PreconditionRequired =
        "precondition_required", "send If-Match with the ETag you read";
    /// The key was used with another request.
    IDEMPOTENCY_KEY_REUSED: Idempotency =
        "idempotency_key_reused", "this Idempotency-Key was used with another request";
    /// The key is not valid.
    IDEMPOTENCY_KEY_INVALID: Idempotency =
        "idempotency_key_invalid", "an Idempotency-Key is 1 to 255 printable ASCII characters";
    /// Too many requests.
    RATE_LIMITED: RateLimited = "rate_limited", "too many requests; wait and try again";

    /// Something went wrong on our side.
    INTERNAL_ERROR: Internal = "internal_error", "something went wrong on our side";
    /// The request reached the wrong function.
    MISROUTED: Internal = "misrouted", "the request reached the wrong function";
    /// Credentials cannot be checked right now.
    AUTH_UNAVAILABLE: Unavailable = "auth_unavailable", "credentials cannot be checked right now";
    /// A dependency did not answer.
    DEPENDENCY_UNAVAILABLE: Unavailable =
        "dependency_unavailable", "a dependency did not answer: try again";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doc_comment_is_the_title() {
        assert_eq!(NOT_FOUND.title(), "There is no such resource");
        assert!(PROBLEMS.iter().all(|one| !one.title().is_empty() && !one.message.is_empty()));
    }

    #[test]
    fn an_error_says_what_to_do_in_the_words_of_its_problem_or_of_the_case() {
        let usual = NOT_FOUND.error();
        assert_eq!((usual.code(), usual.message()), ("not_found", "there is no such resource"));
        let case = NOT_FOUND.because("nobody of this name");
        assert_eq!((case.kind(), case.message()), (ErrorKind::NotFound, "nobody of this name"));
        assert!(case.is(&NOT_FOUND) && !case.is(&STATE_CONFLICT));
    }
}
