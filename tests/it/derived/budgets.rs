//! No endpoint makes more DynamoDB requests than its contract allows.

use super::scene::{header, scenes};

#[test]
fn no_endpoint_exceeds_its_budget_of_requests() {
    let mut counted = 0;
    for scene in scenes().into_iter().filter(|scene| scene.is_success()) {
        let (Some(spec), Ok(answer)) = (scene.spec(), &scene.invoked.answer) else { continue };
        let requests = header(answer, "x-dynamodb-requests");
        let requests: u32 = requests.parse().expect("in test mode the answer says how many");
        assert!(requests <= spec.budget, "{}: {requests} of {} allowed", spec.id, spec.budget);
        counted += 1;
    }
    assert!(counted >= super::scene::endpoints().count(), "{counted} successes were counted");
}
