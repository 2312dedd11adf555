//! What every listener owes, derived from the module tables and their samples: one effect for two
//! deliveries, no surprise at an added member, a cause for what it gives up, no order it did not ask for.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use events::Envelope;
use kernel::EventId;
use runtime::backbone::Backbone;
use serde_json::{Value, json};
use store::inbox::{InboxKey, InboxRow, State};
use store::{Consistency, Scope};

use crate::samples::samples;
use crate::talaria::Talaria;

/// A listener, its sample, and a platform of its own.
struct Trial {
    listener: String,
    talaria: Talaria,
    message: Value,
}

/// Tries every listener alone.
async fn every_listener(tried: impl AsyncFn(Trial)) {
    let backbone = Backbone::of(&catalog::modules()).expect("every listener has its lane");
    let samples = samples("sqs");
    assert!(!backbone.listeners.is_empty());
    for hearing in backbone.listeners {
        let sample = samples.iter().find(|(id, _)| *id == hearing.listener);
        let (listener, message) = sample.expect("a sample").clone();
        tried(Trial { listener, talaria: Talaria::start().await, message }).await;
    }
}

impl Trial {
    /// The event inside the message.
    fn event(&self) -> Envelope {
        let body = self.message["Records"][0]["body"].as_str().expect("a body");
        Envelope::parse(body).expect("an envelope")
    }

    /// The first message, of an event that is different.
    fn with_event(&self, change: impl Fn(&mut Value)) -> Value {
        let mut event = serde_json::to_value(self.event()).expect("JSON");
        change(&mut event);
        let mut message = self.message.clone();
        message["Records"].as_array_mut().expect("records").truncate(1);
        message["Records"][0]["body"] = event.to_string().into();
        message
    }

    /// Hands a message over; whether it is done with.
    async fn deliver(&self, message: &Value) -> bool {
        let answer = self.talaria.platform.invoke(&self.listener, message.clone()).await;
        let answer = answer.expect("the function answers");
        self.talaria.platform.settle().await;
        answer["batchItemFailures"].as_array().expect("a list").is_empty()
    }

    async fn inbox(&self, event: EventId) -> Option<InboxRow> {
        let sample = self.event();
        let scope = Scope::tenant(sample.tenantid).mode(sample.livemode);
        let key = InboxKey::new(&scope, &self.listener, event, None);
        let store = &self.talaria.platform.ports().store;
        store.get(key.key(), Consistency::Strong).await.expect("a read")
    }

    async fn state(&self) -> Option<State> {
        self.inbox(self.event().id).await.map(|row| row.state)
    }

    /// Everything stored, by table and key. Only a test may scan.
    async fn stored(&self) -> Stored {
        let client = self.talaria.dynamodb();
        let tables = client.list_tables().send().await.expect("tables").table_names.expect("some");
        let mut stored = Stored::new();
        for table in tables {
            let page = client.scan().table_name(&table).send().await.expect("rows");
            for item in page.items() {
                let key = format!("{table} {:?} {:?}", item.get("pk"), item.get("sk"));
                stored.insert(key, item.clone());
            }
        }
        stored
    }
}

/// Every item by table and key.
type Stored = BTreeMap<String, HashMap<String, AttributeValue>>;

/// Where two moments differ.
fn changed(before: &Stored, after: &Stored) -> Vec<String> {
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    keys.into_iter().filter(|key| before.get(*key) != after.get(*key)).cloned().collect()
}

#[tokio::test(start_paused = true)]
async fn an_event_heard_twice_has_one_effect() {
    every_listener(async |trial: Trial| {
        let listener = &trial.listener;
        trial.deliver(&trial.message).await;
        assert_eq!(trial.state().await, Some(State::Done), "{listener}");
        let once = trial.stored().await;
        let mut again = trial.message.clone();
        again["Records"][0]["attributes"]["ApproximateReceiveCount"] = "2".into();
        for message in [&trial.message, &again] {
            assert!(trial.deliver(message).await, "{listener}");
            assert_eq!(changed(&once, &trial.stored().await), Vec::<String>::new(), "{listener}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_added_member_is_no_reason_to_refuse_an_event() {
    every_listener(async |trial: Trial| {
        let added = trial.with_event(|event| {
            event["newattribute"] = json!("x");
            event["data"]["new_member"] = json!({ "deep": [1, 2] });
        });
        assert!(trial.deliver(&added).await, "{}", trial.listener);
        assert_eq!(trial.state().await, Some(State::Done), "{}", trial.listener);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_listener_gives_up_is_kept_with_its_cause() {
    every_listener(async |trial: Trial| {
        let listener = &trial.listener;
        let kind = trial.event().kind;
        let unknown = trial.with_event(|event| {
            event["dataschema"] = json!(format!("urn:talaria:event:{kind}:99"));
        });
        assert!(trial.deliver(&unknown).await, "{listener}");
        let row = trial.inbox(trial.event().id).await.expect("an inbox row");
        assert_eq!(row.state, State::Failed, "{listener}");
        assert_eq!(row.last_error_code.as_deref(), Some("unsupported_schema"), "{listener}");
        let backbone = Backbone::of(&catalog::modules()).expect("lanes");
        let dead = &backbone.listener(listener).expect("a hearing").dead_letter_queue;
        let queue = format!("talaria-local-{dead}");
        let buried = trial.talaria.platform.cloud().queues().peek(&queue, 10).expect("a queue");
        assert_eq!(buried.len(), 1, "{listener}");
        let told = format!("{:?}", buried[0].attributes);
        assert!(told.contains("exhausted") && told.contains("unsupported_schema"), "{told}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_asks_for_no_order_takes_a_later_event_first() {
    every_listener(async |trial: Trial| {
        let hears = catalog::modules().into_iter().flat_map(|module| module.rows);
        let row = hears.into_iter().find(|row| row.id == trial.listener).expect("a row");
        let ordered = row.listening().expect("a listener").ordering;
        assert_eq!(
            ordered,
            events::Ordering::None,
            "ordered listeners are tried in the simulation"
        );
        let later_id = EventId::from_bytes([2; 16]);
        let later = trial.with_event(|event| {
            event["id"] = json!(later_id.to_string());
            event["sequence"] = json!(format!("{:020}", 2));
        });
        for message in [&later, &trial.message] {
            assert!(trial.deliver(message).await, "{}", trial.listener);
        }
        let settled = |row: Option<InboxRow>| row.map(|row| row.state) == Some(State::Done);
        assert!(settled(trial.inbox(later_id).await), "{}", trial.listener);
        assert!(settled(trial.inbox(trial.event().id).await), "{}", trial.listener);
    })
    .await;
}
