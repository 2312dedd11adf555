//! What a replay goes through and how fast: the days of its range, and in each the tenant's public
//! events before the others.

use std::time::Duration;

use contracts::platform::ReplayStart;
use kernel::{Error, ErrorKind, EventId, Timestamp};
use serde::{Deserialize, Serialize};

use super::days::CLOCK_GAP;

/// The widest range: 31 days.
pub const RANGE_MAX: Duration = Duration::from_secs(31 * DAY.as_secs());
/// The highest rate, in events a second.
pub const RATE_MAX_PER_S: u32 = 200;
/// Events one chunk looks at.
pub const CHUNK: usize = 100;
/// How far the day index may lag behind its table: a range is read once its end is older.
pub const INDEX_LAG: Duration = Duration::from_secs(60);

const DAY: Duration = Duration::from_secs(24 * 3600);
const MILLISECOND: Duration = Duration::from_millis(1);

/// Why a replay cannot start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("a range spans at most 31 days: start several replays")]
    TooWide,
    #[error("the range ends before it starts")]
    Empty,
    #[error("a replay sends 1 to {RATE_MAX_PER_S} events a second")]
    Rate,
    #[error("the listener does not hear {0}")]
    NotHeard(String),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::TooWide => "range_too_wide",
            Refusal::Empty | Refusal::Rate | Refusal::NotHeard(_) => "validation_failed",
        };
        Self::new(ErrorKind::Validation, code, refusal.to_string())
    }
}

/// A range of commits: from the first instant on, before the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    #[serde(with = "kernel::time::ms", rename = "from_ms")]
    pub from: Timestamp,
    #[serde(with = "kernel::time::ms", rename = "to_ms")]
    pub to: Timestamp,
}

/// What is replayed: the range, and the types by their canonical names. `heard` are the listener's.
pub fn decide(
    asked: &ReplayStart,
    types: Vec<String>,
    heard: &[String],
    now: Timestamp,
) -> Result<(Range, Vec<String>), Refusal> {
    let range = Range { from: asked.from, to: asked.to.min(now) };
    if asked.to.since(asked.from) > RANGE_MAX {
        return Err(Refusal::TooWide);
    }
    if range.from >= range.to {
        return Err(Refusal::Empty);
    }
    if !(1..=RATE_MAX_PER_S).contains(&asked.rate_per_s) {
        return Err(Refusal::Rate);
    }
    if let Some(stranger) = types.iter().find(|kind| !heard.contains(kind)) {
        return Err(Refusal::NotHeard(stranger.clone()));
    }
    Ok((range, if types.is_empty() { heard.to_vec() } else { types }))
}

/// Where a replay is: in which index of which day, and after which event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Any instant of the day.
    #[serde(with = "kernel::time::ms", rename = "day_ms")]
    pub day: Timestamp,
    /// Among the events tenants may see, or among the others.
    pub public: bool,
    /// The last event that was looked at.
    pub after: Option<EventId>,
}

impl Range {
    /// Where a replay begins. Events of the range's first moment may stand under the day before.
    pub fn start(&self) -> Position {
        Position { day: self.from.minus(CLOCK_GAP), public: true, after: None }
    }

    /// The first and the last id that events after this position can have.
    pub fn ids_after(&self, position: &Position) -> (EventId, EventId) {
        let first = match position.after {
            Some(event) => following(event),
            None => EventId::new(self.from, [0; 10]),
        };
        (first, EventId::new(self.to.minus(MILLISECOND), [u8::MAX; 10]))
    }

    /// The index to go on with once this one is read; nothing at the end of the range.
    pub fn next(&self, position: &Position) -> Option<Position> {
        let next = match position.public {
            true => Position { public: false, after: None, ..*position },
            false => Position { day: position.day.plus(DAY), public: true, after: None },
        };
        (next.day.day() <= self.to.minus(MILLISECOND).day()).then_some(next)
    }

    /// How long the index may still lack events of the range.
    pub fn unread_for(&self, now: Timestamp) -> Duration {
        self.to.plus(INDEX_LAG).since(now)
    }
}

/// The pause after a chunk that sent so many events.
pub fn pause_s(sent: u64, rate_per_s: u32) -> u32 {
    u32::try_from(sent.div_ceil(u64::from(rate_per_s.max(1)))).unwrap_or(u32::MAX)
}

fn following(event: EventId) -> EventId {
    EventId::from_bytes(u128::from_be_bytes(event.bytes()).saturating_add(1).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use contracts::platform::Only;
    use kernel::TenantId;

    use super::*;

    /// Midnight of 22 November 2026.
    const MIDNIGHT: Timestamp = Timestamp::from_ms(1_795_305_600_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn asked(from: Timestamp, to: Timestamp, rate_per_s: u32) -> ReplayStart {
        ReplayStart {
            listener: "a.on_b".to_owned(),
            types: Vec::new(),
            from,
            to,
            tenant_id: TenantId::from_bytes([0; 16]),
            livemode: true,
            only: Only::Missing,
            rate_per_s,
        }
    }

    #[test]
    fn a_replay_has_a_range_a_rate_and_types_its_listener_hears() {
        let heard = ["a.b.done".to_owned(), "a.c.done".to_owned()];
        let (from, now) = (MIDNIGHT, MIDNIGHT.plus(HOUR));
        let late = from.plus(RANGE_MAX);
        let table: [(ReplayStart, &[&str], Result<Timestamp, Refusal>); 8] = [
            (asked(from, late.plus(MILLISECOND), 1), &[], Err(Refusal::TooWide)),
            (asked(from, from, 1), &[], Err(Refusal::Empty)),
            (asked(now, now.plus(HOUR), 1), &[], Err(Refusal::Empty)),
            (asked(from, now, 0), &[], Err(Refusal::Rate)),
            (asked(from, now, 201), &[], Err(Refusal::Rate)),
            (asked(from, now, 1), &["x.y"], Err(Refusal::NotHeard("x.y".to_owned()))),
            (asked(from, late, 200), &[], Ok(now)),
            (asked(from, from.plus(MILLISECOND), 1), &["a.c.done"], Ok(from.plus(MILLISECOND))),
        ];
        for (asked, types, expected) in table {
            let types: Vec<String> = types.iter().map(|one| (*one).to_owned()).collect();
            let decided = decide(&asked, types.clone(), &heard, now);
            let expected = expected.map(|to| {
                (Range { from, to }, if types.is_empty() { heard.to_vec() } else { types })
            });
            assert_eq!(decided, expected, "{asked:?}");
        }
    }

    #[test]
    fn a_replay_visits_both_indexes_of_every_day_of_its_range() {
        let walk = |from: Timestamp, to: Timestamp| {
            let range = Range { from, to };
            let mut visited = Vec::new();
            let mut at = Some(range.start());
            while let Some(position) = at {
                visited.push(format!("{} {}", position.day.day(), position.public));
                at = range.next(&position);
            }
            visited
        };
        let noon = MIDNIGHT.plus(12 * HOUR);
        assert_eq!(walk(noon, noon.plus(HOUR)), ["2026-11-22 true", "2026-11-22 false"]);
        assert_eq!(walk(noon, MIDNIGHT.plus(DAY)), ["2026-11-22 true", "2026-11-22 false"]);
        let border = ["2026-11-21 true", "2026-11-21 false", "2026-11-22 true", "2026-11-22 false"];
        assert_eq!(walk(MIDNIGHT, noon), border);
        assert_eq!(walk(noon.minus(DAY), noon), border);
    }

    #[test]
    fn ids_begin_after_the_last_one_and_end_before_the_range_does() {
        let range = Range { from: MIDNIGHT, to: MIDNIGHT.plus(HOUR) };
        let (first, last) = range.ids_after(&range.start());
        assert_eq!(first, EventId::new(MIDNIGHT, [0; 10]));
        assert!(last < EventId::new(range.to, [0; 10]));
        let seen = EventId::new(MIDNIGHT, [255; 10]);
        let position = Position { after: Some(seen), ..range.start() };
        assert_eq!(range.ids_after(&position).0, EventId::new(MIDNIGHT.plus(MILLISECOND), [0; 10]));
    }

    #[test]
    fn a_range_is_read_once_the_index_has_caught_up_with_its_end() {
        let range = Range { from: MIDNIGHT, to: MIDNIGHT.plus(HOUR) };
        assert_eq!(range.unread_for(range.to), INDEX_LAG);
        assert_eq!(range.unread_for(range.to.plus(INDEX_LAG)), Duration::ZERO);
    }

    #[test]
    fn the_pause_keeps_the_rate() {
        for (sent, rate, seconds) in
            [(0, 50, 0), (1, 50, 1), (100, 50, 2), (100, 200, 1), (9, 1, 9)]
        {
            assert_eq!(pause_s(sent, rate), seconds, "{sent} {rate}");
        }
    }
}
