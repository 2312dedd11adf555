use contracts::platform::{self as api, Plan, ReplayState, ReplayView};
use kernel::ReplayId;
use serde_json::{Value, json};
use store::inbox::InboxKey;
use store::{INBOX, Scope};

use super::world::{HAPPENED, LISTENER, ORDERED, REASON, TENANT, World};

fn range(world: &World, only: &str) -> Value {
    json!({
        "listener": LISTENER,
        "from": world.now().minus(std::time::Duration::from_secs(3600)),
        "to": world.now().plus(std::time::Duration::from_secs(60)),
        "tenant_id": TENANT,
        "only": only,
    })
}

async fn progress(world: &World, id: ReplayId) -> ReplayView {
    world.asks(&api::REPLAY_GET, json!({ "replay_id": id })).await
}

/// The listener forgets that it handled the first events.
async fn forgets(world: &World, count: usize) {
    for address in world.events(HAPPENED.spec.name).await.iter().take(count) {
        let event = address.rsplit('/').next().unwrap().parse().unwrap();
        let inbox = InboxKey::new(&Scope::tenant(TENANT).mode(true), LISTENER, event, None);
        let store = &world.platform.ports().store;
        assert!(store.delete(&INBOX, inbox.key(), None).await.unwrap().done().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_is_published_again_for_everybody_and_absorbed() {
    let world = World::new().await;
    world.happens("one").await;
    let event = world.events(HAPPENED.spec.name).await.remove(0);
    let request = json!({ "event": event });
    let reasonless = world.refuses(&api::EVENT_REPLAY, request.clone(), None).await;
    assert_eq!(reasonless, "reason_required");
    assert_eq!(world.handled().await, ["one"]);
    let plan: Plan = world.tries(&api::EVENT_REPLAY, request.clone()).await;
    assert!(!plan.done);
    let before: api::EventStory = world.asks(&api::EVENT_SHOW, request.clone()).await;
    assert_eq!(before.replay_no, 0);
    let plan: Plan = world.does(&api::EVENT_REPLAY, request.clone(), "k").await;
    let again: Plan = world.does(&api::EVENT_REPLAY, request.clone(), "k").await;
    assert_eq!((plan.done, &again), (true, &plan));
    let story: api::EventStory = world.asks(&api::EVENT_SHOW, request).await;
    assert_eq!((story.replay_no, story.status.as_str()), (1, "sent"));
    assert_eq!(world.handled().await, Vec::<String>::new(), "the inbox absorbs it");
    assert_eq!(world.actions().await, ["platform.event_replay 1"]);
}

#[tokio::test(start_paused = true)]
async fn one_listener_handles_an_event_again_only_where_it_has_to() {
    let world = World::new().await;
    world.happens("one").await;
    let event = world.events(HAPPENED.spec.name).await.remove(0);
    let refused = |request: Value| world.refuses(&api::EVENT_REPLAY, request, Some(REASON));
    let unforced = json!({ "event": event, "listener": LISTENER });
    assert_eq!(refused(json!({ "event": event, "force": true })).await, "validation_failed");
    assert_eq!(refused(json!({ "event": event, "listener": "a.on_b" })).await, "not_found");
    assert_eq!(refused(json!({ "event": event, "listener": ORDERED })).await, "state_conflict");
    let plan: Plan = world.does(&api::EVENT_REPLAY, unforced.clone(), "k1").await;
    assert_eq!((plan.steps.len(), plan.passed_over.len()), (0, 1));
    world.handled().await;
    forgets(&world, 1).await;
    let plan: Plan = world.does(&api::EVENT_REPLAY, unforced, "k2").await;
    assert_eq!((plan.steps.len(), world.handled().await), (1, vec!["one".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_forced_replay_travels_under_an_inbox_row_of_its_own() {
    let world = World::new().await;
    world.happens("one").await;
    let event = world.events(HAPPENED.spec.name).await.remove(0);
    world.platform.mappings().enable(LISTENER, false);
    let request = json!({ "event": event, "listener": LISTENER, "force": true });
    let tried: Plan = world.tries(&api::EVENT_REPLAY, request.clone()).await;
    assert_eq!((tried.done, tried.replay_id), (false, None));
    let queue = "talaria-local-demo-on_happened";
    let queues = world.platform.cloud().queues();
    assert_eq!(queues.peek(queue, 10).unwrap().len(), 0);
    let plan: Plan = world.does(&api::EVENT_REPLAY, request.clone(), "k").await;
    let again: Plan = world.does(&api::EVENT_REPLAY, request, "k").await;
    assert_eq!(again.replay_id, plan.replay_id);
    let messages = queues.peek(queue, 10).unwrap();
    assert_eq!(messages.len(), 1);
    let attributes = format!("{:?}", messages[0].attributes);
    let part = plan.replay_id.unwrap().to_string();
    assert!(attributes.contains(&part) && attributes.contains("forced"), "{attributes}");
}

#[tokio::test(start_paused = true)]
async fn a_replay_that_cannot_start_is_refused_in_this_order() {
    let world = World::new().await;
    let with = |name: &str, value: Value| {
        let mut request = range(&world, "missing");
        request[name] = value;
        request
    };
    let far = world.now().minus(std::time::Duration::from_secs(32 * 24 * 3600));
    let table: [(Value, Option<&str>, &str); 7] = [
        (with("listener", json!("a.on_b")), None, "reason_required"),
        (with("listener", json!("a.on_b")), Some(REASON), "not_found"),
        (with("from", json!(far)), Some(REASON), "range_too_wide"),
        (with("from", json!(world.now())), Some(REASON), "validation_failed"),
        (with("rate_per_s", json!(0)), Some(REASON), "validation_failed"),
        (with("rate_per_s", json!(201)), Some(REASON), "validation_failed"),
        (with("types", json!(["auth.user.registered"])), Some(REASON), "validation_failed"),
    ];
    for (request, reason, code) in table {
        assert_eq!(
            world.refuses(&api::REPLAY_START, request.clone(), reason).await,
            code,
            "{request}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_replay_of_what_is_missing_fills_the_gap_and_nothing_else() {
    let world = World::new().await;
    for n in 0..230 {
        world.happens(&format!("n{n}")).await;
    }
    forgets(&world, 120).await;
    world.handled().await;
    let request = range(&world, "missing");
    let tried: Plan = world.tries(&api::REPLAY_START, request.clone()).await;
    assert_eq!((tried.done, tried.replay_id), (false, None));
    let plan: Plan = world.does(&api::REPLAY_START, request.clone(), "k").await;
    let id = plan.replay_id.unwrap();
    let again: Plan = world.does(&api::REPLAY_START, request.clone(), "k").await;
    assert_eq!(again.replay_id, Some(id));
    let second = world.refuses_confirmed(&api::REPLAY_START, request.clone(), "k2").await;
    assert_eq!(second, "replay_running");
    assert_eq!(progress(&world, id).await.state, ReplayState::Created);
    world.minutes_pass(3).await;
    let view = progress(&world, id).await;
    assert_eq!((view.state, view.seen, view.sent), (ReplayState::Done, 230, 120), "{view:?}");
    assert_eq!(world.handled().await.len(), 120);
    assert_eq!(world.actions().await, ["platform.replay_start 1"]);
    let next: Plan = world.does(&api::REPLAY_START, range(&world, "missing"), "k3").await;
    world.minutes_pass(3).await;
    let view = progress(&world, next.replay_id.unwrap()).await;
    assert_eq!((view.state, view.sent), (ReplayState::Done, 0));
}

#[tokio::test(start_paused = true)]
async fn a_replay_of_what_failed_hands_out_dead_letters() {
    let world = World::new().await;
    world.breaks(true);
    world.happens("one").await;
    world.breaks(false);
    world.happens("two").await;
    world.handled().await;
    let plan: Plan = world.does(&api::REPLAY_START, range(&world, "failed"), "k").await;
    world.minutes_pass(3).await;
    let view = progress(&world, plan.replay_id.unwrap()).await;
    assert_eq!((view.state, view.sent), (ReplayState::Done, 1));
    assert_eq!(world.handled().await, ["one"]);
}

#[tokio::test(start_paused = true)]
async fn a_replay_of_everything_sends_every_event_past_its_order() {
    let world = World::new().await;
    world.happens("one").await;
    world.happens("two").await;
    world.platform.mappings().enable(LISTENER, false);
    let plan: Plan = world.does(&api::REPLAY_START, range(&world, "all"), "k").await;
    world.minutes_pass(2).await;
    let part = plan.replay_id.unwrap().to_string();
    let queues = world.platform.cloud().queues();
    let messages = queues.peek("talaria-local-demo-on_happened", 10).unwrap();
    assert_eq!(messages.len(), 2);
    for message in messages {
        let attributes = format!("{:?}", message.attributes);
        assert!(attributes.contains(&part) && attributes.contains("forced"), "{attributes}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_replay_sends_nothing_more_and_lets_the_next_begin() {
    let world = World::new().await;
    world.happens("one").await;
    forgets(&world, 1).await;
    world.handled().await;
    let plan: Plan = world.does(&api::REPLAY_START, range(&world, "missing"), "k").await;
    let id = plan.replay_id.unwrap();
    let request = json!({ "replay_id": id });
    let reasonless = world.refuses(&api::REPLAY_CANCEL, request.clone(), None).await;
    assert_eq!(reasonless, "reason_required");
    let tried: Plan = world.tries(&api::REPLAY_CANCEL, request.clone()).await;
    assert_eq!((tried.done, progress(&world, id).await.state), (false, ReplayState::Created));
    let plan: Plan = world.does(&api::REPLAY_CANCEL, request.clone(), "c").await;
    assert!(plan.done);
    let again: Plan = world.does(&api::REPLAY_CANCEL, request, "c").await;
    assert_eq!((again.steps.len(), again.passed_over.len()), (0, 1));
    world.minutes_pass(3).await;
    let view = progress(&world, id).await;
    assert_eq!((view.state, world.handled().await.len()), (ReplayState::Cancelled, 0));
    let next: Plan = world.does(&api::REPLAY_START, range(&world, "missing"), "k2").await;
    world.minutes_pass(3).await;
    assert_eq!(progress(&world, next.replay_id.unwrap()).await.state, ReplayState::Done);
    assert_eq!(
        world.actions().await,
        ["platform.replay_start 1", "platform.replay_cancel 1", "platform.replay_start 1"]
    );
    let unknown = json!({ "replay_id": ReplayId::from_bytes([7; 16]) });
    assert_eq!(world.refuses(&api::REPLAY_GET, unknown, None).await, "not_found");
}
