//! The neutral error: what went wrong in terms a caller can act on. How it looks on a wire is the
//! business of who speaks that wire.

use std::borrow::Cow;

use crate::fault::Fault;

/// The families of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Not readable as a request at all.
    Malformed,
    /// Readable, but values break their rules.
    Validation,
    Unauthenticated,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    /// The state does not allow it, now.
    Conflict,
    /// Another version than the caller expects.
    PreconditionFailed,
    PreconditionRequired,
    TooLarge,
    UnsupportedMedia,
    /// An `Idempotency-Key` that cannot be used so.
    Idempotency,
    RateLimited,
    Internal,
    /// A dependency did not answer; trying again may help.
    Unavailable,
}

/// An error a handler answers with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    code: &'static str,
    message: Cow<'static, str>,
    param: Option<String>,
    faults: Vec<Fault>,
    retry_after_s: Option<u32>,
    version: Option<u64>,
}

type Text = Cow<'static, str>;

impl Error {
    /// An error of this kind and code; the message says what to do about it.
    pub fn new(kind: ErrorKind, code: &'static str, message: impl Into<Text>) -> Self {
        let message = message.into();
        let (param, faults, retry_after_s, version) = (None, Vec::new(), None, None);
        Self { kind, code, message, param, faults, retry_after_s, version }
    }

    /// The request cannot be understood.
    pub fn invalid(code: &'static str, message: impl Into<Text>) -> Self {
        Self::new(ErrorKind::Malformed, code, message)
    }

    /// Values break their rules: all of them, in document order.
    pub fn validation(faults: Vec<Fault>) -> Self {
        let mut error =
            Self::new(ErrorKind::Validation, "validation_failed", "values are not valid");
        error.param = faults.first().map(|fault| fault.param.clone());
        error.faults = faults;
        error
    }

    /// The credential does not prove what is needed.
    pub fn unauthenticated(code: &'static str, message: impl Into<Text>) -> Self {
        Self::new(ErrorKind::Unauthenticated, code, message)
    }

    /// The caller may not do this.
    pub fn forbidden(code: &'static str, message: impl Into<Text>) -> Self {
        Self::new(ErrorKind::Forbidden, code, message)
    }

    /// There is no such thing, or the caller may not know that there is.
    pub fn not_found() -> Self {
        Self::new(ErrorKind::NotFound, "not_found", "there is no such resource")
    }

    /// The state does not allow it.
    pub fn conflict(code: &'static str, message: impl Into<Text>) -> Self {
        Self::new(ErrorKind::Conflict, code, message)
    }

    /// The caller expected another version than `current`.
    pub fn precondition_failed(current: u64) -> Self {
        let message = "the resource changed since you read it; read it again";
        let mut error = Self::new(ErrorKind::PreconditionFailed, "version_conflict", message);
        error.version = Some(current);
        error
    }

    /// The `Idempotency-Key` cannot be used so.
    pub fn idempotency(code: &'static str, message: impl Into<Text>) -> Self {
        Self::new(ErrorKind::Idempotency, code, message)
    }

    /// Too many calls; `retry_after_s` says when to come back.
    pub fn rate_limited(retry_after_s: u32) -> Self {
        let message = "too many requests; wait and try again";
        Self::new(ErrorKind::RateLimited, "rate_limited", message).retry_after(retry_after_s)
    }

    /// A dependency did not answer.
    pub fn unavailable(code: &'static str, message: impl Into<Text>) -> Self {
        Self::new(ErrorKind::Unavailable, code, message)
    }

    /// Our own fault. The message is for the log; callers never see it.
    pub fn internal(message: impl Into<Text>) -> Self {
        Self::new(ErrorKind::Internal, "internal_error", message)
    }

    /// About this member or parameter.
    pub fn at(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// Worth trying again after so many seconds.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The text for the log.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The text for the caller: nothing of our insides.
    pub fn public_message(&self) -> &str {
        match self.kind {
            ErrorKind::Internal => "something went wrong on our side",
            _ => &self.message,
        }
    }

    pub fn param(&self) -> Option<&str> {
        self.param.as_deref()
    }

    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    pub fn retry_after_s(&self) -> Option<u32> {
        self.retry_after_s
    }

    /// The version that holds, where the caller expected another.
    pub fn current_version(&self) -> Option<u64> {
        self.version
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Error {}
