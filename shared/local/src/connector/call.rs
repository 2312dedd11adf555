//! The record of one AWS call, for budgets, traces and the console.

use serde_json::Value;

use crate::aws::Service;
use crate::fault::Fault;

/// One AWS call made within an invocation.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Number of the call within its invocation, from 1.
    pub index: usize,
    /// Function id of the invocation.
    pub function: String,
    /// Request id of the invocation.
    pub request_id: String,
    /// The service called.
    pub service: Service,
    /// The operation, `TransactWriteItems`.
    pub operation: String,
    /// Tables, queue, topic or secret addressed.
    pub targets: Vec<String>,
    /// Partition keys touched (DynamoDB only).
    pub keys: Vec<String>,
    /// How many calls had to finish before this one began, plus one: the highest round of an
    /// invocation is its depth.
    pub round: usize,
    /// When it began, Unix milliseconds of the virtual clock.
    pub at_ms: i64,
    /// Read units the answer states; 0 when the request did not ask for them.
    pub read_units: f64,
    /// Write units the answer states; 0 when the request did not ask for them.
    pub write_units: f64,
    /// The fault injected into it, if any.
    pub fault: Option<Fault>,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Not answered: still under way, or the function gave up or was ended meanwhile.
    Unanswered,
    /// Answered with success.
    Ok,
    /// Answered with this error code.
    Error(String),
    /// Done, but the answer was lost.
    ReplyLost,
    /// The function was ended by an injected crash.
    Crashed,
}

/// Reads the consumed capacity out of a DynamoDB answer as (read units, write units).
pub(super) fn units(operation: &str, body: &[u8]) -> (f64, f64) {
    // Most answers say nothing about it; looking is much cheaper than reading them.
    if !std::str::from_utf8(body).is_ok_and(|text| text.contains("\"ConsumedCapacity\"")) {
        return (0.0, 0.0);
    }
    let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let reads =
        matches!(operation, "GetItem" | "Query" | "Scan" | "BatchGetItem" | "TransactGetItems");
    let mut sum = (0.0, 0.0);
    let entries = match body.get("ConsumedCapacity") {
        Some(Value::Array(entries)) => entries.iter().collect(),
        Some(entry) => vec![entry],
        None => Vec::new(),
    };
    for entry in entries {
        let number = |name: &str| entry.get(name).and_then(Value::as_f64);
        match (number("ReadCapacityUnits"), number("WriteCapacityUnits")) {
            (None, None) if reads => sum.0 += number("CapacityUnits").unwrap_or(0.0),
            (None, None) => sum.1 += number("CapacityUnits").unwrap_or(0.0),
            (read, write) => {
                sum.0 += read.unwrap_or(0.0);
                sum.1 += write.unwrap_or(0.0);
            }
        }
    }
    sum
}
