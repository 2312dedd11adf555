//! What the numbers of a mapping may be (Lambda API reference, CreateEventSourceMapping).

use super::{MappingError, QueueMapping, StreamMapping};

/// Largest batch of a queue without a batching window, and of any FIFO queue.
const MAX_QUEUE_BATCH: i64 = 10;

/// `ScalingConfig.MaximumConcurrency`.
const MAX_CONCURRENCY: i64 = 1_000;

/// Records read from a shard at once.
const MAX_STREAM_BATCH: i64 = 1_000;

/// `ParallelizationFactor`.
const MAX_PARALLEL: i64 = 10;

/// `MaximumRetryAttempts`.
const MAX_RETRIES: i64 = 10_000;

/// `MaximumRecordAgeInSeconds`: one minute to seven days.
const AGE_MS: [i64; 2] = [60_000, 604_800_000];

impl QueueMapping {
    pub(super) fn check(&self) -> Result<(), MappingError> {
        let (batch, most) = (count(self.batch_size), count(self.maximum_concurrency));
        within(&self.function, "batch_size", batch, [1, MAX_QUEUE_BATCH], "1–10")?;
        within(&self.function, "maximum_concurrency", most, [1, MAX_CONCURRENCY], "1–1,000")
    }
}

impl StreamMapping {
    pub(super) fn check(&self) -> Result<(), MappingError> {
        let function = &self.function;
        let (batch, lanes) = (count(self.batch_size), count(self.parallelization));
        within(function, "batch_size", batch, [1, MAX_STREAM_BATCH], "1–1,000")?;
        within(function, "parallelization", lanes, [1, MAX_PARALLEL], "1–10")?;
        within(function, "retries", self.retries.into(), [0, MAX_RETRIES], "0–10,000")?;
        within(function, "max_age_ms", self.max_age_ms, AGE_MS, "60,000–604,800,000")
    }
}

fn count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn within(
    function: &str,
    setting: &'static str,
    given: i64,
    [least, most]: [i64; 2],
    range: &'static str,
) -> Result<(), MappingError> {
    match (least..=most).contains(&given) {
        true => Ok(()),
        false => {
            let function = function.to_owned();
            Err(MappingError::OutOfRange { function, setting, given, range })
        }
    }
}
