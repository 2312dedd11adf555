//! Registration to greeting under faults: every AWS call of the story fails once in every way there is.
//!
//! One thread, paused time, unmodified handlers and SDK clients; the SDK's HTTP connector is the only
//! seam. A failure prints the fault and the story it happened in.

mod story;

use local::fault::{Fault, FaultPlan};

use self::story::Story;

#[tokio::test(start_paused = true)]
async fn the_story_ends_well_without_faults() {
    let story = Story::begin().await;
    story.live().await;
    story.judge("no fault").await;
}

#[tokio::test(start_paused = true)]
async fn two_runs_of_one_schedule_are_the_same() {
    let plan = || FaultPlan::Nth { n: 7, fault: Fault::CrashAfter };
    let mut traces = Vec::new();
    for _ in 0..2 {
        let story = Story::begin().await;
        story.faults().inject(plan());
        story.live().await;
        traces.push(story.trace());
    }
    assert!(!traces[0].is_empty());
    assert_eq!(traces[0], traces[1]);
}

/// Lives the story once for every call it makes, with the fault at that call.
async fn at_every_call(fault: Fault) {
    let quiet = Story::begin().await;
    quiet.live().await;
    let calls = quiet.faults().calls();
    assert!(calls > 20, "the story makes {calls} AWS calls");
    for n in 1..=calls {
        let story = Story::begin().await;
        story.faults().inject(FaultPlan::Nth { n, fault });
        story.live().await;
        story.judge(&format!("{fault:?} at call {n} of {calls}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_at_any_call_ends_well() {
    at_every_call(Fault::ErrorBefore).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_at_any_call_ends_well() {
    at_every_call(Fault::ReplyLost).await;
}

#[tokio::test(start_paused = true)]
async fn a_throttle_at_any_call_ends_well() {
    at_every_call(Fault::Throttle).await;
}

#[tokio::test(start_paused = true)]
async fn a_conflict_at_any_call_ends_well() {
    at_every_call(Fault::Conflict).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_any_call_ends_well() {
    at_every_call(Fault::CrashBefore).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_call_ends_well() {
    at_every_call(Fault::CrashAfter).await;
}
