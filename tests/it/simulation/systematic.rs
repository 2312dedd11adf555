//! Every harm at every place of a short story, and pairs of them.

use local::connector::Call;

use super::drive::Life;
use super::harm::{Harm, OfCall, OfDelivery};

/// Every harm that changes anything, at every call and every delivery of a life.
pub fn every_harm(life: &Life) -> Vec<Harm> {
    let mut harms = Vec::new();
    // Calls are numbered as they begin, and the log lists them as they end: what a function calls
    // is the same, in the same order.
    let mut seen = std::collections::BTreeMap::<&str, u64>::new();
    for call in &life.calls {
        let nth = seen.entry(&call.function).or_default();
        *nth += 1;
        let kinds = OfCall::ALL.into_iter().filter(|kind| matters(*kind, call));
        harms.extend(kinds.map(|kind| Harm::CallOf(call.function.clone(), *nth, kind)));
    }
    for nth in 1..=life.deliveries {
        harms.extend(OfDelivery::ALL.map(|kind| Harm::Delivery(nth, kind)));
    }
    harms
}

/// Whether this harm does anything to this call.
fn matters(kind: OfCall, call: &Call) -> bool {
    let operation = call.operation.as_str();
    match kind {
        OfCall::Conflict => operation.starts_with("Transact") || operation.ends_with("Item"),
        OfCall::Duplicate => operation.starts_with("Publish") || operation.starts_with("Send"),
        OfCall::StaleIndex => operation == "Query" && call.function.ends_with("_sweep"),
        _ => true,
    }
}
