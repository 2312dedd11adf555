use contracts::platform::{self as api, OutboxLine, Plan};
use kernel::Page;
use local::harness::FAULTS;
use serde_json::{Value, json};

use super::demo::HAPPENED;
use super::desk::{Desk, REASON, TENANT};

async fn failed(desk: &Desk) -> Vec<String> {
    let request = json!({ "status": "failed" });
    let list: Page<OutboxLine> = desk.asks(&api::OUTBOX_LIST, request).await;
    list.data.iter().map(|line| line.event.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn orders_about_the_outbox_are_refused_in_this_order() {
    let desk = Desk::new().await;
    let event = desk.unpublished("one").await;
    let sent = format!("{TENANT}/l/settings/nothing/1");
    let many = vec![event.clone(); 101];
    let table: [(Value, Option<&str>, &str); 6] = [
        (json!({ "events": many }), None, "reason_required"),
        (json!({ "events": [event] }), Some("  a "), "reason_required"),
        (json!({ "events": many }), Some(REASON), "too_many_ids"),
        (json!({}), Some(REASON), "validation_failed"),
        (json!({ "events": [event], "type": "a.b.c" }), Some(REASON), "validation_failed"),
        (json!({ "type": "nothing.of.this" }), Some(REASON), "not_failed"),
    ];
    for (request, reason, code) in table {
        for operation in [&api::OUTBOX_RETRY, &api::OUTBOX_SKIP] {
            assert_eq!(desk.refuses(operation, request.clone(), reason).await, code, "{request}");
        }
    }
    let request = json!({ "events": [sent] });
    assert_eq!(desk.refuses(&api::OUTBOX_RETRY, request, Some(REASON)).await, "not_failed");
    assert_eq!(failed(&desk).await, [event]);
    assert_eq!(desk.actions().await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_retried_event_is_published_once_and_heard() {
    let desk = Desk::new().await;
    let events = [desk.unpublished("one").await, desk.unpublished("three").await];
    let request = json!({ "events": events });
    let plan: Plan = desk.tries(&api::OUTBOX_RETRY, request.clone()).await;
    assert_eq!((plan.done, plan.targets()), (false, events.to_vec()));
    desk.settle().await;
    assert_eq!((failed(&desk).await.len(), desk.handled().await.len()), (2, 0));
    let plan: Plan = desk.does(&api::OUTBOX_RETRY, request.clone(), "k1").await;
    assert!(plan.done);
    let mut handled = desk.handled().await;
    handled.sort_unstable();
    assert_eq!(handled, ["one", "three"]);
    let again: Plan = desk.does(&api::OUTBOX_RETRY, request, "k1").await;
    assert_eq!(again, plan, "the same order has the same answer");
    assert_eq!((failed(&desk).await.len(), desk.handled().await.len()), (0, 0));
    assert_eq!(desk.actions().await, ["platform.outbox_retry 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_key_names_one_order() {
    let desk = Desk::new().await;
    let (one, three) = (desk.unpublished("one").await, desk.unpublished("three").await);
    let _: Plan = desk.does(&api::OUTBOX_RETRY, json!({ "events": [one] }), "k").await;
    let other = json!({ "events": [three] });
    let code = desk.refuses_confirmed(&api::OUTBOX_RETRY, other, "k").await;
    assert_eq!(code, "idempotency_key_reused");
    assert_eq!(failed(&desk).await, [three]);
}

#[tokio::test(start_paused = true)]
async fn a_skipped_event_is_heard_by_nobody() {
    let desk = Desk::new().await;
    let event = desk.unpublished("one").await;
    let request = json!({ "type": HAPPENED.spec.name });
    let plan: Plan = desk.tries(&api::OUTBOX_SKIP, request.clone()).await;
    assert_eq!((plan.done, failed(&desk).await), (false, vec![event.clone()]));
    let plan: Plan = desk.does(&api::OUTBOX_SKIP, request.clone(), "k").await;
    let again: Plan = desk.does(&api::OUTBOX_SKIP, request, "k").await;
    assert_eq!((plan.done, &again), (true, &plan));
    desk.minutes_pass(2).await;
    let story: api::EventStory = desk.asks(&api::EVENT_SHOW, json!({ "event": event })).await;
    assert_eq!((story.status.as_str(), desk.handled().await.len()), ("skipped", 0));
    assert_eq!(desk.actions().await, ["platform.outbox_skip 1"]);
}

#[tokio::test(start_paused = true)]
async fn failed_rows_are_listed_page_by_page_over_all_types_and_by_one() {
    let desk = Desk::new().await;
    let names: Vec<String> = (1..=5).map(|n| "x".repeat(n)).collect();
    for name in &names {
        desk.unpublished(name).await;
    }
    for filter in [json!({}), json!({ "type": HAPPENED.spec.name })] {
        let (mut seen, mut cursor) = (Vec::new(), Value::Null);
        loop {
            let mut request = json!({ "status": "failed", "limit": 2, "cursor": cursor });
            request.as_object_mut().unwrap().extend(filter.as_object().unwrap().clone());
            let page: Page<OutboxLine> = desk.asks(&api::OUTBOX_LIST, request).await;
            seen.extend(page.data.iter().map(|line| line.event.to_string()));
            let Some(next) = page.next_cursor else { break };
            cursor = json!(next);
        }
        assert_eq!(seen.len(), 5, "{filter}: {seen:?}");
    }
    let other = json!({ "status": "failed", "type": "auth.user.registered" });
    let page: Page<OutboxLine> = desk.asks(&api::OUTBOX_LIST, other).await;
    assert_eq!(page.data, []);
    let stray = json!({ "status": "failed", "cursor": "bm9uc2Vuc2U" });
    assert_eq!(desk.refuses(&api::OUTBOX_LIST, stray, None).await, "cursor_invalid");
}

#[tokio::test(start_paused = true)]
async fn rows_that_wait_are_listed_oldest_first_page_by_page() {
    let desk = Desk::new().await;
    desk.mappings().enable("platform.relay_stream", false);
    for n in 1..=5 {
        desk.born(&format!("n{n}")).await;
        desk.clock().advance(1_000);
    }
    desk.clock().advance(60_000);
    let (mut seen, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let request = json!({ "status": "pending", "limit": 2, "cursor": cursor });
        let page: Page<OutboxLine> = desk.asks(&api::OUTBOX_LIST, request).await;
        seen.extend(page.data.iter().map(|line| line.event.to_string()));
        let Some(next) = page.next_cursor else { break };
        cursor = json!(next);
    }
    let expected: Vec<String> = (1..=5).map(|n| format!("{TENANT}/l/settings/n{n}/1")).collect();
    assert_eq!(seen, expected);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_is_sent_again_after_any_fault_is_carried_out_once() {
    for fault in FAULTS {
        for n in 1..=3 {
            let desk = Desk::new().await;
            let event = desk.unpublished("one").await;
            desk.breaks("platform.outbox_retry", n, fault);
            let request = json!({ "events": [event] });
            desk.stumbles(&api::OUTBOX_RETRY, request.clone(), "k").await;
            let plan: Plan = desk.does(&api::OUTBOX_RETRY, request, "k").await;
            desk.minutes_pass(2).await;
            let found = (plan.done, desk.handled().await, desk.actions().await);
            let expected = (vec!["one".to_owned()], vec!["platform.outbox_retry 1".to_owned()]);
            assert_eq!(found, (true, expected.0, expected.1), "{fault:?} at call {n}");
        }
    }
}
