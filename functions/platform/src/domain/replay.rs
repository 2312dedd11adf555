//! What a replay goes through and how fast, and which are refused.

use std::time::Duration;

use contracts::platform::{NO_ARCHIVE, NO_RECORD, Only, RANGE_TOO_WIDE, ReplayStart};
use kernel::problem::VALIDATION_FAILED;
use kernel::{Error, Timestamp};

use super::walk::{Position, Range};

/// The widest range: 31 days.
pub const RANGE_MAX: Duration = Duration::from_secs(31 * DAY.as_secs());
/// The highest rate, in events a second.
pub const RATE_MAX_PER_S: u32 = 200;
/// Events one chunk looks at in the index, or takes out of the archive, at most.
pub const CHUNK: usize = 100;
/// How far back a range may reach: the archive keeps its files for so long.
pub const ARCHIVE_KEPT: Duration = Duration::from_secs(400 * DAY.as_secs());

/// How old an event may be so that a listener that handled it has a record of that.
pub const REMEMBERED: Duration = Duration::from_secs(33 * DAY.as_secs());

const DAY: Duration = Duration::from_secs(24 * 3600);

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
    #[error("the archive keeps events for 400 days: start the range later")]
    TooOld,
    #[error(
        "what was handled before {0} is on record no more, so nobody can say what is missing: start \
         the range there, or replay all or failed"
    )]
    NoRecord(Timestamp),
    #[error(
        "events before {0} are kept in the archive alone, and none is configured: start the \
         range there"
    )]
    NoArchive(Timestamp),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let problem = match refusal {
            Refusal::TooWide => &RANGE_TOO_WIDE,
            Refusal::Empty | Refusal::Rate | Refusal::NotHeard(_) | Refusal::TooOld => {
                &VALIDATION_FAILED
            }
            Refusal::NoRecord(_) => &NO_RECORD,
            Refusal::NoArchive(_) => &NO_ARCHIVE,
        };
        problem.because(refusal.to_string())
    }
}

/// What is replayed: the range, and the types by their canonical names. `heard` are the listener's;
/// old days are read from an archive, where there is one.
pub fn decide(
    asked: &ReplayStart,
    types: Vec<String>,
    heard: &[String],
    has_archive: bool,
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
    let on_record = now.minus(REMEMBERED);
    if asked.only == Only::Missing && range.from < on_record {
        return Err(Refusal::NoRecord(on_record));
    }
    if let Some(stranger) = types.iter().find(|kind| !heard.contains(kind)) {
        return Err(Refusal::NotHeard(stranger.clone()));
    }
    if now.since(range.from) > ARCHIVE_KEPT {
        return Err(Refusal::TooOld);
    }
    if let Position::Archive(at) = range.start(now)
        && !has_archive
    {
        return Err(Refusal::NoArchive(at.border));
    }
    Ok((range, if types.is_empty() { heard.to_vec() } else { types }))
}

/// The pause after a chunk that sent so many events.
pub fn pause_s(sent: u64, rate_per_s: u32) -> u32 {
    u32::try_from(sent.div_ceil(u64::from(rate_per_s.max(1)))).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use contracts::platform::Only;
    use kernel::TenantId;

    use super::*;

    /// Midnight of 22 November 2026.
    const MIDNIGHT: Timestamp = Timestamp::from_ms(1_795_305_600_000);
    const HOUR: Duration = Duration::from_secs(3600);
    const MILLISECOND: Duration = Duration::from_millis(1);

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
            let decided = decide(&asked, types.clone(), &heard, false, now);
            let expected = expected.map(|to| {
                (Range { from, to }, if types.is_empty() { heard.to_vec() } else { types })
            });
            assert_eq!(decided, expected, "{asked:?}");
        }
    }

    #[test]
    fn an_old_range_needs_an_archive_and_an_older_one_is_kept_nowhere() {
        let days = |count: u64| Duration::from_secs(count * DAY.as_secs());
        let no_archive = || Err(Refusal::NoArchive(MIDNIGHT.plus(DAY)));
        let table = [
            (days(27), Only::Missing, false, Ok(())),
            (days(28), Only::Missing, false, no_archive()),
            (days(28), Only::Missing, true, Ok(())),
            (days(33), Only::Missing, true, Ok(())),
            (days(34), Only::Missing, true, Err(Refusal::NoRecord(MIDNIGHT.plus(DAY)))),
            (days(34), Only::Failed, true, Ok(())),
            (days(400), Only::All, true, Ok(())),
            (days(401), Only::All, true, Err(Refusal::TooOld)),
            (days(401), Only::All, false, Err(Refusal::TooOld)),
        ];
        for (age, only, has_archive, expected) in table {
            let asked = ReplayStart { only, ..asked(MIDNIGHT, MIDNIGHT.plus(HOUR), 1) };
            let decided = decide(&asked, Vec::new(), &[], has_archive, MIDNIGHT.plus(age));
            assert_eq!(decided.map(|_| ()), expected, "{age:?} {has_archive}");
        }
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
