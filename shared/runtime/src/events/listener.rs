//! Event batches: one SQS message is one event; each item succeeds, waits or fails alone.
//!
//! An item walks one way ([`attempt`]): what the rows say of it ([`admission`]), the handler, what
//! becomes of it ([`conclusion`]), and what that means for its message ([`message`]).

mod admission;
mod attempt;
mod conclusion;
mod gap;
mod inline;
mod item;
mod message;

pub(crate) use inline::run_inline;

use std::collections::HashMap;
use std::time::Duration;

use lambda_http::aws_lambda_events::sqs::SqsMessage;
use serde::Deserialize;
use serde_json::json;
use store::planted::{self, Bug};

use crate::module::function::{Function, InvocationFailed, Meta};
use crate::module::handler::ListenerHandler;
use item::Item;

#[derive(Deserialize)]
struct Batch {
    #[serde(rename = "Records")]
    records: Vec<SqsMessage>,
}

/// Handles a batch and names the items that have to come back. After an item of a FIFO group that is
/// not done with, the rest of its group comes back too, and at the same time: a queue hands nothing of
/// a group out while any of it is in flight. Other groups go on.
pub(crate) async fn serve(
    function: &Function,
    handler: &ListenerHandler,
    event: &str,
    meta: &Meta,
) -> Result<String, InvocationFailed> {
    let Some(listening) = function.row.listening() else {
        return Err(InvocationFailed("this function is no listener".to_owned()));
    };
    let batch: Batch = serde_json::from_str(event)
        .map_err(|fault| InvocationFailed(format!("not an SQS event: {fault}")))?;
    let slowest = Duration::from_millis(u64::from(listening.item_budget_ms));
    let mut failures = Vec::new();
    let mut stopped: HashMap<&str, Option<u32>> = HashMap::new();
    let mut behind: Vec<(&SqsMessage, u32)> = Vec::new();
    for message in &batch.records {
        let item = Item { function, listening, handler, message };
        let group = item.group().filter(|_| item.is_fifo());
        let left = meta.deadline.since(function.ports.clock.now());
        let comes_back = match group.and_then(|group| stopped.get(group)) {
            Some(seconds) => {
                behind.extend(seconds.map(|seconds| (message, seconds)));
                Some(*seconds)
            }
            None if left < slowest * 2 => Some(None),
            None => item.handle(meta).await.map(Some),
        };
        if let Some(seconds) = comes_back {
            failures.push(json!({ "itemIdentifier": message.message_id }));
            let group = group.filter(|_| !planted::is(Bug::BatchGoesOn));
            stopped.extend(group.map(|group| (group, seconds)));
        }
    }
    message::hide_behind(function, &behind).await;
    Ok(json!({ "batchItemFailures": failures }).to_string())
}
