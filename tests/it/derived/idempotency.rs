//! What is asked for twice is done once: requests with a key, requests that say so, orders of operators.
//! Each that succeeded is sent again when its journey is over, exactly as its function was given it.

use std::collections::BTreeSet;

use contracts::{Idempotency, Spec};
use local::lambda::Invoked;
use runtime::{Row, Trigger};
use serde_json::{Value, json};

use super::recording::{Performance, all};
use super::scene::{header, is_keyed, is_success, journey_of, row, rows, text};
use crate::talaria::Talaria;

/// How long the answer to a key is kept, in milliseconds: two days, less what the journey takes.
const KEPT_MS: i64 = 47 * 3_600 * 1_000;

/// What a repeated call promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Promise {
    /// The stored answer of the first call, and nothing else.
    Key,
    /// The work is found done.
    Natural,
    /// The report of the order as it was carried out, or that nothing is left to do.
    Order,
}

impl Promise {
    fn of(row: &Row, event: &Value) -> Option<Self> {
        match &row.trigger {
            Trigger::Http(spec) if is_keyed(spec, event) => Some(Self::Key),
            Trigger::Http(spec) if spec.idempotency == Idempotency::Natural => Some(Self::Natural),
            Trigger::Operator(spec) if spec.changes && event["confirmed"] == true => {
                Some(Self::Order)
            }
            _ => None,
        }
    }
}

/// A call and what it came to when it was made once more.
pub struct Repeat {
    id: &'static str,
    promise: Promise,
    first: Value,
    again: Value,
    /// Rows that the repetition changed.
    changed: Vec<String>,
    /// Other requests under the same key, and their answers.
    others: Vec<Value>,
    /// Rows that those changed.
    changed_by_others: Vec<String>,
}

/// Makes every call that promises something about its repetition once more.
pub async fn repeat(talaria: &Talaria, performance: &Performance) -> Vec<Repeat> {
    let mut repeats = Vec::new();
    let oldest_ms = talaria.clock().now_ms() - KEPT_MS;
    for (n, invoked) in performance.invoked.iter().enumerate() {
        let Some(row) = row(invoked.function) else { continue };
        let Some(promise) = Promise::of(row, &invoked.event) else { continue };
        if is_success(performance, row, invoked) && invoked.at_ms > oldest_ms {
            repeats.push(once_more(talaria, row.id, promise, invoked, n).await);
        }
    }
    repeats
}

async fn once_more(
    talaria: &Talaria,
    id: &'static str,
    promise: Promise,
    invoked: &Invoked,
    n: usize,
) -> Repeat {
    let event = from_elsewhere(&invoked.event, n);
    let first = match promise {
        // What has happened since is part of what is found.
        Promise::Natural => call(talaria, id, &event).await,
        Promise::Key | Promise::Order => invoked.answer.clone().expect("a success"),
    };
    let before = talaria.dump();
    let again = call(talaria, id, &event).await;
    let after = talaria.dump();
    let mut others = Vec::new();
    if promise == Promise::Key {
        for other in variants(&event) {
            others.push(call(talaria, id, &other).await);
        }
    }
    let changed = before.changes_until(&after);
    let changed_by_others = after.changes_until(&talaria.dump());
    Repeat { id, promise, first, again, changed, others, changed_by_others }
}

async fn call(talaria: &Talaria, id: &str, event: &Value) -> Value {
    let answer = talaria.invoke(id, event.clone()).await.expect("the function answers");
    talaria.settle().await;
    answer
}

/// The same request from a network of its own: limits count by network.
pub fn from_elsewhere(event: &Value, n: usize) -> Value {
    let mut event = event.clone();
    if let Some(address) = event.pointer_mut("/requestContext/http/sourceIp") {
        *address = json!(format!("198.18.{}.{}", n / 256 % 256, n % 256));
    }
    event
}

/// The request with another value in its body, one for each value there is.
fn variants(event: &Value) -> Vec<Value> {
    let body: Value = serde_json::from_str(text(event, "/body")).unwrap_or(Value::Null);
    let members: Vec<String> =
        body.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    let other = |name: &String| {
        let mut body = body.clone();
        body[name] = match &body[name] {
            Value::String(text) => json!(format!("{text}x")),
            Value::Number(number) => json!(number.as_i64().unwrap_or_default() + 1),
            Value::Bool(flag) => json!(!flag),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        let mut event = event.clone();
        event["body"] = json!(body.to_string());
        Some(event)
    };
    members.iter().filter_map(other).collect()
}

fn repeats(promise: Promise) -> Vec<&'static Repeat> {
    let all = all().into_iter().flat_map(|performance| &performance.repeats);
    all.filter(|repeat| repeat.promise == promise).collect()
}

/// Fails where an entry with the promise was never repeated after a success.
fn covered<'a>(repeats: &[&Repeat], promised: impl Iterator<Item = &'a str>) {
    let seen: BTreeSet<&str> = repeats.iter().map(|repeat| repeat.id).collect();
    let missing: Vec<String> = promised
        .filter(|id| !seen.contains(id))
        .map(|id| format!("{id} is never repeated: let it succeed in {}", journey_of(id)))
        .collect();
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

fn promised(idempotency: Idempotency) -> impl Iterator<Item = &'static str> {
    let specs = super::scene::endpoints();
    specs.filter(move |spec: &Spec| spec.idempotency == idempotency).map(|spec| spec.id)
}

/// What a client compares: status, version, body.
fn seen(answer: &Value) -> (Value, &str, &str) {
    (answer["statusCode"].clone(), header(answer, "etag"), text(answer, "/body"))
}

#[test]
fn a_keyed_request_sent_again_is_answered_as_it_was_and_does_nothing() {
    let repeats = repeats(Promise::Key);
    covered(&repeats, promised(Idempotency::Key));
    for repeat in repeats {
        assert_eq!(seen(&repeat.again), seen(&repeat.first), "{}", repeat.id);
        assert_eq!(header(&repeat.again, "idempotent-replayed"), "true", "{}", repeat.id);
        assert_eq!(repeat.changed, Vec::<String>::new(), "{}", repeat.id);
    }
}

#[test]
fn another_request_under_a_used_key_is_refused() {
    let repeats = repeats(Promise::Key);
    covered(&repeats, promised(Idempotency::Key));
    for repeat in repeats {
        let codes: Vec<(u64, String)> = repeat
            .others
            .iter()
            .map(|answer| {
                let code = text(&super::scene::json(answer), "/error/code").to_owned();
                (answer["statusCode"].as_u64().unwrap_or_default(), code)
            })
            .collect();
        let reused = (400, "idempotency_key_reused".to_owned());
        assert!(codes.contains(&reused), "{}: {codes:?}", repeat.id);
        assert!(codes.iter().all(|(status, _)| *status >= 400), "{}: {codes:?}", repeat.id);
        assert_eq!(repeat.changed_by_others, Vec::<String>::new(), "{}", repeat.id);
    }
}

#[test]
fn a_natural_request_finds_the_work_done_and_answers_alike() {
    let mut repeats = repeats(Promise::Natural);
    let done = |repeat: &&Repeat| repeat.first["statusCode"].as_u64().is_some_and(|it| it < 300);
    repeats.retain(done);
    covered(&repeats, promised(Idempotency::Natural));
    for repeat in repeats {
        assert_eq!(seen(&repeat.again), seen(&repeat.first), "{}", repeat.id);
        assert_eq!(repeat.changed, Vec::<String>::new(), "{}", repeat.id);
    }
}

#[test]
fn an_order_given_again_does_nothing() {
    let repeats = repeats(Promise::Order);
    let changing =
        rows().iter().filter(|row| matches!(&row.trigger, Trigger::Operator(spec) if spec.changes));
    covered(&repeats, changing.map(|row| row.id));
    for repeat in repeats {
        let nothing_left = repeat.again.pointer("/done/steps") == Some(&json!([]));
        assert!(repeat.again == repeat.first || nothing_left, "{}: {}", repeat.id, repeat.again);
        assert_eq!(repeat.changed, Vec::<String>::new(), "{}", repeat.id);
    }
}
