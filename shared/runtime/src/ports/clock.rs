//! Time and chance as ports: the only places that read them.

use std::fmt;

use kernel::{Id, Kind, Timestamp};

/// The clock of a process.
pub trait Clock: Send + Sync {
    /// Now, to the millisecond.
    fn now(&self) -> Timestamp;
}

/// The randomness of a process.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with random bytes that cannot be guessed (in production).
    fn fill(&self, bytes: &mut [u8]);
}

impl fmt::Debug for dyn Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct WallClock;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Timestamp::from_ms(
            since.map_or(0, |age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

/// The operating system's randomness, through aws-lc.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // aws-lc aborts the process rather than hand out bad randomness; its error is unreachable.
        if aws_lc_rs::rand::fill(bytes).is_err() {
            std::process::abort();
        }
    }
}

/// A new id at this instant.
pub fn new_id<K: Kind>(clock: &dyn Clock, entropy: &dyn Entropy) -> Id<K> {
    let mut random = [0; 10];
    entropy.fill(&mut random);
    Id::new(clock.now(), random)
}
