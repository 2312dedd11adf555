//! No endpoint makes more DynamoDB requests than its contract allows. What a lost race makes a handler do
//! again is not counted.

use std::collections::BTreeSet;

use super::scene::{endpoints, header, journey_of, scenes};

#[test]
fn no_endpoint_exceeds_its_budget_of_requests() {
    let mut counted = BTreeSet::new();
    for scene in scenes().into_iter().filter(|scene| scene.is_success()) {
        let (Some(spec), Ok(answer)) = (scene.spec(), &scene.invoked.answer) else { continue };
        if scene.performance.ran_again(header(answer, "request-id")) {
            continue;
        }
        let requests = header(answer, "x-dynamodb-requests");
        let requests: u32 = requests.parse().expect("in test mode the answer says how many");
        assert!(requests <= spec.budget, "{}: {requests} of {} allowed", spec.id, spec.budget);
        counted.insert(spec.id);
    }
    for spec in endpoints() {
        let id = spec.id;
        assert!(counted.contains(id), "{id} never succeeds at once: use it in {}", journey_of(id));
    }
}
