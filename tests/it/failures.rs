//! What fails, fails alone: a panic, a poison event, a message delivered twice.

use std::time::Duration;

use local::aws::sqs::NewMessage;
use local::fault::{DeliveryFault, FaultPlan};
use local::harness::Answer;
use serde_json::json;
use store::Consistency;

use crate::demo::{self, DEMO};
use crate::talaria::Talaria;

const QUEUE: &str = "talaria-local-demo-on_happened";
const LISTENER: &str = "demo.on_happened";

async fn start() -> Talaria {
    Talaria::of(vec![demo::module()]).await
}

async fn act(talaria: &Talaria, how: &str) -> Answer {
    talaria.post("/v1/demo", json!({ "how": how })).send().await
}

async fn counted(talaria: &Talaria) -> i128 {
    let store = &talaria.ports().store;
    let item = store.get_item(&DEMO, &demo::counted(), Consistency::Strong).await.expect("a read");
    item.and_then(|item| item.number("n")).unwrap_or(0)
}

fn dead(talaria: &Talaria) -> usize {
    talaria.dead_letters(LISTENER).len()
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_answers_500_is_logged_once_and_lives_on() {
    let talaria = start().await;
    let answer = act(&talaria, "panic").await;
    answer.refused(500, "internal_error");
    assert!(!answer.text.contains("as asked"), "{}", answer.text);
    let errors = talaria.errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0]["error"].to_string().contains("as asked"), "{errors:?}");
    act(&talaria, "well").await.expect(200);
}

#[tokio::test(start_paused = true)]
async fn a_poison_event_is_tried_put_aside_with_its_cause_and_stops_nobody() {
    for (how, code) in [("badly", "broken"), ("terribly", "internal_error"), ("never", "hopeless")]
    {
        let talaria = start().await;
        act(&talaria, how).await.expect(200);
        act(&talaria, "well").await.expect(200);
        talaria.settle().await;
        assert_eq!(counted(&talaria).await, 1, "{how}: others flow");
        talaria.minutes_pass(4).await;
        assert_eq!(dead(&talaria), 1, "{how}");
        let told = format!("{:?}", talaria.dead_letters(LISTENER)[0].attributes);
        assert!(told.contains("exhausted") && told.contains(code), "{how}: {told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_no_event_is_put_aside_at_once() {
    let talaria = start().await;
    let queues = talaria.cloud().queues();
    let garbage =
        NewMessage { body: "not an event".to_owned(), copies: 1, ..NewMessage::default() };
    queues.send(QUEUE, garbage).expect("sent");
    act(&talaria, "well").await.expect(200);
    talaria.settle().await;
    assert_eq!((dead(&talaria), counted(&talaria).await), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_event_delivered_twice_has_one_effect() {
    let talaria = start().await;
    for n in 1..=6 {
        let plan = FaultPlan::Nth { n, fault: DeliveryFault::Twice };
        talaria.cloud().faults().inject_delivery(plan);
    }
    act(&talaria, "well").await.expect(200);
    act(&talaria, "well").await.expect(200);
    talaria.settle().await;
    talaria.pass(Duration::from_secs(600)).await;
    assert_eq!(counted(&talaria).await, 2);
}
