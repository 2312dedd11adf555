//! The times at which batches of collected events are handed out.

use std::borrow::Cow;
use std::time::Duration;

use kernel::Timestamp;
use kernel::cron::Recurrence;
use serde::{Deserialize, Serialize};
use store::collected;

/// The longest cadence: a day.
const MINUTES_MAX: u32 = 24 * 60;

/// When a listener's batches are handed out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cadence {
    /// Every so many minutes, 1 to 1,440, counted from midnight UTC of 1 January 1970.
    Minutes(u32),
    /// The times of an expression in a time zone.
    Cron {
        /// Six fields, as EventBridge has them.
        cron: Cow<'static, str>,
        /// An IANA name.
        zone: Cow<'static, str>,
    },
}

impl Cadence {
    /// The times of six fields in the zone of this IANA name.
    pub const fn cron(cron: &'static str, zone: &'static str) -> Self {
        Self::Cron { cron: Cow::Borrowed(cron), zone: Cow::Borrowed(zone) }
    }

    /// The first time after this instant; `None` where the cadence is none, or over.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Minutes(minutes @ 1..=MINUTES_MAX) => {
                let step_ms = i64::from(*minutes) * 60_000;
                Some(Timestamp::from_ms((after.ms().div_euclid(step_ms) + 1) * step_ms))
            }
            Self::Minutes(_) => None,
            Self::Cron { cron, zone } => Recurrence::parse(cron, zone).ok()?.next(after),
        }
    }

    /// Whether it ever pauses for so long that what waits could expire, as seen from each midnight UTC of
    /// `days` days from `first` on.
    pub fn pauses_too_long(&self, first: Timestamp, days: u32) -> bool {
        let day = Duration::from_secs(24 * 3_600);
        let most = collected::GAP_MAX.saturating_sub(day);
        (0..days)
            .map(|n| first.plus(day * n))
            .any(|midnight| self.next(midnight).is_some_and(|tick| tick.since(midnight) > most))
    }

    pub(crate) fn is_valid(&self) -> bool {
        match self {
            Self::Minutes(minutes) => (1..=MINUTES_MAX).contains(minutes),
            Self::Cron { cron, zone } => Recurrence::parse(cron, zone).is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn ticks_are_those_of_the_cadence() {
        let rows = [
            (Cadence::Minutes(5), "2030-06-01T12:00:00Z", Some("2030-06-01T12:05:00Z")),
            (Cadence::Minutes(5), "2030-06-01T12:04:59.999Z", Some("2030-06-01T12:05:00Z")),
            (Cadence::Minutes(1_440), "2030-06-01T12:00:00Z", Some("2030-06-02T00:00:00Z")),
            (Cadence::Minutes(0), "2030-06-01T12:00:00Z", None),
            (Cadence::Minutes(1_441), "2030-06-01T12:00:00Z", None),
            (
                Cadence::cron("0 6 * * ? *", "Europe/Berlin"),
                "2030-06-01T12:00:00Z",
                Some("2030-06-02T04:00:00Z"),
            ),
            (Cadence::cron("0 6 * * ? *", "Europe/Atlantis"), "2030-06-01T12:00:00Z", None),
        ];
        for (cadence, now, tick) in rows {
            assert_eq!(cadence.next(at(now)), tick.map(at), "{cadence:?} after {now}");
        }
    }

    #[test]
    fn a_cadence_may_pause_for_twelve_days() {
        let rows = [
            (Cadence::Minutes(1_440), false),
            (Cadence::cron("0 6 ? * MON *", "Europe/Berlin"), false),
            (Cadence::cron("0 6 1,11,21 * ? *", "UTC"), false),
            (Cadence::cron("0 6 1,15 * ? *", "UTC"), true),
            (Cadence::cron("0 6 1 * ? *", "UTC"), true),
            (Cadence::cron("0/5 * * 1-6 ? *", "UTC"), true),
            (Cadence::cron("0 6 * * ? 2030", "UTC"), false),
        ];
        for (cadence, too_long) in rows {
            let first = at("2030-01-01T00:00:00Z");
            assert_eq!(cadence.pauses_too_long(first, 366), too_long, "{cadence:?}");
        }
    }
}
