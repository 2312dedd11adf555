//! The tenant guard: which partition keys an invocation may touch (architecture, "Tenancy").

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A call that reached, or tried to reach, beyond its tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Function id.
    pub function: String,
    /// Request id of the invocation.
    pub request_id: String,
    /// The invocation's tenant; `None` for one that may touch every tenant but scanned.
    pub tenant: Option<String>,
    /// The operation.
    pub operation: String,
    /// The tables addressed.
    pub tables: Vec<String>,
    /// What was wrong: the stray key, or why the keys cannot be checked.
    pub reason: String,
}

/// The violations of one cloud and whether they are refused. Clones share state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guard {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    strict: bool,
    violations: Vec<Violation>,
}

impl Guard {
    pub fn set_strict(&self, strict: bool) {
        self.state().strict = strict;
    }

    pub fn is_strict(&self) -> bool {
        self.state().strict
    }

    pub fn report(&self, violation: Violation) {
        self.state().violations.push(violation);
    }

    pub fn violations(&self) -> Vec<Violation> {
        self.state().violations.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an invocation of `tenant` may touch `key`: its own keys, look-ups before the tenant is
/// known, platform rows.
pub(super) fn may_touch(tenant: &str, key: &str) -> bool {
    if key.starts_with("DIR#") || key.starts_with("SYS#") {
        return true;
    }
    let Some(rest) = key.strip_prefix("T#") else { return false };
    let owner = rest.split('#').next().unwrap_or_default();
    owner == tenant || owner == "_sys"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_belongs_to_its_tenant_alone() {
        let cases = [
            ("T#acme", true),
            ("T#acme#l#PAY#1", true),
            ("T#acme2#PAY#1", false),
            ("T#acm", false),
            ("T#", false),
            ("", false),
            ("acme", false),
            ("DIR#email#x", true),
            ("DIR", false),
            ("SYS#lease", true),
            ("T#_sys#DUE#03", true),
            ("T#_system", false),
            (r#"{"N":"7"}"#, false),
        ];
        for (key, expected) in cases {
            assert_eq!(may_touch("acme", key), expected, "{key}");
        }
    }
}
