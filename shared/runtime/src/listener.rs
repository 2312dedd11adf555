//! Event batches: one SQS message is one event; each item succeeds, waits or fails alone.
//!
//! An item walks one way: what the rows say of it ([`admission`]), the handler, what becomes of it
//! ([`conclusion`]), and what that means for its message ([`message`]).

mod admission;
mod conclusion;
mod delivery;
mod gap;
mod inline;
mod item;
mod message;

pub(crate) use delivery::Delivery;
pub(crate) use inline::run_inline;

use std::time::Duration;

use lambda_http::aws_lambda_events::sqs::SqsMessage;
use serde::Deserialize;
use serde_json::json;
use store::planted::{self, Bug};

use crate::entry::ListenerHandler;
use crate::function::{Function, InvocationFailed, Meta};
use item::Item;

#[derive(Deserialize)]
struct Batch {
    #[serde(rename = "Records")]
    records: Vec<SqsMessage>,
}

/// Handles a batch and names the items that have to come back. After an item of a FIFO group that is
/// not done with, the rest of its group comes back too; other groups go on.
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
    let mut stopped_groups: Vec<String> = Vec::new();
    for message in &batch.records {
        let item = Item { function, listening, handler, message };
        let left = meta.deadline.since(function.ports.clock.now());
        let group = item.group().filter(|_| item.is_fifo()).map(str::to_owned);
        let stopped = group.as_ref().is_some_and(|group| stopped_groups.contains(group));
        if stopped || left < slowest * 2 || !item.handle(meta).await {
            failures.push(json!({ "itemIdentifier": message.message_id }));
            stopped_groups.extend(group.filter(|_| !planted::is(Bug::BatchGoesOn)));
        }
    }
    Ok(json!({ "batchItemFailures": failures }).to_string())
}
