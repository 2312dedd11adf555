//! How much is explored: as much as a build can wait for, or as long as somebody asks.
//!
//! `TALARIA_SIMULATE_SEED` replays one seed, `TALARIA_SIMULATE_SEEDS` lives so many,
//! `TALARIA_SIMULATE_MINUTES` goes on for so long; `TALARIA_SIMULATE_FAULT` hunts one planted fault only.

use std::time::{Duration, Instant};

use super::explore::explore;
use super::figures::{Figures, cpu_time};
use super::plan::Plan;

/// Seeds of an ordinary build.
const SEEDS: u64 = 600;
/// How often a long run says how far it is.
const SAY_EVERY: Duration = Duration::from_secs(5);
/// Processor seconds before which nobody waits for a word.
const SILENT: Duration = Duration::from_secs(20);

/// Which seeds are lived.
pub struct Soak {
    first: u64,
    seeds: u64,
    until: Option<Instant>,
}

impl Soak {
    /// As the environment says.
    pub fn from_environment() -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
        let one: Option<u64> = number("TALARIA_SIMULATE_SEED");
        let minutes: Option<u64> = number("TALARIA_SIMULATE_MINUTES");
        let seeds: Option<u64> = number("TALARIA_SIMULATE_SEEDS");
        Self {
            first: one.unwrap_or(0),
            seeds: match (one, seeds, minutes) {
                (Some(_), None, None) => 1,
                (_, Some(seeds), _) => seeds,
                (_, None, Some(_)) => u64::MAX,
                (None, None, None) => SEEDS,
            },
            until: minutes.map(|minutes| now() + Duration::from_secs(minutes * 60)),
        }
    }

    /// The planted fault somebody wants hunted, `F4`; every one where absent.
    pub fn one_fault() -> Option<String> {
        std::env::var("TALARIA_SIMULATE_FAULT").ok()
    }

    /// Whether somebody asked for more than an ordinary build explores.
    pub fn is_long(&self) -> bool {
        self.until.is_some() || self.seeds > SEEDS
    }

    /// Lives every seed and says what was explored.
    pub fn run(&self) -> Figures {
        let mut watch = Watch::new("seeds");
        for offset in 0..self.seeds {
            if self.until.is_some_and(|until| now() >= until) {
                break;
            }
            let seed = self.first.wrapping_add(offset);
            explore(&Plan::of(seed), &mut watch.figures);
            watch.say();
        }
        watch.end()
    }
}

/// Counts lives and says now and then how far it is.
pub struct Watch {
    what: &'static str,
    pub figures: Figures,
    began: Duration,
    said: Instant,
}

impl Watch {
    pub fn new(what: &'static str) -> Self {
        Self { what, figures: Figures::default(), began: cpu_time(), said: now() }
    }

    /// A line, where the last one was long ago.
    pub fn say(&mut self) {
        self.figures.cpu = cpu_time() - self.began;
        if self.figures.cpu > SILENT && self.said.elapsed() >= SAY_EVERY {
            self.said = now();
            eprintln!("{}: {}", self.what, self.figures);
        }
    }

    /// The figures of all of it.
    pub fn end(mut self) -> Figures {
        self.figures.cpu = cpu_time() - self.began;
        eprintln!("{}: {}", self.what, self.figures);
        self.figures
    }
}

#[expect(clippy::disallowed_methods, reason = "only how long a person waits, never what happens")]
fn now() -> Instant {
    Instant::now()
}
