//! No entry is tested idly: each was brought to its success.

use runtime::Trigger;

use super::scene::{journey_of, rows, scenes};

#[test]
fn every_entry_is_brought_to_its_success_by_a_journey() {
    let scenes = scenes();
    let mut missing = Vec::new();
    for row in rows() {
        let mut own = scenes.iter().filter(|scene| scene.row.id == row.id).peekable();
        let called = own.peek().is_some();
        if own.any(|scene| scene.is_success()) {
            continue;
        }
        let what = match &row.trigger {
            Trigger::Http(_) => "endpoint",
            Trigger::Listener(_) => "listener",
            Trigger::Call(_) => "typed call",
            Trigger::Operator(_) => "order",
            Trigger::Schedule(_) => "schedule",
            Trigger::Job => "job",
            Trigger::Stream { .. } => "stream",
            Trigger::Authorizer => "authorizer",
            Trigger::Socket(_) => "socket route",
        };
        let how = if called { "never succeeds" } else { "is never used" };
        missing.push(format!("{what} {} {how}: use it in {}", row.id, journey_of(row.id)));
    }
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}
