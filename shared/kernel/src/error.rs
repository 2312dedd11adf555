//! The neutral error: what went wrong in terms a caller can act on. How it looks on a wire is the
//! business of who speaks that wire.

use std::borrow::Cow;

use crate::fault::Fault;
use crate::problem::{
    INTERNAL_ERROR, NOT_FOUND, Problem, RATE_LIMITED, VALIDATION_FAILED, VERSION_CONFLICT,
};

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

/// An error a handler answers with: a [`Problem`] and what is special about this case of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    problem: &'static Problem,
    message: Cow<'static, str>,
    param: Option<String>,
    faults: Vec<Fault>,
    retry_after_s: Option<u32>,
    version: Option<u64>,
}

impl Error {
    /// A case of this problem, in these words.
    pub(crate) fn of(problem: &'static Problem, message: Cow<'static, str>) -> Self {
        let (param, faults, retry_after_s, version) = (None, Vec::new(), None, None);
        Self { problem, message, param, faults, retry_after_s, version }
    }

    /// Values break their rules: all of them, in document order.
    pub fn validation(faults: Vec<Fault>) -> Self {
        VALIDATION_FAILED.error().with_faults(faults)
    }

    /// There is no such thing, or the caller may not know that there is.
    pub fn not_found() -> Self {
        NOT_FOUND.error()
    }

    /// The caller expected another version than `current`.
    pub fn precondition_failed(current: u64) -> Self {
        let mut error = VERSION_CONFLICT.error();
        error.version = Some(current);
        error
    }

    /// Too many calls; `retry_after_s` says when to come back.
    pub fn rate_limited(retry_after_s: u32) -> Self {
        RATE_LIMITED.error().retry_after(retry_after_s)
    }

    /// Our own fault. The message is for the log; callers never see it.
    pub fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        INTERNAL_ERROR.because(message)
    }

    /// About this member or parameter.
    pub fn at(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// Because of these values; it is about the first of them.
    pub fn with_faults(mut self, faults: Vec<Fault>) -> Self {
        self.param = faults.first().map(|fault| fault.param.clone());
        self.faults = faults;
        self
    }

    /// Worth trying again after so many seconds.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// What it is a case of.
    pub fn problem(&self) -> &'static Problem {
        self.problem
    }

    /// Whether it is a case of this problem.
    pub fn is(&self, problem: &Problem) -> bool {
        self.code() == problem.code()
    }

    pub fn kind(&self) -> ErrorKind {
        self.problem.kind()
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.problem.code()
    }

    /// The text for the log.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The text for the caller: nothing of our insides.
    pub fn public_message(&self) -> &str {
        match self.kind() {
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
        write!(f, "{}: {}", self.code(), self.message)
    }
}

impl std::error::Error for Error {}
