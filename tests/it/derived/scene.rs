//! One recorded invocation, read: what was asked, what was answered, whether it is a success.

use std::sync::LazyLock;

use contracts::{Idempotency, Method, Spec};
use events::Envelope;
use local::lambda::Invoked;
use runtime::{Row, Trigger};
use serde_json::Value;

use super::recording::{Performance, all};

/// The rows of all module tables.
pub fn rows() -> &'static [Row] {
    static ROWS: LazyLock<Vec<Row>> =
        LazyLock::new(|| catalog::modules().into_iter().flat_map(|module| module.rows).collect());
    &ROWS
}

/// The endpoints of all modules.
pub fn endpoints() -> impl Iterator<Item = Spec> {
    rows().iter().filter_map(|row| row.http().copied())
}

/// Where the journey of an entry's module is written.
pub fn journey_of(id: &str) -> String {
    let module = id.split_once('.').map_or(id, |(module, _)| module);
    format!("tests/it/journeys/{module}.rs")
}

/// A recorded invocation of one of the modules' functions.
#[derive(Clone, Copy)]
pub struct Scene {
    pub performance: &'static Performance,
    pub row: &'static Row,
    pub invoked: &'static Invoked,
}

/// Every scene of every journey.
pub fn scenes() -> Vec<Scene> {
    let scenes = all().into_iter().flat_map(|performance| {
        performance.invoked.iter().filter_map(move |invoked| {
            Some(Scene { performance, row: row(invoked.function)?, invoked })
        })
    });
    scenes.collect()
}

/// The row of this id, where it is one of the modules'.
pub fn row(id: &str) -> Option<&'static Row> {
    rows().iter().find(|row| row.id == id)
}

/// The words of an event of the HTTP API.
pub fn text<'a>(event: &'a Value, pointer: &str) -> &'a str {
    event.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A header of an event, or of an answer, of the HTTP API.
pub fn header<'a>(message: &'a Value, name: &str) -> &'a str {
    text(message, &format!("/headers/{name}"))
}

/// The body of an answer as JSON; null where it is none.
pub fn json(answer: &Value) -> Value {
    serde_json::from_str(text(answer, "/body")).unwrap_or(Value::Null)
}

/// Whether this is what the entry is for, done.
pub fn is_success(performance: &Performance, row: &Row, invoked: &Invoked) -> bool {
    let Ok(answer) = &invoked.answer else { return false };
    match &row.trigger {
        Trigger::Http(spec) => is_served(spec, answer),
        Trigger::Call(_) => answer.get("ok").is_some(),
        Trigger::Operator(spec) => match spec.changes {
            true => answer.pointer("/done/done") == Some(&Value::Bool(true)),
            false => answer.get("done").is_some(),
        },
        Trigger::Listener(_) => envelopes(&invoked.event)
            .iter()
            .any(|event| performance.outcome(row.id, &event.id.to_string()) == Some("done")),
        Trigger::Job | Trigger::Stream { .. } => is_taken(answer),
        Trigger::Schedule(_) | Trigger::Authorizer | Trigger::Socket(_) => true,
    }
}

/// The status the contract promises; what answers where nothing is says so by a code of its own.
fn is_served(spec: &Spec, answer: &Value) -> bool {
    if spec.method == Method::Any {
        return refuses_with(spec, text(&json(answer), "/error/code"));
    }
    answer["statusCode"] == spec.success.status()
}

/// Whether the contract names a problem of this code.
pub fn refuses_with(spec: &Spec, code: &str) -> bool {
    spec.refuses.iter().any(|problem| problem.code() == code)
}

/// Whether a batch is done with, all of it.
pub fn is_taken(answer: &Value) -> bool {
    answer["batchItemFailures"].as_array().is_some_and(Vec::is_empty)
}

/// The events in a batch of messages.
pub fn envelopes(batch: &Value) -> Vec<Envelope> {
    let records = batch["Records"].as_array().into_iter().flatten();
    records.filter_map(|record| Envelope::parse(record["body"].as_str()?).ok()).collect()
}

impl Scene {
    pub fn is_success(&self) -> bool {
        is_success(self.performance, self.row, self.invoked)
    }

    /// The contract, where the function serves one.
    pub fn spec(&self) -> Option<Spec> {
        self.row.http().copied()
    }
}

/// Whether the request carries a key that its endpoint honours.
pub fn is_keyed(spec: &Spec, event: &Value) -> bool {
    spec.idempotency == Idempotency::Key && !header(event, "idempotency-key").is_empty()
}
