//! Faults by number, to write down and to run again.

use serde::{Deserialize, Serialize};

use super::{DeliveryFault, Fault};

/// Which faults happen at which call and at which delivery of a run, counted from 1. Take entries
/// out to find out which of them matter; keep it as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// (number of the call, what happens to it)
    #[serde(default)]
    pub calls: Vec<(u64, Fault)>,
    /// (number of the delivery, what happens to it)
    #[serde(default)]
    pub deliveries: Vec<(u64, DeliveryFault)>,
}
