//! What every function owes that is given messages: what comes twice is done once; what a listener cannot
//! read it keeps with its cause; what is added to an event is no reason to refuse it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use events::{Envelope, Ordering};
use kernel::EventId;
use local::lambda::Invoked;
use runtime::{Row, Trigger};
use serde_json::{Value, json};
use store::Scope;
use store::inbox::{InboxKey, InboxRow, State};

use super::recording::{Performance, all};
use super::scene::{envelopes, is_success, is_taken, journey_of, row, rows};
use crate::talaria::Talaria;

/// How long a queue keeps a message, in milliseconds, at the least.
const KEPT_MS: i64 = 4 * 24 * 3_600 * 1_000;

/// How long a listener waits at most until the entity of an event has been quiet.
const QUIET: Duration = Duration::from_secs(3_600);

/// A batch that was handed over once more.
pub struct Redelivery {
    id: &'static str,
    answer: Value,
    /// Rows that it changed.
    changed: Vec<String>,
}

/// Hands every batch that was done with over once more.
pub async fn deliver_again(talaria: &Talaria, performance: &Performance) -> Vec<Redelivery> {
    let mut redeliveries = Vec::new();
    let oldest_ms = talaria.clock().now_ms() - KEPT_MS;
    for invoked in &performance.invoked {
        let Some(row) = row(invoked.function).filter(|row| is_given_batches(row)) else { continue };
        let done = invoked.answer.as_ref().is_ok_and(is_taken);
        if !done || invoked.at_ms < oldest_ms {
            continue;
        }
        let before = talaria.dump();
        let answer = talaria.invoke(row.id, again(&invoked.event)).await;
        talaria.settle().await;
        let (answer, changed) = (answer.unwrap_or_default(), before.changes_until(&talaria.dump()));
        redeliveries.push(Redelivery { id: row.id, answer, changed });
    }
    redeliveries
}

fn is_given_batches(row: &Row) -> bool {
    matches!(row.trigger, Trigger::Listener(_) | Trigger::Job | Trigger::Stream { .. })
}

/// The batch as a queue hands it over the second time.
fn again(batch: &Value) -> Value {
    let mut batch = batch.clone();
    for record in batch["Records"].as_array_mut().into_iter().flatten() {
        if let Some(count) = record.pointer_mut("/attributes/ApproximateReceiveCount") {
            *count = json!("2");
        }
    }
    batch
}

#[test]
fn what_comes_twice_is_done_once() {
    let mut seen = BTreeSet::new();
    for redelivery in all().into_iter().flat_map(|performance| &performance.redeliveries) {
        let Redelivery { id, answer, changed } = redelivery;
        assert!(is_taken(answer), "{id}: {answer}");
        assert_eq!(*changed, Vec::<String>::new(), "{id}");
        seen.insert(*id);
    }
    for row in rows().iter().filter(|row| is_given_batches(row)) {
        let id = row.id;
        assert!(seen.contains(id), "{id} is given nothing twice: use it in {}", journey_of(id));
    }
}

/// What became of events that differ from a recorded one in a way that a listener must cope with.
pub struct Trial {
    listener: &'static str,
    /// With members nobody has declared.
    added: Option<State>,
    /// Two of one entity, the later first, where order was not asked for.
    out_of_order: Option<[Option<State>; 2]>,
    /// Of a major version nobody understands: its inbox row, and its dead letter.
    unknown: Option<InboxRow>,
    buried: Vec<String>,
}

/// Tries every listener with events like the first it was done with.
pub async fn try_each(talaria: &Talaria, performance: &Performance) -> Vec<Trial> {
    let mut first: BTreeMap<&'static str, &Invoked> = BTreeMap::new();
    for invoked in &performance.invoked {
        let heard = row(invoked.function).filter(|row| row.listening().is_some());
        let Some(row) = heard.filter(|row| is_success(performance, row, invoked)) else { continue };
        first.entry(row.id).or_insert(invoked);
    }
    let mut trials = Vec::new();
    for (listener, invoked) in first {
        let event = envelopes(&invoked.event).into_iter().next().expect("an event");
        trials.push(Trying { talaria, listener, event }.all().await);
    }
    trials
}

/// A listener and an event it was done with.
struct Trying<'a> {
    talaria: &'a Talaria,
    listener: &'static str,
    event: Envelope,
}

impl Trying<'_> {
    async fn all(&self) -> Trial {
        let ordered = row(self.listener).and_then(Row::listening).map(|heard| heard.ordering);
        let added = self.next(1, |event| {
            event["newattribute"] = json!("x");
            event["data"]["new_member"] = json!({ "deep": [1, 2] });
        });
        let added = self.state_after(&added).await;
        let (earlier, later) = (self.next(2, |_| {}), self.next(3, |_| {}));
        let out_of_order = match ordered {
            Some(Ordering::None) => {
                let later = self.state_after(&later).await;
                Some([later, self.state_after(&earlier).await])
            }
            _ => None,
        };
        let unknown = self.next(2, |event| {
            let schema = format!("urn:talaria:event:{}:99", self.event.kind);
            event["dataschema"] = json!(schema);
            event["id"] = json!(EventId::from_bytes([99; 16]).to_string());
        });
        let letters = self.talaria.dead_letters(self.listener).len();
        let unknown = self.row_after(&unknown).await;
        let buried = self.talaria.dead_letters(self.listener).into_iter().skip(letters);
        let buried = buried.map(|letter| format!("{:?}", letter.attributes)).collect();
        Trial { listener: self.listener, added, out_of_order, unknown, buried }
    }

    /// An event of the same entity that comes so many after the recorded one.
    fn next(&self, steps: u64, change: impl Fn(&mut Value)) -> Value {
        let mut event = serde_json::to_value(&self.event).expect("JSON");
        let id = EventId::new(self.event.id.created_at(), [steps as u8; 10]);
        event["id"] = json!(id.to_string());
        event["sequence"] = json!(format!("{:020}", self.event.sequence_number() + steps));
        change(&mut event);
        event
    }

    async fn state_after(&self, event: &Value) -> Option<State> {
        self.row_after(event).await.map(|row| row.state)
    }

    async fn row_after(&self, event: &Value) -> Option<InboxRow> {
        self.talaria.deliver(self.listener, &[&event.to_string()]).await;
        self.talaria.settle().await;
        let id = event["id"].as_str().and_then(|id| id.parse().ok()).expect("an event id");
        let scope = Scope::tenant(self.event.tenantid).mode(self.event.livemode);
        let inbox = InboxKey::new(&scope, self.listener, id, None);
        let row = self.talaria.row(inbox.key()).await;
        if row.is_some() {
            return row;
        }
        // A listener may wait until its entity has been quiet.
        self.talaria.pass(QUIET).await;
        self.talaria.row(inbox.key()).await
    }
}

fn trials() -> Vec<&'static Trial> {
    let trials: Vec<&Trial> =
        all().into_iter().flat_map(|performance| &performance.trials).collect();
    for row in rows().iter().filter(|row| row.listening().is_some()) {
        let tried = trials.iter().any(|trial| trial.listener == row.id);
        assert!(tried, "{} is never done with an event: use it in {}", row.id, journey_of(row.id));
    }
    trials
}

fn is_settled(state: Option<State>) -> bool {
    matches!(state, Some(State::Done | State::Skipped))
}

#[test]
fn an_added_member_is_no_reason_to_refuse_an_event() {
    for trial in trials() {
        assert!(is_settled(trial.added), "{}: {:?}", trial.listener, trial.added);
    }
}

#[test]
fn a_listener_that_asks_for_no_order_takes_a_later_event_first() {
    for trial in trials() {
        let states = trial.out_of_order.into_iter().flatten();
        states.for_each(|state| assert!(is_settled(state), "{}: {state:?}", trial.listener));
    }
}

#[test]
fn what_a_listener_cannot_read_is_kept_with_its_cause() {
    for Trial { listener, unknown, buried, .. } in trials() {
        let row = unknown.as_ref().unwrap_or_else(|| panic!("{listener} keeps nothing"));
        assert_eq!(row.state, State::Failed, "{listener}");
        assert_eq!(row.last_error_code.as_deref(), Some("unsupported_schema"), "{listener}");
        let [letter] = &buried[..] else { panic!("{listener}: {buried:?}") };
        assert!(letter.contains("exhausted") && letter.contains("unsupported_schema"), "{letter}");
    }
}
