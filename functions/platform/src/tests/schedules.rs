use contracts::platform::{self as api, Plan, ScheduleLine};
use kernel::Page;
use serde_json::{Value, json};

use super::desk::{Desk, REASON, TENANT};

async fn listed(desk: &Desk) -> Vec<ScheduleLine> {
    let (mut all, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let request = json!({ "limit": 1, "cursor": cursor });
        let page: Page<ScheduleLine> = desk.asks(&api::SCHEDULE_LIST, request).await;
        all.extend(page.data);
        let Some(next) = page.next_cursor else { return all };
        cursor = json!(next);
    }
}

#[tokio::test(start_paused = true)]
async fn timers_are_listed_earliest_first() {
    let desk = Desk::new().await;
    desk.schedules("late", 120).await;
    desk.schedules("renewal/sub_1", 60).await;
    let all = listed(&desk).await;
    let names: Vec<_> = all.iter().map(|line| line.schedule.clone().unwrap().key).collect();
    assert_eq!(names, ["renewal/sub_1", "late"]);
    assert_eq!(all[0].what, "announces demo.thing.happened");
}

#[tokio::test(start_paused = true)]
async fn a_scheduled_event_is_brought_forward_or_cancelled_once() {
    for operation in [&api::SCHEDULE_RUN, &api::SCHEDULE_CANCEL] {
        let desk = Desk::new().await;
        let unknown = json!({ "schedule": format!("{TENANT}/l/demo/none") });
        assert_eq!(desk.refuses(operation, unknown.clone(), None).await, "reason_required");
        assert_eq!(desk.refuses(operation, unknown, Some(REASON)).await, "not_found");
        desk.schedules("renewal/sub_1", 600).await;
        let before = listed(&desk).await;
        let request = json!({ "schedule": format!("{TENANT}/l/demo/renewal/sub_1") });
        let plan: Plan = desk.tries(operation, request.clone()).await;
        assert_eq!((plan.done, listed(&desk).await), (false, before));
        let plan: Plan = desk.does(operation, request.clone(), "k").await;
        assert_eq!((plan.done, plan.steps.len()), (true, 1));
        let after = listed(&desk).await;
        if operation.spec.id == api::SCHEDULE_RUN.spec.id {
            assert!(after[0].due_at <= desk.now());
        } else {
            assert_eq!(after, []);
            let again: Plan = desk.does(operation, request, "k").await;
            assert_eq!((again.steps.len(), again.passed_over.len()), (0, 1));
        }
        assert_eq!(desk.actions().await, [format!("{} 1", operation.spec.id)]);
    }
}
