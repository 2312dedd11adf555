//! Event source mappings: messages of queues and records of streams become invocations, dispatched
//! by notification (Lambda Developer Guide, "Using Lambda with Amazon SQS", "… Amazon DynamoDB").

mod activity;
mod limits;
mod pattern;
mod payload;
mod queue;
mod stream;

#[cfg(test)]
mod chaos_tests;
#[cfg(test)]
mod tests;

pub use stream::Discarded;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::Cloud;
use activity::Activity;
use pattern::Pattern;

/// Runs functions. The local Lambda is one; a test's closure is another.
pub trait Invoker: Send + Sync {
    /// Runs `function` on an event and returns what it returned.
    fn invoke(
        &self,
        function: &str,
        event: Value,
    ) -> BoxFuture<'static, Result<Value, InvokeError>>;
}

/// Why an invocation gave no result. Its whole batch counts as failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    /// The function returned an error; its words.
    #[error("the function failed: {0}")]
    Failed(String),
    /// The function ran longer than its timeout.
    #[error("the function timed out")]
    TimedOut,
    /// The function was ended from outside.
    #[error("the function crashed")]
    Crashed,
}

/// From a queue to a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueMapping {
    /// Queue name.
    pub queue: String,
    /// Function id.
    pub function: String,
    /// Most messages per event, 1–10 (more would need a batching window, which the house does not
    /// use).
    pub batch_size: usize,
    /// `MaximumConcurrency`: most invocations at once, up to 1,000. AWS takes 2 at least; 1 is
    /// allowed here, for asking whether something depends on it.
    pub maximum_concurrency: usize,
    /// `ReportBatchItemFailures`: the function names the messages that failed.
    pub partial_failures: bool,
}

/// From a table's stream to a function.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamMapping {
    /// Table name.
    pub table: String,
    /// Function id.
    pub function: String,
    /// Most records per event, 1–1,000.
    pub batch_size: usize,
    /// `ParallelizationFactor`, 1–10: how many batches at once; records of one item stay in order.
    pub parallelization: usize,
    /// Filter pattern over the record, as in `FilterCriteria`; `None` takes every record.
    pub filter: Option<Value>,
    /// `MaximumRetryAttempts`, up to 10,000: how often a record is tried again before it is
    /// dropped.
    pub retries: u32,
    /// `MaximumRecordAgeInSeconds` in milliseconds, one minute to seven days, counted from the
    /// write (which the stream tells to the second).
    pub max_age_ms: i64,
    /// `BisectBatchOnFunctionError`: a failed batch is split and each half tried on its own.
    pub bisect: bool,
    /// `ReportBatchItemFailures`: the function names the records that failed.
    pub partial_failures: bool,
}

/// Why a mapping was refused.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// No such queue.
    #[error("function {function} is mapped to queue {queue}, which does not exist")]
    NoQueue {
        /// Function id.
        function: String,
        /// Queue name.
        queue: String,
    },
    /// No such table, or one without a stream.
    #[error("function {function} is mapped to the stream of table {table}, which has none")]
    NoStream {
        /// Function id.
        function: String,
        /// Table name.
        table: String,
    },
    /// A number outside of what AWS takes.
    #[error("function {function} is mapped with {setting} {given}; it must be within {range}")]
    OutOfRange {
        /// Function id.
        function: String,
        /// The setting.
        setting: &'static str,
        /// Its value.
        given: i64,
        /// What is allowed.
        range: &'static str,
    },
    /// The filter pattern is not one.
    #[error("the filter of function {function} is not a pattern: {reason}")]
    BadFilter {
        /// Function id.
        function: String,
        /// What is wrong.
        reason: String,
    },
}

/// The mappings of one cloud. Clones share them; they run on the tokio runtime they were made in
/// until `stop`.
#[derive(Clone)]
pub struct Mappings {
    inner: Arc<Inner>,
}

struct Inner {
    cloud: Cloud,
    invoker: Arc<dyn Invoker>,
    activity: Arc<Activity>,
    mapped: Mutex<Vec<Mapped>>,
    discarded: Arc<Mutex<Vec<Discarded>>>,
}

struct Mapped {
    function: String,
    enabled: watch::Sender<bool>,
    is_idle: Box<dyn Fn() -> bool + Send + Sync>,
    task: JoinHandle<()>,
}

impl Mappings {
    /// No mappings yet; those added will invoke `invoker`.
    pub fn new(cloud: &Cloud, invoker: Arc<dyn Invoker>) -> Self {
        let inner = Inner {
            cloud: cloud.clone(),
            invoker,
            activity: Arc::default(),
            mapped: Mutex::default(),
            discarded: Arc::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Maps a queue and starts at once. Refuses a queue that does not exist and numbers out of
    /// range.
    pub fn map_queue(&self, mapping: QueueMapping) -> Result<(), MappingError> {
        mapping.check()?;
        let queues = self.inner.cloud.queues();
        let bell = queues.bell(&mapping.queue).ok_or_else(|| MappingError::NoQueue {
            function: mapping.function.clone(),
            queue: mapping.queue.clone(),
        })?;
        let enabled = watch::channel(true).0;
        let is_idle = {
            let (queues, queue) = (queues.clone(), mapping.queue.clone());
            let enabled = enabled.subscribe();
            Box::new(move || !*enabled.borrow() || !queues.has_receivable(&queue))
        };
        let function = mapping.function.clone();
        let dispatcher = queue::Dispatcher {
            mapping,
            queues: queues.clone(),
            clock: self.inner.cloud.clock().clone(),
            faults: self.inner.cloud.faults().clone(),
            invoker: self.inner.invoker.clone(),
            activity: self.inner.activity.clone(),
            enabled: enabled.subscribe(),
            bell,
        };
        let task = tokio::spawn(dispatcher.run());
        self.mapped().push(Mapped { function, enabled, is_idle, task });
        Ok(())
    }

    /// Maps a stream and starts at once, after the last record handled before a restart, or with
    /// the oldest record kept. Refuses a table without a stream, a filter that is no pattern and
    /// numbers out of range.
    pub fn map_stream(&self, mapping: StreamMapping) -> Result<(), MappingError> {
        mapping.check()?;
        let tables = self.inner.cloud.tables();
        if tables.stream_after(&mapping.table, None, 1).is_err() {
            let (function, table) = (mapping.function, mapping.table);
            return Err(MappingError::NoStream { function, table });
        }
        let filter = mapping.filter.as_ref().map(Pattern::parse).transpose();
        let filter = filter.map_err(|reason| MappingError::BadFilter {
            function: mapping.function.clone(),
            reason,
        })?;
        let enabled = watch::channel(true).0;
        let function = mapping.function.clone();
        let reader = stream::Reader::new(
            mapping,
            filter,
            &self.inner.cloud,
            self.inner.invoker.clone(),
            self.inner.activity.clone(),
            self.inner.discarded.clone(),
            enabled.subscribe(),
        );
        let is_idle = Box::new(reader.idle_check());
        let task = tokio::spawn(reader.run());
        self.mapped().push(Mapped { function, enabled, is_idle, task });
        Ok(())
    }

    /// Switches every mapping of a function off or on again. What is in flight ends; what comes
    /// meanwhile waits.
    pub fn enable(&self, function: &str, enabled: bool) {
        for mapped in self.mapped().iter().filter(|mapped| mapped.function == function) {
            mapped.enabled.send_replace(enabled);
        }
        self.inner.activity.changed();
    }

    /// Resolves when nothing is in flight and nothing is due now in any enabled mapping. Messages
    /// that are delayed or hidden until later do not count: move the clock to reach them.
    pub async fn quiesce(&self) {
        let mut changes = self.inner.activity.subscribe();
        loop {
            changes.mark_unchanged();
            if self.is_idle() {
                return;
            }
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Whether `quiesce` would resolve at once.
    pub fn is_idle(&self) -> bool {
        self.inner.activity.in_flight() == 0
            && self.mapped().iter().all(|mapped| (mapped.is_idle)())
    }

    /// Stream records given up after their retries or their age, oldest first.
    pub fn discarded(&self) -> Vec<Discarded> {
        self.inner.discarded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends every mapping. Invocations in flight run on.
    pub fn stop(&self) {
        for mapped in self.mapped().drain(..) {
            mapped.task.abort();
        }
        self.inner.activity.changed();
    }

    fn mapped(&self) -> MutexGuard<'_, Vec<Mapped>> {
        self.inner.mapped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
