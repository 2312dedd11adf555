//! Registration to greeting under faults: every AWS call of the story fails once in every way there is.
//!
//! One thread, paused time, unmodified handlers and SDK clients; the SDK's HTTP connector is the only
//! seam. A failure prints the fault and the story it happened in.

mod story;

use local::fault::{Fault, FaultPlan};

use self::story::Story;

const FAULTS: [Fault; 6] = [
    Fault::ErrorBefore,
    Fault::ReplyLost,
    Fault::Throttle,
    Fault::Conflict,
    Fault::CrashBefore,
    Fault::CrashAfter,
];

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

#[tokio::test(start_paused = true)]
async fn every_single_fault_at_every_call_ends_well() {
    let quiet = Story::begin().await;
    quiet.live().await;
    let calls = quiet.faults().calls();
    assert!(calls > 20, "the story makes {calls} AWS calls");
    for n in 1..=calls {
        for fault in FAULTS {
            let story = Story::begin().await;
            story.faults().inject(FaultPlan::Nth { n, fault });
            story.live().await;
            story.judge(&format!("{fault:?} at call {n}")).await;
        }
    }
}
