//! What is planned for a later time.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use super::ScheduleAddress;

/// One plan.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct ScheduleLine {
    /// `schedule run` and `schedule cancel` take it; only scheduled events have one.
    pub schedule: Option<ScheduleAddress>,
    /// `scheduled`, `redelivery` or `replay`.
    pub kind: String,
    pub due_at: Timestamp,
    /// What will happen, in words.
    pub what: String,
}

/// One scheduled event.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleChoice {
    pub schedule: ScheduleAddress,
}
