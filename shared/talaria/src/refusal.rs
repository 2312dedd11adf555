//! Which errors an endpoint can answer, as the API document tells them.

use std::collections::BTreeMap;

use contracts::Spec;
use kernel::Problem;
use runtime::http::on_wire;

/// The problems of an endpoint by status, each once, in the alphabetical order of their codes.
pub fn of(spec: &Spec, has_parameters: bool) -> BTreeMap<u16, Vec<&'static Problem>> {
    let mut by_status: BTreeMap<u16, Vec<&'static Problem>> = BTreeMap::new();
    for problem in spec.refused(has_parameters) {
        by_status.entry(on_wire(problem.kind()).0).or_default().push(problem);
    }
    for problems in by_status.values_mut() {
        problems.sort_unstable_by_key(|problem| problem.code());
        problems.dedup();
    }
    by_status
}

#[cfg(test)]
mod tests {
    use kernel::problem::{NOT_FOUND, VERSION_CONFLICT};

    use super::*;

    #[test]
    fn an_endpoint_answers_the_refusals_of_its_declarations() {
        let update = of(&contracts::profile::UPDATE.spec, true);
        assert_eq!(update.get(&412), Some(&vec![&VERSION_CONFLICT]));
        assert!(update.get(&401).is_some_and(|codes| codes.len() == 3));
        assert!(!update.contains_key(&404) && !update.contains_key(&428));
        let status = of(&contracts::gateway::STATUS.spec, false);
        assert_eq!(status.keys().copied().collect::<Vec<_>>(), [400, 500, 503]);
        let view = of(&contracts::profile::VIEW.spec, true);
        assert_eq!(view.get(&404), Some(&vec![&NOT_FOUND]));
    }
}
