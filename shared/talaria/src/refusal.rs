//! Which errors an endpoint can answer: those of the pipeline, derived from its contract, and its own.

use std::collections::BTreeMap;

use contracts::{Access, Idempotency, Method, Precondition, Rate, Spec};
use runtime::http::catalogue;

use crate::platform::path_parameters;

/// The codes of an endpoint by status, each once, in alphabetical order. Codes nobody knows are left
/// out; a wall refuses them.
pub fn of(spec: &Spec, has_parameters: bool) -> BTreeMap<u16, Vec<&'static str>> {
    let mut by_status: BTreeMap<u16, Vec<&'static str>> = BTreeMap::new();
    for code in codes(spec, has_parameters) {
        if let Some(known) = catalogue().iter().find(|one| one.code == code) {
            by_status.entry(known.status).or_default().push(known.code);
        }
    }
    for codes in by_status.values_mut() {
        codes.sort_unstable();
        codes.dedup();
    }
    by_status
}

fn codes(spec: &Spec, has_parameters: bool) -> Vec<&'static str> {
    let mut codes = vec!["internal_error", "misrouted", "dependency_unavailable"];
    let mut may = |applies: bool, more: &[&'static str]| {
        if applies {
            codes.extend(more);
        }
    };
    let is_route = spec.method != Method::Any;
    may(is_route, &["malformed_request"]);
    may(has_parameters, &["validation_failed"]);
    may(spec.method.has_body(), &["body_too_large", "unsupported_media_type"]);
    may(spec.rate != Rate::Unlimited, &["rate_limited"]);
    may(!path_parameters(spec.path).is_empty() && is_route, &["not_found"]);
    may(
        spec.access.needs_credential(),
        &[
            "credential_missing",
            "credential_expired",
            "credential_invalid",
            "multiple_credentials",
            "auth_unavailable",
            "tenant_suspended",
            "tenant_mismatch",
            "permission_denied",
        ],
    );
    may(matches!(spec.access, Access::Own { first_party: true }), &["insufficient_scope"]);
    may(spec.max_auth_age_s.is_some(), &["step_up_required"]);
    may(spec.precondition != Precondition::None, &["precondition_malformed", "version_conflict"]);
    may(spec.precondition == Precondition::Required, &["precondition_required"]);
    may(
        spec.idempotency == Idempotency::Key,
        &["idempotency_key_reused", "idempotency_key_invalid", "idempotency_key_in_use"],
    );
    may(is_mutating(spec), &["lock_timeout"]);
    codes.extend(spec.codes);
    codes
}

/// Whether a successful call changes something.
pub fn is_mutating(spec: &Spec) -> bool {
    spec.method.has_body() || spec.method == Method::Delete
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_answers_the_refusals_of_its_declarations() {
        let update = of(&contracts::profile::UPDATE.spec, true);
        assert!(update.get(&412).is_some_and(|codes| codes == &["version_conflict"]));
        assert!(update.get(&401).is_some_and(|codes| codes.len() == 3));
        assert!(!update.contains_key(&404) && !update.contains_key(&428));
        let status = of(&contracts::gateway::STATUS.spec, false);
        assert_eq!(status.keys().copied().collect::<Vec<_>>(), [400, 500, 503]);
        let view = of(&contracts::profile::VIEW.spec, true);
        assert_eq!(view.get(&404), Some(&vec!["not_found"]));
    }

    #[test]
    fn every_refusal_of_the_pipeline_has_a_status() {
        for code in codes(&contracts::profile::UPDATE.spec, true) {
            assert!(catalogue().iter().any(|one| one.code == code), "{code}");
        }
    }
}
