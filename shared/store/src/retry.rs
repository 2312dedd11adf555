//! Pauses between attempts, and the instant after which nobody waits any more.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

/// A source of random numbers, so that the simulation owns chance.
pub type Random = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The shortest pause between two attempts, in milliseconds.
const PAUSE_MIN_MS: u64 = 10;
/// The longest pause between two attempts, in milliseconds.
const PAUSE_MAX_MS: u64 = 160;
/// The furthest deadline.
const DEADLINE_MAX: Duration = Duration::from_secs(24 * 3600);
/// Retries of a transaction that met a conflict or a throttle.
const CONFLICT_RETRIES: u32 = 5;
/// Retries of a read or write whose answer was lost.
const LOST_RETRIES: u32 = 3;

/// When a call's caller stops waiting. No request is started or awaited after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// This instant of the runtime's clock.
    pub const fn at(instant: Instant) -> Self {
        Self(instant)
    }

    /// So much later than now, at most a day, by the clock the waiting itself is done by.
    pub fn after(remaining: Duration) -> Self {
        Self(Instant::now() + remaining.min(DEADLINE_MAX))
    }

    pub(crate) const fn instant(self) -> Instant {
        self.0
    }
}

/// A limited series of pauses with full jitter: the n-th is a random time between 10 ms and
/// 10 ms · 2ⁿ, at most 160 ms.
#[derive(Clone, Debug)]
pub struct Backoff {
    done: u32,
    retries: u32,
}

impl Backoff {
    /// For conflicts and throttles: 5 retries.
    pub const fn of_conflicts() -> Self {
        Self { done: 0, retries: CONFLICT_RETRIES }
    }

    /// For lost answers: 3 retries.
    pub const fn of_lost_answers() -> Self {
        Self { done: 0, retries: LOST_RETRIES }
    }

    /// The pause before the next attempt; nothing when the attempts are used up.
    pub fn pause(&mut self, random: u64) -> Option<Duration> {
        if self.done >= self.retries {
            return None;
        }
        self.done += 1;
        let longest = (PAUSE_MIN_MS << self.done.min(8)).min(PAUSE_MAX_MS);
        Some(Duration::from_millis(PAUSE_MIN_MS + random % (longest - PAUSE_MIN_MS + 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_160_ms_and_end_after_five() {
        let longest = |ms: u64| ms - PAUSE_MIN_MS;
        let mut backoff = Backoff::of_conflicts();
        let pauses: Vec<_> = [20, 40, 80, 160, 160, 160]
            .into_iter()
            .map(|ms| backoff.pause(longest(ms)).map(|pause| pause.as_millis()))
            .collect();
        assert_eq!(pauses, [Some(20), Some(40), Some(80), Some(160), Some(160), None]);
    }

    #[test]
    fn no_pause_is_shorter_than_10_ms_or_longer_than_160_ms() {
        for random in [0, 1, 7, 151, u64::MAX] {
            let mut backoff = Backoff::of_conflicts();
            while let Some(pause) = backoff.pause(random) {
                assert!((10..=160).contains(&pause.as_millis()));
            }
        }
    }
}
