//! With what a call can be refused: what follows from its declaration, and what is its own.

use kernel::Problem;
use kernel::problem::{
    AUTH_UNAVAILABLE, BODY_TOO_LARGE, CREDENTIAL_EXPIRED, CREDENTIAL_INVALID, CREDENTIAL_MISSING,
    CURSOR_INVALID, DEPENDENCY_UNAVAILABLE, IDEMPOTENCY_KEY_IN_USE, IDEMPOTENCY_KEY_INVALID,
    IDEMPOTENCY_KEY_REUSED, INSUFFICIENT_SCOPE, INTERNAL_ERROR, LOCK_TIMEOUT, MALFORMED_REQUEST,
    MISROUTED, MULTIPLE_CREDENTIALS, NOT_FOUND, ORIGIN_NOT_ALLOWED, PERMISSION_DENIED,
    PRECONDITION_MALFORMED, PRECONDITION_REQUIRED, RATE_LIMITED, REASON_REQUIRED, STEP_UP_REQUIRED,
    TENANT_MISMATCH, TENANT_SUSPENDED, UNSUPPORTED_MEDIA_TYPE, VALIDATION_FAILED, VERSION_CONFLICT,
};

use crate::access::Access;
use crate::call::CallSpec;
use crate::endpoint::{Idempotency, Method, Precondition, Rate, Spec};
use crate::operation::OperationSpec;

/// Problems a call may be refused with.
pub type Refused = Vec<&'static Problem>;

impl Spec {
    /// Everything this endpoint may be refused with; `has_parameters` says whether there are values
    /// that can break their rules.
    pub fn refused(&self, has_parameters: bool) -> Refused {
        let is_route = self.method != Method::Any;
        let mut all = vec![&INTERNAL_ERROR, &MISROUTED, &DEPENDENCY_UNAVAILABLE];
        let mut may = |applies: bool, more: &[&'static Problem]| {
            if applies {
                all.extend(more);
            }
        };
        may(is_route, &[&MALFORMED_REQUEST]);
        may(has_parameters, &[&VALIDATION_FAILED]);
        may(self.method.has_body(), &[&BODY_TOO_LARGE, &UNSUPPORTED_MEDIA_TYPE]);
        may(self.rate != Rate::Unlimited, &[&RATE_LIMITED]);
        may(!self.is_catch_all() && self.path.contains('{'), &[&NOT_FOUND]);
        may(self.access.needs_credential(), CREDENTIALS);
        may(matches!(self.access, Access::Own { first_party: true }), &[&INSUFFICIENT_SCOPE]);
        may(self.max_auth_age_s.is_some(), &[&STEP_UP_REQUIRED]);
        may(!self.answers_any_origin(), &[&ORIGIN_NOT_ALLOWED]);
        // `If-None-Match` is read wherever something can be had twice.
        may(self.method == Method::Get, &[&PRECONDITION_MALFORMED]);
        let conditional = self.precondition != Precondition::None;
        may(conditional, &[&PRECONDITION_MALFORMED, &VERSION_CONFLICT]);
        may(self.precondition == Precondition::Required, &[&PRECONDITION_REQUIRED]);
        may(self.idempotency == Idempotency::Key, KEYS);
        may(self.changes_something(), &[&LOCK_TIMEOUT]);
        may(self.pages, &[&CURSOR_INVALID]);
        all.extend(self.refuses);
        all
    }

    /// Whether any web page may be answered: public documents, and what tells nothing.
    pub fn answers_any_origin(&self) -> bool {
        self.any_origin || self.rate == Rate::Unlimited || self.is_catch_all()
    }

    /// Whether it answers for every path, and reads none of its parameters: preflight and fallback.
    pub fn is_catch_all(&self) -> bool {
        self.path == "$default" || self.path.contains("{proxy+}")
    }

    /// Whether a successful call changes something.
    pub const fn changes_something(&self) -> bool {
        self.method.has_body() || matches!(self.method, Method::Delete)
    }
}

impl CallSpec {
    /// Everything this call may be refused with.
    pub fn refused(&self) -> Refused {
        let mut all = vec![&INTERNAL_ERROR, &DEPENDENCY_UNAVAILABLE, &LOCK_TIMEOUT];
        all.extend(self.refuses);
        all
    }
}

impl OperationSpec {
    /// Everything this operation may be refused with.
    pub fn refused(&self) -> Refused {
        let mut all = vec![&INTERNAL_ERROR, &DEPENDENCY_UNAVAILABLE, &VALIDATION_FAILED];
        if self.pages {
            all.push(&CURSOR_INVALID);
        }
        if self.changes {
            let keys = [&IDEMPOTENCY_KEY_REUSED, &IDEMPOTENCY_KEY_IN_USE];
            all.extend([&REASON_REQUIRED, &LOCK_TIMEOUT].into_iter().chain(keys));
        }
        all.extend(self.refuses);
        all
    }
}

const CREDENTIALS: &[&Problem] = &[
    &CREDENTIAL_MISSING,
    &CREDENTIAL_EXPIRED,
    &CREDENTIAL_INVALID,
    &MULTIPLE_CREDENTIALS,
    &AUTH_UNAVAILABLE,
    &TENANT_SUSPENDED,
    &TENANT_MISMATCH,
    &PERMISSION_DENIED,
];

const KEYS: &[&Problem] =
    &[&IDEMPOTENCY_KEY_REUSED, &IDEMPOTENCY_KEY_INVALID, &IDEMPOTENCY_KEY_IN_USE];
