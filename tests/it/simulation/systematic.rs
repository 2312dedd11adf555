//! Every harm at every place of a short story, and pairs of them.

use local::connector::Call;
use local::fault::{DeliveryFault, Fault};

use super::drive::Life;
use super::harm::Harm;

/// Functions that look at every shard of an index, and how many looks are harmed.
const SWEEPS: [&str; 2] = ["platform.relay_sweep", "platform.on_due"];
const LOOKS_MAX: u64 = 4;

/// Kinds of harm to a call; a delay long enough to outlive a claim of the relay.
const OF_CALLS: [Fault; 10] = with_long_delay(Fault::ALL);

const fn with_long_delay(mut all: [Fault; 10]) -> [Fault; 10] {
    let mut at = 0;
    while at < all.len() {
        if let Fault::Delay(_) = all[at] {
            all[at] = Fault::Delay(17_000);
        }
        at += 1;
    }
    all
}

/// Every harm that changes anything, at every call and every delivery of a life.
pub fn every_harm(life: &Life) -> Vec<Harm> {
    let mut harms = Vec::new();
    // Calls are numbered as they begin, and the log lists them as they end: what a function calls
    // is the same, in the same order.
    let mut seen = std::collections::BTreeMap::<&str, u64>::new();
    let mut looks = std::collections::BTreeMap::<&str, u64>::new();
    for call in &life.calls {
        let nth = seen.entry(&call.function).or_default();
        *nth += 1;
        if is_look(call) {
            // One shard is like another.
            let looks = looks.entry(&call.function).or_default();
            *looks += 1;
            if *looks > LOOKS_MAX {
                continue;
            }
        }
        let kinds = OF_CALLS.into_iter().filter(|kind| matters(*kind, call));
        harms.extend(kinds.map(|kind| Harm::CallOf(call.function.clone(), *nth, kind)));
    }
    for nth in 1..=life.deliveries {
        harms.extend(DeliveryFault::ALL.map(|kind| Harm::Delivery(nth, kind)));
    }
    harms
}

/// A sweep looking at one of its shards.
fn is_look(call: &Call) -> bool {
    SWEEPS.contains(&call.function.as_str()) && call.operation == "Query"
}

/// Whether this harm does anything to this call.
fn matters(kind: Fault, call: &Call) -> bool {
    let operation = call.operation.as_str();
    match kind {
        Fault::Conflict => operation.starts_with("Transact") || operation.ends_with("Item"),
        Fault::Duplicate => operation.starts_with("Publish") || operation.starts_with("Send"),
        Fault::EntryRefused(_) => operation.contains("Batch"),
        Fault::StaleIndex => is_look(call),
        _ => true,
    }
}
