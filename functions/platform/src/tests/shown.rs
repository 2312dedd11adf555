use contracts::platform::{self as api, EventStory, ListenerLine};
use kernel::Page;
use serde_json::json;

use super::demo::{ECHOED, HAPPENED, LISTENER, ORDERED};
use super::desk::Desk;

#[tokio::test(start_paused = true)]
async fn an_event_is_told_across_every_hop_by_its_id_and_by_its_place() {
    let desk = Desk::new().await;
    desk.happens("echo").await;
    let [event] = &desk.events(HAPPENED.spec.name).await[..] else { panic!("one event") };
    let story: EventStory = desk.asks(&api::EVENT_SHOW, json!({ "event": event })).await;
    assert_eq!((story.status.as_str(), story.bell.as_deref()), ("sent", Some("inline")));
    assert_eq!((story.replay_no, story.correlation_id.as_deref()), (0, Some("local")));
    assert_eq!(story.envelope["data"]["what"], "echo");
    let [heard] = &story.listeners[..] else { panic!("one listener hears it") };
    assert_eq!((heard.listener.as_str(), heard.state.as_deref()), (LISTENER, Some("done")));
    assert!(heard.publish_to_consumed_ms.is_some() && heard.commit_to_consumed_ms.is_some());
    let [caused] = &story.caused[..] else { panic!("one event was caused") };
    assert_eq!(caused.kind, ECHOED.spec.name);
    assert_eq!(story.caused_searched_until, None);
    let place = story.address.to_string();
    let again: EventStory = desk.asks(&api::EVENT_SHOW, json!({ "event": place })).await;
    assert_eq!(again, story);
    let cause = caused.event.to_string();
    let follower: EventStory = desk.asks(&api::EVENT_SHOW, json!({ "event": cause })).await;
    assert_eq!(follower.causation_id, Some(story.event_id));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_not_there_is_not_found() {
    let desk = Desk::new().await;
    desk.happens("one").await;
    let event = desk.events(HAPPENED.spec.name).await.remove(0);
    let elsewhere = event.replace("/l/", "/t/");
    for event in [elsewhere, "cli_00000000000000000000000000/l/settings/x/1".to_owned()] {
        assert_eq!(
            desk.refuses(&api::EVENT_SHOW, json!({ "event": event }), None).await,
            "not_found"
        );
    }
    let nonsense = desk.refuses(&api::EVENT_SHOW, json!({ "event": "evt_1" }), None).await;
    assert_eq!(nonsense, "validation_failed");
}

#[tokio::test(start_paused = true)]
async fn listeners_are_listed_with_what_they_gave_up() {
    let desk = Desk::new().await;
    desk.fails(true);
    desk.happens("one").await;
    desk.happens("two").await;
    let all: Page<ListenerLine> = desk.asks(&api::LISTENER_LIST, json!({})).await;
    let line = |id: &str| all.data.iter().find(|line| line.listener == id).unwrap();
    let (hears, follows) = (line(LISTENER), line(ORDERED));
    assert_eq!((hears.failed, hears.blocked, hears.dead_letters), (2, 0, Some(2)));
    assert_eq!((follows.failed, follows.dead_letters), (0, Some(0)));
    assert_eq!((follows.ordered, follows.on_exhausted.as_str()), (true, "block"));
    let fires = line("platform.schedule_fire");
    assert_eq!((fires.types.len(), fires.failed, fires.dead_letters), (0, 0, Some(0)));
    let one = json!({ "listener": ORDERED });
    let one: Page<ListenerLine> = desk.asks(&api::LISTENER_LIST, one).await;
    assert_eq!(one.data.len(), 1);
    let stranger = json!({ "listener": "demo.on_nothing" });
    assert_eq!(desk.refuses(&api::LISTENER_LIST, stranger, None).await, "not_found");
}
