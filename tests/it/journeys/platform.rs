//! An operator looks after what the backbone carries: events, dead letters, timers.

use contracts::platform as api;
use local::fault::{Fault, FaultPlan};
use local::seed::DEMO_TENANT;
use serde_json::{Value, json};

use crate::demo::{HAPPENED, MOVED, PRECISE_REMINDER_S};
use crate::talaria::Talaria;

const LISTENER: &str = "demo.on_happened";

pub async fn journey(talaria: &Talaria) {
    an_event_is_looked_up_and_published_again(talaria).await;
    a_range_of_events_is_sent_again(talaria).await;
    what_a_listener_gave_up_is_tried_again_or_passed_over(talaria).await;
    what_is_planned_is_brought_forward_or_called_off(talaria).await;
    what_the_topics_refused_is_published_or_passed_over(talaria).await;
}

/// Something happens at the demo module.
async fn act(talaria: &Talaria, how: &str, number: u64) {
    talaria.post("/v1/demo", json!({ "how": how, "number": number })).send().await.expect(200);
}

/// The addresses of all events of this type so far, oldest first.
async fn events(talaria: &Talaria, kind: &str) -> Vec<String> {
    let of_today = store::outbox::of_day(&talaria.scope(), &talaria.now().day(), false);
    let rows = talaria.items(of_today).await;
    let own = rows.iter().filter(|row| row.text("type") == Some(kind));
    own.map(|row| format!("{DEMO_TENANT}/l/{}", row.text("event_id").unwrap())).collect()
}

async fn an_event_is_looked_up_and_published_again(talaria: &Talaria) {
    act(talaria, "well", 0).await;
    talaria.settle().await;
    let event = events(talaria, HAPPENED.spec.name).await.remove(0);
    let request = json!({ "event": event });
    let story = talaria.operate(&api::EVENT_SHOW, request.clone()).send().await.unwrap();
    assert_eq!((story.status.as_str(), story.listeners.len()), ("sent", 1));
    assert_eq!(story.listeners[0].state.as_deref(), Some("done"));

    let tried = talaria.operate(&api::EVENT_REPLAY, request.clone()).send().await.unwrap();
    assert!(!tried.done, "nothing is done before it is confirmed");
    let plan = talaria.operate(&api::EVENT_REPLAY, request.clone()).confirmed().send().await;
    assert!(plan.unwrap().done);
    talaria.settle().await;
    let story = talaria.operate(&api::EVENT_SHOW, request).send().await.unwrap();
    assert_eq!(story.replay_no, 1);
}

async fn a_range_of_events_is_sent_again(talaria: &Talaria) {
    let request = json!({
        "listener": LISTENER,
        "from": talaria.now().minus(std::time::Duration::from_secs(3_600)),
        "to": talaria.now(),
        "tenant_id": DEMO_TENANT,
        "only": "all",
    });
    let start = |key: &str| {
        talaria.operate(&api::REPLAY_START, request.clone()).confirmed().key(key).send()
    };
    let replay = json!({ "replay_id": start("first").await.unwrap().replay_id });
    talaria.minutes_pass(2).await;
    let view = talaria.operate(&api::REPLAY_GET, replay).send().await.unwrap();
    assert_eq!((view.state, view.sent), (api::ReplayState::Done, 1));

    talaria.mappings().enable("platform.replay_run", false);
    let replay = json!({ "replay_id": start("second").await.unwrap().replay_id });
    let cancel = talaria.operate(&api::REPLAY_CANCEL, replay.clone()).confirmed().send().await;
    assert!(cancel.unwrap().done);
    talaria.mappings().enable("platform.replay_run", true);
    talaria.settle().await;
    let view = talaria.operate(&api::REPLAY_GET, replay).send().await.unwrap();
    assert_eq!((view.state, view.sent), (api::ReplayState::Cancelled, 0));
}

async fn what_a_listener_gave_up_is_tried_again_or_passed_over(talaria: &Talaria) {
    for _ in 0..2 {
        act(talaria, "never", 0).await;
    }
    talaria.settle().await;
    let of_listener = json!({ "listener": LISTENER });
    let lines = talaria.operate(&api::LISTENER_LIST, of_listener.clone()).send().await.unwrap();
    assert_eq!((lines.data[0].failed, lines.data[0].dead_letters), (2, Some(2)));
    let letters = || async {
        let list = talaria.operate(&api::DLQ_LIST, of_listener.clone()).send().await.unwrap();
        list.data.into_iter().filter_map(|letter| letter.event).collect::<Vec<_>>()
    };
    let dead = letters().await;
    let retry = json!({ "listener": LISTENER, "events": [dead[0]] });
    talaria.operate(&api::DLQ_RETRY, retry).confirmed().send().await.unwrap();
    talaria.settle().await;
    assert_eq!(letters().await.len(), 2, "it is given up again");
    for event in dead {
        let skip = json!({ "listener": LISTENER, "event": event });
        talaria.operate(&api::DLQ_SKIP, skip).confirmed().send().await.unwrap();
    }
    assert_eq!(letters().await, []);
}

async fn what_is_planned_is_brought_forward_or_called_off(talaria: &Talaria) {
    for number in [1, 2] {
        act(talaria, "reminds", number).await;
    }
    act(talaria, "reminds_precisely", 3).await;
    let planned = || async {
        let list = talaria.operate(&api::SCHEDULE_LIST, json!({})).send().await.unwrap();
        list.data.into_iter().filter_map(|line| line.schedule).map(|one| one.key).collect()
    };
    let all: Vec<String> = planned().await;
    assert_eq!(all, ["reminder/3", "reminder/1", "reminder/2"]);
    let choice = |number| json!({ "schedule": format!("{DEMO_TENANT}/l/demo/reminder/{number}") });
    let run = talaria.operate(&api::SCHEDULE_RUN, choice(1)).confirmed().send().await;
    let cancel = talaria.operate(&api::SCHEDULE_CANCEL, choice(2)).confirmed().send().await;
    assert!(run.unwrap().done && cancel.unwrap().done);
    talaria.pass(std::time::Duration::from_secs(PRECISE_REMINDER_S)).await;
    talaria.minutes_pass(1).await;
    let left: Vec<String> = planned().await;
    assert_eq!(left, Vec::<String>::new());
}

async fn what_the_topics_refused_is_published_or_passed_over(talaria: &Talaria) {
    let refused = vec![Fault::EntryRefused(0)];
    let faults = talaria.cloud().faults();
    faults.inject(FaultPlan::Random { seed: 1, per_mille: 1_000, faults: refused });
    for number in [1, 2] {
        act(talaria, "moves", number).await;
    }
    talaria.minutes_pass(20).await;
    faults.stop();
    let of_swaps = json!({ "status": "failed", "type": MOVED.spec.name });
    let failed = || async {
        let list = talaria.operate(&api::OUTBOX_LIST, of_swaps.clone()).send().await.unwrap();
        list.data.into_iter().map(|line| line.event).collect::<Vec<_>>()
    };
    let given_up = failed().await;
    assert_eq!(given_up.len(), 2);
    let one = |number: usize| -> Value { json!({ "events": [given_up[number]] }) };
    let retry = talaria.operate(&api::OUTBOX_RETRY, one(0)).confirmed().send().await;
    let skip = talaria.operate(&api::OUTBOX_SKIP, one(1)).confirmed().send().await;
    assert!(retry.unwrap().done && skip.unwrap().done);
    talaria.settle().await;
    assert_eq!(failed().await, []);
}
