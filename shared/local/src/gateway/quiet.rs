//! Waiting until a platform has nothing left to do.

use crate::Cloud;
use crate::lambda::Functions;
use crate::mapping::Mappings;

/// What can be at work: relay, queues, listeners.
#[derive(Clone)]
pub struct Quiet {
    cloud: Cloud,
    mappings: Mappings,
    functions: Functions,
}

impl Quiet {
    /// The quiet of these mappings and functions, on this cloud.
    pub fn of(cloud: &Cloud, mappings: &Mappings, functions: &Functions) -> Self {
        Self { cloud: cloud.clone(), mappings: mappings.clone(), functions: functions.clone() }
    }

    /// Resolves when nothing runs and nothing is due now. What is hidden or delayed until later is
    /// not waited for. Never sleeps.
    pub async fn settle(&self) {
        loop {
            self.mappings.quiesce().await;
            self.functions.quiet().await;
            if self.mappings.is_idle() {
                return;
            }
        }
    }

    /// As [`settle`](Self::settle), and then for what is hidden or delayed, until every queue is empty;
    /// dead letters are left.
    pub async fn drain(&self) {
        loop {
            self.settle().await;
            let queues = self.cloud.queues();
            let names = queues.names().into_iter().filter(|name| !name.ends_with("-dlq"));
            let Some(due_ms) = names.filter_map(|name| queues.next_due_ms(&name)).min() else {
                return;
            };
            self.cloud.clock().sleep_until(due_ms).await;
        }
    }
}
