//! What a soak has explored, in numbers.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use local::connector::Outcome;
use local::fault::Fault;
use store::inbox::State;

use super::drive::Life;

/// Counts over many lives.
#[derive(Default)]
pub struct Figures {
    pub schedules: u64,
    pub calls: u64,
    pub events: u64,
    pub deliveries: u64,
    /// (function, operation) that were seen.
    places: BTreeSet<(String, String)>,
    /// (function, operation, after) where a function died.
    crashed: BTreeSet<(String, String, bool)>,
    /// Virtual milliseconds from commit to effect.
    latencies_ms: Vec<u32>,
    pub cpu: Duration,
}

impl Figures {
    /// Counts one life.
    pub fn count(&mut self, life: &Life) {
        self.schedules += 1;
        self.calls += life.calls.len() as u64;
        self.events += life.rows.outbox.len() as u64;
        self.deliveries += life.deliveries;
        for call in &life.calls {
            let place = (call.function.clone(), call.operation.clone());
            if call.outcome == Outcome::Crashed {
                let after = call.fault == Some(Fault::CrashAfter);
                self.crashed.insert((place.0.clone(), place.1.clone(), after));
            }
            self.places.insert(place);
        }
        for ((_, event, _), inbox) in &life.rows.inbox {
            let row = life.rows.outbox.iter().find(|row| row.event_id.to_string() == *event);
            let done = inbox.consumed_at.filter(|_| inbox.state == State::Done);
            if let (Some(row), Some(done)) = (row, done) {
                let span_ms = done.since(row.created_at).as_millis();
                self.latencies_ms.push(u32::try_from(span_ms).unwrap_or(u32::MAX));
            }
        }
    }

    /// (crash points met, crash points there are).
    pub fn crash_points(&self) -> (usize, usize) {
        (self.crashed.len(), self.places.len() * 2)
    }

    fn percentile(&self, per_mille: usize) -> u32 {
        let mut sorted = self.latencies_ms.clone();
        sorted.sort_unstable();
        let at = sorted.len().saturating_sub(1) * per_mille / 1000;
        sorted.get(at).copied().unwrap_or(0)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (met, all) = self.crash_points();
        let per = |count: u64| self.cpu.as_micros() / u128::from(count.max(1));
        let seconds = self.cpu.as_secs_f64().max(0.001);
        write!(
            formatter,
            "{} schedules, {} AWS calls, {} events, {} deliveries in {:.1} s of one core: \
             {} µs a schedule, {} µs a call, {:.0} events/s; crash points {met} of {all}; \
             commit to listener p50 {} ms, p99 {} ms of virtual time",
            self.schedules,
            self.calls,
            self.events,
            self.deliveries,
            seconds,
            per(self.schedules),
            per(self.calls),
            self.events as f64 / seconds,
            self.percentile(500),
            self.percentile(990),
        )
    }
}

/// Processor time this thread has used (proc(5), `/proc/thread-self/schedstat`: nanoseconds).
pub fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let ns = text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0);
    Duration::from_nanos(ns)
}
