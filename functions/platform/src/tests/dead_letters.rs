use contracts::platform::{self as api, DeadLetter, Plan};
use kernel::Page;
use local::aws::sqs::NewMessage;
use serde_json::{Value, json};

use super::demo::{HAPPENED, LISTENER, MOVED, ORDERED};
use super::desk::{Desk, REASON};

const DEAD: &str = "talaria-local-demo-on_happened-dlq";

async fn dead(desk: &Desk, listener: &str) -> Vec<DeadLetter> {
    let list: Page<DeadLetter> = desk.asks(&api::DLQ_LIST, json!({ "listener": listener })).await;
    list.data
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_shows_its_cause() {
    let desk = Desk::new().await;
    desk.fails(true);
    desk.happens("one").await;
    let letters = dead(&desk, LISTENER).await;
    let [letter] = &letters[..] else { panic!("one dead letter: {letters:?}") };
    assert_eq!((letter.error_code.as_deref(), letter.attempts), (Some("broken"), 1));
    let event = letter.event.clone().unwrap().to_string();
    assert_eq!(
        ([event].to_vec(), letter.cause.as_str()),
        (desk.events(HAPPENED.spec.name).await, "exhausted")
    );
}

/// An event whose listener crashed over it; its address.
async fn crashed(desk: &Desk) -> String {
    desk.crashes(LISTENER, desk.happens("one")).await;
    let letters = dead(desk, LISTENER).await;
    assert_eq!(letters.iter().map(|one| one.cause.as_str()).collect::<Vec<_>>(), ["crashed"]);
    letters[0].event.as_ref().unwrap().to_string()
}

fn dead_messages(desk: &Desk) -> usize {
    desk.dead_letters(LISTENER).len()
}

#[tokio::test(start_paused = true)]
async fn what_a_crash_left_behind_is_handed_out_by_retry_or_replay() {
    let named = |event: &str| json!({ "listener": LISTENER, "events": [event] });
    for request in [|_: &str| json!({ "listener": LISTENER }), named] {
        let desk = Desk::new().await;
        let event = crashed(&desk).await;
        let plan: Plan = desk.does(&api::DLQ_RETRY, request(&event), "k").await;
        assert_eq!((plan.done, desk.handled().await), (true, vec!["one".to_owned()]));
        assert_eq!((dead(&desk, LISTENER).await, dead_messages(&desk)), (Vec::new(), 0));
    }
    let desk = Desk::new().await;
    let event = crashed(&desk).await;
    let request = json!({ "event": event, "listener": LISTENER });
    let plan: Plan = desk.does(&api::EVENT_REPLAY, request, "k").await;
    assert_eq!((plan.done, desk.handled().await), (true, vec!["one".to_owned()]));
    assert_eq!((dead(&desk, LISTENER).await, dead_messages(&desk)), (Vec::new(), 0));
}

#[tokio::test(start_paused = true)]
async fn what_a_crash_left_behind_is_passed_over() {
    let desk = Desk::new().await;
    let event = crashed(&desk).await;
    let request = json!({ "listener": LISTENER, "event": event });
    let plan: Plan = desk.does(&api::DLQ_SKIP, request.clone(), "k").await;
    let again: Plan = desk.does(&api::DLQ_SKIP, request, "k").await;
    assert_eq!((plan.done, &again), (true, &plan));
    assert_eq!((dead(&desk, LISTENER).await, dead_messages(&desk)), (Vec::new(), 0));
    let replay = json!({ "event": event, "listener": LISTENER });
    let plan: Plan = desk.does(&api::EVENT_REPLAY, replay, "k").await;
    assert_eq!((plan.steps.len(), desk.handled().await), (0, Vec::new()));
    assert_eq!(desk.actions().await, ["platform.dlq_skip 1"]);
}

#[tokio::test(start_paused = true)]
async fn an_ordered_listener_goes_on_past_what_was_passed_over() {
    let desk = Desk::new().await;
    desk.moves("first", 1).await;
    desk.crashes(ORDERED, desk.moves("second", 2)).await;
    desk.moves("third", 3).await;
    assert_eq!(desk.handled().await, ["first"], "the second is missing");
    let event = desk.events(MOVED.spec.name).await.remove(1);
    let request = json!({ "listener": ORDERED, "event": event });
    let plan: Plan = desk.does(&api::DLQ_SKIP, request, "k").await;
    desk.minutes_pass(1).await;
    assert_eq!((plan.done, desk.handled().await), (true, vec!["third".to_owned()]));
    assert_eq!(dead(&desk, ORDERED).await, []);
}

#[tokio::test(start_paused = true)]
async fn messages_that_are_no_events_are_listed_and_deleted() {
    let desk = Desk::new().await;
    let event = crashed(&desk).await;
    let request = json!({ "listener": LISTENER });
    assert_eq!(desk.refuses(&api::DLQ_SKIP, request.clone(), Some(REASON)).await, "not_failed");
    for body in ["no event", "{}"] {
        let message = NewMessage { body: body.to_owned(), copies: 1, ..NewMessage::default() };
        desk.cloud().queues().send(DEAD, message).unwrap();
    }
    let letters = dead(&desk, LISTENER).await;
    let causes: Vec<&str> = letters.iter().map(|letter| letter.cause.as_str()).collect();
    assert_eq!(causes, ["crashed", "unreadable", "unreadable"]);
    let tried: Plan = desk.tries(&api::DLQ_SKIP, request.clone()).await;
    assert_eq!((tried.done, dead_messages(&desk)), (false, 3));
    let plan: Plan = desk.does(&api::DLQ_SKIP, request.clone(), "k").await;
    let again: Plan = desk.does(&api::DLQ_SKIP, request, "k").await;
    assert_eq!((plan.done, again), (true, plan));
    let letters = dead(&desk, LISTENER).await.into_iter();
    let left: Vec<String> = letters.filter_map(|one| Some(one.event?.to_string())).collect();
    assert_eq!((left, dead_messages(&desk)), (vec![event], 1));
    assert_eq!(desk.actions().await, ["platform.dlq_skip 1"]);
}

#[tokio::test(start_paused = true)]
async fn orders_about_dead_letters_are_refused_in_this_order() {
    let desk = Desk::new().await;
    desk.happens("handled").await;
    let event = desk.events(HAPPENED.spec.name).await.remove(0);
    let retry = |request: Value, reason| desk.refuses(&api::DLQ_RETRY, request, reason);
    let many = vec![event.clone(); 101];
    let stranger = json!({ "listener": "demo.on_nothing" });
    assert_eq!(retry(stranger.clone(), None).await, "reason_required");
    let crowd = json!({ "listener": LISTENER, "events": many });
    assert_eq!(retry(crowd, Some(REASON)).await, "too_many_ids");
    assert_eq!(retry(stranger, Some(REASON)).await, "not_found");
    assert_eq!(retry(json!({ "listener": LISTENER }), Some(REASON)).await, "not_failed");
    let one = json!({ "listener": LISTENER, "events": [event] });
    assert_eq!(retry(one, Some(REASON)).await, "not_failed");
    let skip = |request: Value, reason| desk.refuses(&api::DLQ_SKIP, request, reason);
    let one = json!({ "listener": LISTENER, "event": event });
    assert_eq!(skip(one.clone(), None).await, "reason_required");
    assert_eq!(skip(one, Some(REASON)).await, "not_failed");
    assert_eq!(desk.actions().await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_retried_dead_letter_is_handled_once() {
    let desk = Desk::new().await;
    desk.fails(true);
    desk.happens("one").await;
    desk.happens("two").await;
    desk.fails(false);
    let request = json!({ "listener": LISTENER });
    let plan: Plan = desk.tries(&api::DLQ_RETRY, request.clone()).await;
    assert_eq!((plan.done, plan.steps.len()), (false, 2));
    desk.minutes_pass(5).await;
    assert_eq!((dead(&desk, LISTENER).await.len(), desk.handled().await.len()), (2, 0));
    let plan: Plan = desk.does(&api::DLQ_RETRY, request.clone(), "k").await;
    let mut handled = desk.handled().await;
    handled.sort_unstable();
    assert_eq!((plan.done, handled), (true, vec!["one".to_owned(), "two".to_owned()]));
    assert_eq!(dead_messages(&desk), 0);
    let again: Plan = desk.does(&api::DLQ_RETRY, request, "k").await;
    desk.minutes_pass(5).await;
    assert_eq!((&again, desk.handled().await.len()), (&plan, 0));
    assert_eq!(dead(&desk, LISTENER).await, []);
    assert_eq!(desk.actions().await, ["platform.dlq_retry 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_dead_letters_go_in_parts_and_are_one_order() {
    let desk = Desk::new().await;
    desk.fails(true);
    desk.many(100).await;
    desk.fails(false);
    let plan: Plan = desk.does(&api::DLQ_RETRY, json!({ "listener": LISTENER }), "k").await;
    assert_eq!((plan.steps.len(), desk.handled().await.len()), (100, 100));
    let again: Plan = desk.does(&api::DLQ_RETRY, json!({ "listener": LISTENER }), "k").await;
    assert_eq!((again, desk.handled().await.len()), (plan, 0));
    let actions = desk.actions().await;
    assert_eq!(actions.len(), 3, "{actions:?}");
}

#[tokio::test(start_paused = true)]
async fn a_skipped_dead_letter_never_comes_back() {
    let desk = Desk::new().await;
    desk.fails(true);
    desk.happens("one").await;
    desk.fails(false);
    let event = desk.events(HAPPENED.spec.name).await.remove(0);
    let request = json!({ "listener": LISTENER, "event": event });
    let plan: Plan = desk.tries(&api::DLQ_SKIP, request.clone()).await;
    assert_eq!((plan.done, dead(&desk, LISTENER).await.len()), (false, 1));
    let plan: Plan = desk.does(&api::DLQ_SKIP, request.clone(), "k").await;
    let again: Plan = desk.does(&api::DLQ_SKIP, request, "k").await;
    assert_eq!((plan.done, &again), (true, &plan));
    assert_eq!((dead(&desk, LISTENER).await, desk.handled().await.len()), (Vec::new(), 0));
    let story: api::EventStory = desk.asks(&api::EVENT_SHOW, json!({ "event": event })).await;
    let heard = &story.listeners[0];
    assert_eq!(heard.state.as_deref(), Some("skipped"));
    assert_eq!(heard.skip_reason.as_deref(), Some(REASON));
    assert_eq!(desk.actions().await, ["platform.dlq_skip 1"]);
}

/// A first move that is given up, and two that wait behind it; the addresses of all.
async fn blocked(desk: &Desk) -> Vec<String> {
    desk.fails(true);
    desk.moves("first", 1).await;
    desk.fails(false);
    desk.moves("second", 2).await;
    desk.moves("third", 3).await;
    assert_eq!(desk.handled().await, Vec::<String>::new());
    desk.events(MOVED.spec.name).await
}

#[tokio::test(start_paused = true)]
async fn a_parked_event_names_the_one_it_waits_for() {
    let desk = Desk::new().await;
    let events = blocked(&desk).await;
    let story: api::EventStory = desk.asks(&api::EVENT_SHOW, json!({ "event": events[1] })).await;
    let heard = &story.listeners[0];
    assert_eq!(heard.state.as_deref(), Some("parked"));
    let blocker = heard.blocked_by.unwrap().to_string();
    assert!(events[0].ends_with(&blocker), "{blocker}");
    let listeners: Page<api::ListenerLine> =
        desk.asks(&api::LISTENER_LIST, json!({ "listener": ORDERED })).await;
    assert_eq!((listeners.data[0].failed, listeners.data[0].blocked), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_waits_behind_a_retried_event_follows_in_sequence() {
    let desk = Desk::new().await;
    blocked(&desk).await;
    let plan: Plan = desk.does(&api::DLQ_RETRY, json!({ "listener": ORDERED }), "k").await;
    assert_eq!(plan.steps.len(), 1);
    desk.minutes_pass(5).await;
    assert_eq!(desk.handled().await, ["first", "second", "third"]);
    desk.moves("fourth", 4).await;
    assert_eq!(desk.handled().await, ["fourth"]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_behind_a_skipped_event_follows_in_sequence() {
    let desk = Desk::new().await;
    let events = blocked(&desk).await;
    let request = json!({ "listener": ORDERED, "event": events[0] });
    let tried: Plan = desk.tries(&api::DLQ_SKIP, request.clone()).await;
    assert_eq!((tried.done, tried.steps.len()), (false, 2), "{tried:?}");
    let plan: Plan = desk.does(&api::DLQ_SKIP, request.clone(), "k").await;
    let again: Plan = desk.does(&api::DLQ_SKIP, request, "k").await;
    assert_eq!(again, plan);
    desk.minutes_pass(5).await;
    assert_eq!(desk.handled().await, ["second", "third"]);
    desk.moves("fourth", 4).await;
    assert_eq!(desk.handled().await, ["fourth"]);
}

#[tokio::test(start_paused = true)]
async fn a_blocked_entity_goes_on_although_its_events_are_not_kept_any_more() {
    let desk = Desk::new().await;
    let events = blocked(&desk).await;
    for event in &events[..2] {
        desk.expires(event).await;
    }
    let skip = |event: &str| json!({ "listener": ORDERED, "event": event });
    let retried = json!({ "listener": ORDERED, "events": [events[0]] });
    assert_eq!(desk.refuses(&api::DLQ_RETRY, retried, Some(REASON)).await, "not_failed");
    let _: Plan = desk.does(&api::DLQ_SKIP, skip(&events[0]), "k").await;
    desk.minutes_pass(2).await;
    let letters = dead(&desk, ORDERED).await;
    let [letter] = &letters[..] else { panic!("the second takes its place: {letters:?}") };
    assert_eq!(letter.error_code.as_deref(), Some("event_expired"));
    let _: Plan = desk.does(&api::DLQ_SKIP, skip(&events[1]), "k2").await;
    desk.minutes_pass(2).await;
    assert_eq!((dead(&desk, ORDERED).await, desk.handled().await), (vec![], vec!["third".into()]));
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_is_tried_again_stays_in_sight_until_it_is_settled() {
    let desk = Desk::new().await;
    desk.fails(true);
    desk.happens("one").await;
    desk.fails(false);
    desk.mappings().enable(LISTENER, false);
    let _: Plan = desk.does(&api::DLQ_RETRY, json!({ "listener": LISTENER }), "k").await;
    assert_eq!(dead(&desk, LISTENER).await.len(), 1, "nobody has handled it yet");
    desk.mappings().enable(LISTENER, true);
    desk.settle().await;
    assert_eq!((dead(&desk, LISTENER).await, desk.handled().await), (vec![], vec!["one".into()]));
}

#[tokio::test(start_paused = true)]
async fn what_failed_in_a_replay_can_be_named_and_passed_over() {
    let desk = Desk::new().await;
    desk.happens("one").await;
    let event = desk.events(HAPPENED.spec.name).await.remove(0);
    desk.fails(true);
    let forced = json!({ "event": event, "listener": LISTENER, "force": true });
    let _: Plan = desk.does(&api::EVENT_REPLAY, forced, "k").await;
    let letters = dead(&desk, LISTENER).await;
    assert!(letters[0].replay_id.is_some(), "{letters:?}");
    let skip = json!({ "listener": LISTENER, "event": event });
    let plan: Plan = desk.does(&api::DLQ_SKIP, skip, "k2").await;
    assert_eq!((plan.done, dead(&desk, LISTENER).await), (true, vec![]));
    assert_eq!(dead_messages(&desk), 0);
}
