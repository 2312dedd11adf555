//! No endpoint makes more DynamoDB requests than its contract allows. What a lost race makes a handler do
//! again is not counted.

use std::collections::BTreeMap;

use super::scene::{endpoints, header, journey_of, scenes};

#[test]
fn every_endpoint_makes_as_many_requests_as_its_budget_allows_and_no_more() {
    let mut most: BTreeMap<&str, u32> = BTreeMap::new();
    for scene in scenes().into_iter().filter(|scene| scene.is_success()) {
        let (Some(spec), Ok(answer)) = (scene.spec(), &scene.invoked.answer) else { continue };
        if scene.performance.ran_again(header(answer, "request-id")) {
            continue;
        }
        let requests = header(answer, "x-dynamodb-requests");
        let requests: u32 = requests.parse().expect("in test mode the answer says how many");
        let most = most.entry(spec.id).or_default();
        *most = requests.max(*most);
    }
    let faults: Vec<String> = endpoints()
        .filter_map(|spec| match most.get(spec.id) {
            None => Some(format!("{} never succeeds: use it in {}", spec.id, journey_of(spec.id))),
            Some(most) if *most != spec.budget => {
                Some(format!("{} makes {most}, its budget is {}", spec.id, spec.budget))
            }
            Some(_) => None,
        })
        .collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
