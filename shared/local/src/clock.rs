//! The one clock of the local cloud: real time, tokio's paused time, and a settable offset on top.
//! Every due time of the cloud (visibility, delay, retention, TTL, schedules) is read from here.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tokio::time::{Duration, Instant};

/// Wall time that can be moved. `now_ms` is base + elapsed tokio time + offset, so it follows real
/// time in `talaria local`, stands still under `tokio::time::pause`, and jumps on request.
///
/// Clones share one clock. It never fails; a time before 1970 is negative.
#[derive(Clone, Debug)]
pub struct VirtualClock {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    origin: Mutex<Origin>,
    moved: watch::Sender<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Origin {
    base_ms: i64,
    offset_ms: i64,
    started: Instant,
}

impl VirtualClock {
    /// A clock that shows `base_ms` (Unix milliseconds) now and runs on with tokio's time.
    pub fn starting_at(base_ms: i64) -> Self {
        let origin = Origin { base_ms, offset_ms: 0, started: Instant::now() };
        Self { shared: Arc::new(Shared { origin: Mutex::new(origin), moved: watch::channel(0).0 }) }
    }

    /// A clock that shows the computer's time. For the command; tests use `starting_at`.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the computer")]
    pub fn from_system() -> Self {
        let since_epoch = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        Self::starting_at(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    /// Unix milliseconds now.
    pub fn now_ms(&self) -> i64 {
        let origin = *self.origin();
        let elapsed = i64::try_from(origin.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        origin.base_ms.saturating_add(origin.offset_ms).saturating_add(elapsed)
    }

    /// How far the clock was moved by `advance` and `set`, in milliseconds.
    pub fn offset_ms(&self) -> i64 {
        self.origin().offset_ms
    }

    /// Moves the clock by `by_ms` (negative: back) and wakes everything waiting for a due time.
    pub fn advance(&self, by_ms: i64) {
        {
            let mut origin = self.origin();
            origin.offset_ms = origin.offset_ms.saturating_add(by_ms);
        }
        self.shared.moved.send_modify(|moves| *moves = moves.wrapping_add(1));
    }

    /// Sets the clock to `now_ms` (Unix milliseconds) and wakes everything waiting for a due time.
    pub fn set(&self, now_ms: i64) {
        self.advance(now_ms.saturating_sub(self.now_ms()));
    }

    /// Resolves once the clock shows `due_ms` or later, also when it gets there by a jump.
    pub async fn sleep_until(&self, due_ms: i64) {
        let mut moved = self.shared.moved.subscribe();
        loop {
            let wait_ms = due_ms.saturating_sub(self.now_ms());
            let Ok(wait_ms) = u64::try_from(wait_ms) else { return };
            if wait_ms == 0 {
                return;
            }
            tokio::select! {
                biased;
                () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
                jumped = moved.changed() => {
                    if jumped.is_err() {
                        return;
                    }
                }
            }
        }
    }

    fn origin(&self) -> std::sync::MutexGuard<'_, Origin> {
        self.shared.origin.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The engine stamps stream records and in-memory expiry with our time.
impl dynoxide::storage_backend::Clock for VirtualClock {
    fn now_unix_secs(&self) -> u64 {
        u64::try_from(self.now_ms() / 1000).unwrap_or(0)
    }

    fn now_unix_secs_f64(&self) -> f64 {
        self.now_ms() as f64 / 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn paused_time_stands_still_and_moves_only_when_told() {
        let clock = VirtualClock::starting_at(1_000);
        assert_eq!(clock.now_ms(), 1_000);
        tokio::time::advance(Duration::from_millis(250)).await;
        assert_eq!(clock.now_ms(), 1_250);
        clock.advance(60_000);
        assert_eq!(clock.now_ms(), 61_250);
        clock.set(5_000);
        assert_eq!(clock.now_ms(), 5_000);
        assert_eq!(clock.offset_ms(), 5_000 - 1_250);
    }

    #[tokio::test(start_paused = true)]
    async fn a_jump_wakes_a_sleeper_without_waiting() {
        let clock = VirtualClock::starting_at(0);
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move {
                clock.sleep_until(3_600_000).await;
                clock.offset_ms()
            }
        });
        tokio::task::yield_now().await;
        clock.advance(3_600_000);
        assert_eq!(sleeper.await.unwrap(), 3_600_000);
    }
}
