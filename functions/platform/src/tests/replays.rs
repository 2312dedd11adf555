use contracts::platform::{self as api, Plan, ReplayState, ReplayView};
use kernel::ReplayId;
use local::fault::Fault;
use serde_json::{Value, json};
use store::planted::{self, Bug};

use super::demo::{HAPPENED, LISTENER, MOVED, ORDERED};
use super::desk::{Desk, REASON, TENANT};

fn range(desk: &Desk, only: &str) -> Value {
    json!({
        "listener": LISTENER,
        "from": desk.now().minus(std::time::Duration::from_secs(3600)),
        "to": desk.now().plus(std::time::Duration::from_secs(60)),
        "tenant_id": TENANT,
        "only": only,
    })
}

async fn progress(desk: &Desk, id: ReplayId) -> ReplayView {
    desk.asks(&api::REPLAY_GET, json!({ "replay_id": id })).await
}

#[tokio::test(start_paused = true)]
async fn an_event_is_published_again_for_everybody_and_absorbed() {
    let desk = Desk::new().await;
    desk.happens("one").await;
    let event = desk.events(HAPPENED.spec.name).await.remove(0);
    let request = json!({ "event": event });
    let reasonless = desk.refuses(&api::EVENT_REPLAY, request.clone(), None).await;
    assert_eq!(reasonless, "reason_required");
    assert_eq!(desk.handled().await, ["one"]);
    let plan: Plan = desk.tries(&api::EVENT_REPLAY, request.clone()).await;
    assert!(!plan.done);
    let before: api::EventStory = desk.asks(&api::EVENT_SHOW, request.clone()).await;
    assert_eq!(before.replay_no, 0);
    let plan: Plan = desk.does(&api::EVENT_REPLAY, request.clone(), "k").await;
    let again: Plan = desk.does(&api::EVENT_REPLAY, request.clone(), "k").await;
    assert_eq!((plan.done, &again), (true, &plan));
    let story: api::EventStory = desk.asks(&api::EVENT_SHOW, request).await;
    assert_eq!((story.replay_no, story.status.as_str()), (1, "sent"));
    assert_eq!(desk.handled().await, Vec::<String>::new(), "the inbox absorbs it");
    assert_eq!(desk.actions().await, ["platform.event_replay 1"]);
}

#[tokio::test(start_paused = true)]
async fn one_listener_handles_an_event_again_only_where_it_has_to() {
    let desk = Desk::new().await;
    desk.happens("one").await;
    let event = desk.events(HAPPENED.spec.name).await.remove(0);
    let refused = |request: Value| desk.refuses(&api::EVENT_REPLAY, request, Some(REASON));
    let unforced = json!({ "event": event, "listener": LISTENER });
    assert_eq!(refused(json!({ "event": event, "force": true })).await, "validation_failed");
    assert_eq!(refused(json!({ "event": event, "listener": "a.on_b" })).await, "not_found");
    assert_eq!(refused(json!({ "event": event, "listener": ORDERED })).await, "state_conflict");
    let plan: Plan = desk.does(&api::EVENT_REPLAY, unforced.clone(), "k1").await;
    assert_eq!((plan.steps.len(), plan.passed_over.len()), (0, 1));
    desk.handled().await;
    desk.forgets(1).await;
    let plan: Plan = desk.does(&api::EVENT_REPLAY, unforced, "k2").await;
    assert_eq!((plan.steps.len(), desk.handled().await), (1, vec!["one".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_forced_replay_travels_under_an_inbox_row_of_its_own() {
    let desk = Desk::new().await;
    desk.happens("one").await;
    let event = desk.events(HAPPENED.spec.name).await.remove(0);
    desk.mappings().enable(LISTENER, false);
    let request = json!({ "event": event, "listener": LISTENER, "force": true });
    let tried: Plan = desk.tries(&api::EVENT_REPLAY, request.clone()).await;
    assert_eq!((tried.done, tried.replay_id), (false, None));
    assert_eq!(desk.waiting(LISTENER).len(), 0);
    let plan: Plan = desk.does(&api::EVENT_REPLAY, request.clone(), "k").await;
    let again: Plan = desk.does(&api::EVENT_REPLAY, request, "k").await;
    assert_eq!(again.replay_id, plan.replay_id);
    let messages = desk.waiting(LISTENER);
    assert_eq!(messages.len(), 1);
    let attributes = format!("{:?}", messages[0].attributes);
    let part = plan.replay_id.unwrap().to_string();
    assert!(attributes.contains(&part) && attributes.contains("forced"), "{attributes}");
}

#[tokio::test(start_paused = true)]
async fn a_replay_that_cannot_start_is_refused_in_this_order() {
    let desk = Desk::new().await;
    let with = |name: &str, value: Value| {
        let mut request = range(&desk, "missing");
        request[name] = value;
        request
    };
    let far = desk.now().minus(std::time::Duration::from_secs(32 * 24 * 3600));
    let table: [(Value, Option<&str>, &str); 7] = [
        (with("listener", json!("a.on_b")), None, "reason_required"),
        (with("listener", json!("a.on_b")), Some(REASON), "not_found"),
        (with("from", json!(far)), Some(REASON), "range_too_wide"),
        (with("from", json!(desk.now())), Some(REASON), "validation_failed"),
        (with("rate_per_s", json!(0)), Some(REASON), "validation_failed"),
        (with("rate_per_s", json!(201)), Some(REASON), "validation_failed"),
        (with("types", json!(["auth.user.registered"])), Some(REASON), "validation_failed"),
    ];
    for (request, reason, code) in table {
        assert_eq!(
            desk.refuses(&api::REPLAY_START, request.clone(), reason).await,
            code,
            "{request}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_replay_of_what_is_missing_fills_the_gap_and_nothing_else() {
    let desk = Desk::new().await;
    desk.many(230).await;
    desk.forgets(120).await;
    desk.handled().await;
    let request = range(&desk, "missing");
    let tried: Plan = desk.tries(&api::REPLAY_START, request.clone()).await;
    assert_eq!((tried.done, tried.replay_id), (false, None));
    let plan: Plan = desk.does(&api::REPLAY_START, request.clone(), "k").await;
    let id = plan.replay_id.unwrap();
    let again: Plan = desk.does(&api::REPLAY_START, request.clone(), "k").await;
    assert_eq!(again.replay_id, Some(id));
    let second = desk.refuses_confirmed(&api::REPLAY_START, request.clone(), "k2").await;
    assert_eq!(second, "replay_running");
    assert_eq!(progress(&desk, id).await.state, ReplayState::Created);
    desk.minutes_pass(3).await;
    let view = progress(&desk, id).await;
    assert_eq!((view.state, view.seen, view.sent), (ReplayState::Done, 230, 120), "{view:?}");
    assert_eq!(desk.handled().await.len(), 120);
    assert_eq!(desk.actions().await, ["platform.replay_start 1"]);
    let next: Plan = desk.does(&api::REPLAY_START, range(&desk, "missing"), "k3").await;
    desk.minutes_pass(3).await;
    let view = progress(&desk, next.replay_id.unwrap()).await;
    assert_eq!((view.state, view.sent), (ReplayState::Done, 0));
}

#[tokio::test(start_paused = true)]
async fn a_replay_of_what_failed_hands_out_dead_letters() {
    let desk = Desk::new().await;
    desk.fails(true);
    desk.happens("one").await;
    desk.fails(false);
    desk.happens("two").await;
    desk.handled().await;
    let plan: Plan = desk.does(&api::REPLAY_START, range(&desk, "failed"), "k").await;
    desk.minutes_pass(3).await;
    let view = progress(&desk, plan.replay_id.unwrap()).await;
    assert_eq!((view.state, view.sent), (ReplayState::Done, 1));
    assert_eq!(desk.handled().await, ["one"]);
}

#[tokio::test(start_paused = true)]
async fn a_replay_of_everything_sends_every_event_past_its_order() {
    let desk = Desk::new().await;
    desk.happens("one").await;
    desk.happens("two").await;
    desk.mappings().enable(LISTENER, false);
    let plan: Plan = desk.does(&api::REPLAY_START, range(&desk, "all"), "k").await;
    desk.minutes_pass(2).await;
    let part = plan.replay_id.unwrap().to_string();
    let messages = desk.waiting(LISTENER);
    assert_eq!(messages.len(), 2);
    for message in messages {
        let attributes = format!("{:?}", message.attributes);
        assert!(attributes.contains(&part) && attributes.contains("forced"), "{attributes}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_replay_sends_nothing_more_and_lets_the_next_begin() {
    let desk = Desk::new().await;
    desk.happens("one").await;
    desk.forgets(1).await;
    desk.handled().await;
    let plan: Plan = desk.does(&api::REPLAY_START, range(&desk, "missing"), "k").await;
    let id = plan.replay_id.unwrap();
    let request = json!({ "replay_id": id });
    let reasonless = desk.refuses(&api::REPLAY_CANCEL, request.clone(), None).await;
    assert_eq!(reasonless, "reason_required");
    let tried: Plan = desk.tries(&api::REPLAY_CANCEL, request.clone()).await;
    assert_eq!((tried.done, progress(&desk, id).await.state), (false, ReplayState::Created));
    let plan: Plan = desk.does(&api::REPLAY_CANCEL, request.clone(), "c").await;
    assert!(plan.done);
    let again: Plan = desk.does(&api::REPLAY_CANCEL, request, "c").await;
    assert_eq!((again.steps.len(), again.passed_over.len()), (0, 1));
    desk.minutes_pass(3).await;
    let view = progress(&desk, id).await;
    assert_eq!((view.state, desk.handled().await.len()), (ReplayState::Cancelled, 0));
    let next: Plan = desk.does(&api::REPLAY_START, range(&desk, "missing"), "k2").await;
    desk.minutes_pass(3).await;
    assert_eq!(progress(&desk, next.replay_id.unwrap()).await.state, ReplayState::Done);
    assert_eq!(
        desk.actions().await,
        ["platform.replay_start 1", "platform.replay_cancel 1", "platform.replay_start 1"]
    );
    let unknown = json!({ "replay_id": ReplayId::from_bytes([7; 16]) });
    assert_eq!(desk.refuses(&api::REPLAY_GET, unknown, None).await, "not_found");
}

#[tokio::test(start_paused = true)]
async fn a_replay_whose_job_got_lost_is_started_again_from_its_due_row() {
    let desk = Desk::new().await;
    desk.happens("one").await;
    desk.forgets(1).await;
    desk.handled().await;
    let plan: Plan = desk.does(&api::REPLAY_START, range(&desk, "missing"), "k").await;
    desk.cloud().queues().purge("talaria-local-platform-replay_run").unwrap();
    desk.minutes_pass(3).await;
    let id = plan.replay_id.unwrap();
    assert_eq!(progress(&desk, id).await.state, ReplayState::Created);
    desk.minutes_pass(7).await;
    assert_eq!(progress(&desk, id).await.state, ReplayState::Done);
    assert_eq!(desk.handled().await, ["one"]);
}

#[tokio::test(start_paused = true)]
async fn a_replay_that_never_gets_on_fails_and_lets_the_next_begin() {
    let desk = Desk::new().await;
    desk.happens("one").await;
    desk.mappings().enable("platform.replay_run", false);
    let plan: Plan = desk.does(&api::REPLAY_START, range(&desk, "missing"), "k").await;
    desk.minutes_pass(70).await;
    let id = plan.replay_id.unwrap();
    assert_eq!(progress(&desk, id).await.state, ReplayState::Failed);
    let next: Plan = desk.does(&api::REPLAY_START, range(&desk, "missing"), "k2").await;
    assert!(next.done);
}

/// A replay of 101 missing events while the index of one query of its job is stale.
async fn sent_with_stale_index(nth: u64) -> u64 {
    let desk = Desk::new().await;
    desk.many(101).await;
    desk.forgets(101).await;
    desk.breaks("platform.replay_run", nth, Fault::StaleIndex);
    let plan: Plan = desk.does(&api::REPLAY_START, range(&desk, "missing"), "k").await;
    desk.minutes_pass(4).await;
    let view = progress(&desk, plan.replay_id.unwrap()).await;
    assert_eq!(view.state, ReplayState::Done);
    view.sent
}

#[tokio::test(start_paused = true)]
async fn a_stale_index_never_ends_a_replay_early_unless_the_bug_is_planted() {
    let mut missed = 0;
    // The job's reads of the index: the first of each chunk follows that of the replay's own row.
    for nth in [3, 109, 110] {
        assert_eq!(sent_with_stale_index(nth).await, 101, "{nth}");
        let _guard = planted::plant(Bug::StaleIndexTrusted);
        missed += u64::from(sent_with_stale_index(nth).await != 101);
    }
    assert!(missed > 0, "the planted bug is found");
}

#[tokio::test(start_paused = true)]
async fn a_replay_reads_its_own_tenant_alone_unless_the_bug_is_planted() {
    for bug in [None, Some(Bug::ForeignKey)] {
        let desk = Desk::new().await;
        desk.happens("one").await;
        let _guard = bug.map(planted::plant);
        let _: Plan = desk.does(&api::REPLAY_START, range(&desk, "missing"), "k").await;
        desk.minutes_pass(3).await;
        assert_eq!(desk.cloud().violations().is_empty(), bug.is_none(), "{bug:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_forced_replay_is_handled_again_once_and_an_unforced_one_is_not() {
    let desk = Desk::new().await;
    desk.happens("one").await;
    desk.moves("first", 1).await;
    assert_eq!(desk.handled().await.len(), 2);
    for (kind, listener) in [(HAPPENED.spec.name, LISTENER), (MOVED.spec.name, ORDERED)] {
        let event = desk.events(kind).await.remove(0);
        let request = json!({ "event": event, "listener": listener, "force": true });
        let key = format!("force {listener}");
        let plan: Plan = desk.does(&api::EVENT_REPLAY, request.clone(), &key).await;
        assert_eq!(desk.handled().await.len(), 1, "{listener}");
        let _: Plan = desk.does(&api::EVENT_REPLAY, request, &key).await;
        desk.minutes_pass(2).await;
        assert_eq!(desk.handled().await.len(), 0, "{listener}");
        let request = json!({ "event": event, "replay_id": plan.replay_id });
        let story: api::EventStory = desk.asks(&api::EVENT_SHOW, request).await;
        assert_eq!(story.listeners[0].state.as_deref(), Some("done"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_replay_of_everything_is_handled_again_once() {
    let desk = Desk::new().await;
    desk.happens("one").await;
    desk.happens("two").await;
    desk.handled().await;
    let plan: Plan = desk.does(&api::REPLAY_START, range(&desk, "all"), "k").await;
    desk.minutes_pass(4).await;
    assert_eq!(desk.handled().await, ["one", "two"]);
    let view = progress(&desk, plan.replay_id.unwrap()).await;
    assert_eq!((view.state, view.sent), (ReplayState::Done, 2));
}

#[tokio::test(start_paused = true)]
async fn a_missing_event_behind_the_cursor_of_its_entity_is_handled_all_the_same() {
    let desk = Desk::new().await;
    desk.moves("first", 1).await;
    desk.moves("second", 2).await;
    desk.handled().await;
    desk.forgets_move(1).await;
    let mut request = range(&desk, "missing");
    request["listener"] = json!(ORDERED);
    let _: Plan = desk.does(&api::REPLAY_START, request, "k").await;
    desk.minutes_pass(4).await;
    assert_eq!(desk.handled().await, ["first"]);
}

#[tokio::test(start_paused = true)]
async fn an_unforced_replay_says_that_the_listener_has_gone_past_the_event() {
    let desk = Desk::new().await;
    desk.moves("first", 1).await;
    desk.forgets_move(1).await;
    let event = desk.events(MOVED.spec.name).await.remove(0);
    let request = |force: bool| json!({ "event": event, "listener": ORDERED, "force": force });
    let plan: Plan = desk.does(&api::EVENT_REPLAY, request(false), "k").await;
    assert_eq!((plan.steps.len(), plan.passed_over.len()), (0, 1), "{plan:?}");
    let plan: Plan = desk.does(&api::EVENT_REPLAY, request(true), "k2").await;
    assert_eq!((plan.steps.len(), plan.passed_over.len()), (1, 0));
    assert_eq!(desk.handled().await, ["first", "first"]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_event_behind_the_cursor_of_its_entity_is_handled_all_the_same() {
    let desk = Desk::new().await;
    desk.moves("first", 1).await;
    desk.moves("second", 2).await;
    desk.forgets_move(1).await;
    let range = |only: &str| {
        let mut request = range(&desk, only);
        request["listener"] = json!(ORDERED);
        request
    };
    desk.fails(true);
    let _: Plan = desk.does(&api::REPLAY_START, range("missing"), "k1").await;
    desk.minutes_pass(4).await;
    desk.fails(false);
    desk.handled().await;
    let _: Plan = desk.does(&api::REPLAY_START, range("failed"), "k2").await;
    desk.minutes_pass(4).await;
    assert_eq!(desk.handled().await, ["first"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_outlives_the_record_of_its_handling_is_only_replayed_by_force() {
    const DAY: std::time::Duration = std::time::Duration::from_secs(24 * 3600);
    let desk = Desk::new().await;
    desk.happens("one").await;
    let event = desk.events(HAPPENED.spec.name).await.remove(0);
    desk.pass(29 * DAY).await;
    let request = json!({ "event": event });
    let _: Plan = desk.does(&api::EVENT_REPLAY, request.clone(), "k").await;
    desk.pass(7 * DAY).await;
    desk.handled().await;
    assert_eq!(desk.refuses(&api::EVENT_REPLAY, request, Some(REASON)).await, "no_record");
    let forced = json!({ "event": event, "listener": LISTENER, "force": true });
    let _: Plan = desk.does(&api::EVENT_REPLAY, forced, "k2").await;
    assert_eq!(desk.handled().await, ["one"]);
}
