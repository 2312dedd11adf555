//! `minutes hours day-of-month month day-of-week year` as AWS has it (EventBridge User Guide, "Cron
//! expressions reference"), in a time zone. An own parser: the kept crates count days of the week from
//! Sunday 0, take no `W`, or bring a second calendar.
//!
//! Where clocks are put forward, a local time that does not exist comes at the first instant after the
//! gap, once however many of them fell into it. Where they are put back, a local time that exists twice
//! comes the first time only.

mod field;
mod zone;

#[cfg(test)]
mod tests;

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Weekday};
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;
use field::{DAYS, LAST_YEAR, MONTHS, list, number};
pub use zone::Zone;

/// Text that is no expression or no zone, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotCron(String);

/// The times of an expression in a zone. Stored as both texts.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "Texts", into = "Texts")]
pub struct Recurrence {
    cron: Cron,
    zone: Zone,
}

#[derive(Deserialize, Serialize)]
struct Texts {
    cron: String,
    zone: String,
}

impl TryFrom<Texts> for Recurrence {
    type Error = NotCron;

    fn try_from(texts: Texts) -> Result<Self, NotCron> {
        Self::parse(&texts.cron, &texts.zone)
    }
}

impl From<Recurrence> for Texts {
    fn from(times: Recurrence) -> Self {
        Self { cron: times.cron.text, zone: times.zone.name().to_owned() }
    }
}

impl Recurrence {
    /// The six fields, and an IANA name such as `Europe/Berlin`. Refuses what AWS would not take, and a
    /// zone nobody knows.
    pub fn parse(cron: &str, zone: &str) -> Result<Self, NotCron> {
        Ok(Self { cron: Cron::parse(cron)?, zone: Zone::parse(zone)? })
    }

    /// As [`parse`](Self::parse), in UTC.
    pub fn utc(cron: &str) -> Result<Self, NotCron> {
        Ok(Self { cron: Cron::parse(cron)?, zone: Zone::utc() })
    }

    /// The first time after this instant; `None` when there is none any more.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let local = self.zone.local(after)?;
        let mut date = local.date();
        // The minute itself is tried again: where clocks change, an instant can be later than its text.
        let mut first = (i16::from(local.hour()), i16::from(local.minute()));
        while date.year() <= LAST_YEAR {
            if self.cron.is_on(date) {
                let times = self.cron.times_from(first).filter_map(|time| at(date, time));
                let mut instants = times.filter_map(|time| self.zone.instant(time));
                if let Some(found) = instants.find(|instant| *instant > after) {
                    return Some(found);
                }
            }
            first = (0, 0);
            date = match self.cron.months.contains(&i16::from(date.month())) {
                true => date.tomorrow().ok()?,
                false => date.last_of_month().tomorrow().ok()?,
            };
        }
        None
    }

    /// The last times from `from` to `to`, both included, oldest first; at most so many.
    pub fn last(&self, most: usize, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
        let mut back_ms = LOOK_BACK_MS;
        loop {
            let start = from.ms().max(to.ms().saturating_sub(back_ms));
            let mut found = self.between(Timestamp::from_ms(start), to);
            if found.len() >= most || start == from.ms() {
                let spare = found.len().saturating_sub(most);
                found.drain(..spare);
                return found;
            }
            back_ms = back_ms.saturating_mul(2);
        }
    }

    fn between(&self, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
        let before = Timestamp::from_ms(from.ms().saturating_sub(1));
        let step = |after: &Timestamp| self.next(*after);
        std::iter::successors(self.next(before), step).take_while(|time| *time <= to).collect()
    }
}

/// Where [`Recurrence::last`] starts to look; doubled until there is enough.
const LOOK_BACK_MS: i64 = 3_600_000;

fn at(date: Date, (hour, minute): (i16, i16)) -> Option<DateTime> {
    Some(date.at(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0))
}

/// A parsed expression.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cron {
    text: String,
    minutes: Vec<i16>,
    hours: Vec<i16>,
    days: Days,
    months: Vec<i16>,
    years: Vec<i16>,
}

/// Which days of a month.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Days {
    OfMonth(Vec<i16>),
    /// `L`
    LastOfMonth,
    /// `15W`: the weekday nearest to it within the month.
    NearestWeekday(i16),
    /// Sunday is 1.
    OfWeek(Vec<i16>),
    /// `6L`: the last such day of the month.
    LastOfWeek(i16),
    /// `3#2`: the second such day of the month.
    NthOfWeek(i16, i16),
}

impl Cron {
    fn parse(text: &str) -> Result<Self, NotCron> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, of_month, months, of_week, years] = fields.as_slice() else {
            return Err(NotCron(format!("six fields are needed, not {}", fields.len())));
        };
        Ok(Self {
            text: fields.join(" "),
            minutes: list(minutes, 0, 59, &[])?,
            hours: list(hours, 0, 23, &[])?,
            days: Days::parse(of_month, of_week)?,
            months: list(months, 1, 12, &MONTHS)?,
            years: list(years, 1970, LAST_YEAR, &[])?,
        })
    }

    fn is_on(&self, date: Date) -> bool {
        self.years.contains(&date.year())
            && self.months.contains(&i16::from(date.month()))
            && self.days.contain(date)
    }

    /// The (hour, minute) of a day at or after `first`, in order.
    fn times_from(&self, first: (i16, i16)) -> impl Iterator<Item = (i16, i16)> {
        let times =
            self.hours.iter().flat_map(|hour| self.minutes.iter().map(|minute| (*hour, *minute)));
        times.filter(move |time| *time >= first)
    }
}

impl Days {
    /// Exactly one of the two fields is `?`.
    fn parse(of_month: &str, of_week: &str) -> Result<Self, NotCron> {
        let refused = |reason: &str| Err(NotCron(reason.to_owned()));
        match (of_month, of_week) {
            ("?", "?") => refused("one of day-of-month and day-of-week must say something"),
            ("?", of_week) => Self::parse_of_week(of_week),
            (of_month, "?") => Self::parse_of_month(of_month),
            _ => refused("one of day-of-month and day-of-week must be ?"),
        }
    }

    fn parse_of_month(text: &str) -> Result<Self, NotCron> {
        if text == "L" {
            return Ok(Self::LastOfMonth);
        }
        match text.strip_suffix('W') {
            Some(day) => number(day, 1, 31, &[]).map(Self::NearestWeekday),
            None => list(text, 1, 31, &[]).map(Self::OfMonth),
        }
    }

    fn parse_of_week(text: &str) -> Result<Self, NotCron> {
        if text == "L" {
            return Ok(Self::OfWeek(vec![7]));
        }
        if let Some(day) = text.strip_suffix('L') {
            return number(day, 1, 7, &DAYS).map(Self::LastOfWeek);
        }
        match text.split_once('#') {
            Some((day, nth)) => {
                Ok(Self::NthOfWeek(number(day, 1, 7, &DAYS)?, number(nth, 1, 5, &[])?))
            }
            None => list(text, 1, 7, &DAYS).map(Self::OfWeek),
        }
    }

    fn contain(&self, date: Date) -> bool {
        let day = i16::from(date.day());
        match self {
            Self::OfMonth(days) => days.contains(&day),
            Self::LastOfMonth => date == date.last_of_month(),
            Self::NearestWeekday(wanted) => nearest_weekday(date, *wanted) == Some(date),
            Self::OfWeek(days) => days.contains(&weekday(date)),
            Self::LastOfWeek(wanted) => {
                weekday(date) == *wanted && day > i16::from(date.days_in_month()) - 7
            }
            Self::NthOfWeek(wanted, nth) => weekday(date) == *wanted && (day + 6) / 7 == *nth,
        }
    }
}

/// Sunday is 1.
fn weekday(date: Date) -> i16 {
    i16::from(date.weekday().to_sunday_one_offset())
}

/// The weekday nearest to a day of the date's month, never in another month.
fn nearest_weekday(date: Date, day: i16) -> Option<Date> {
    let wanted = Date::new(date.year(), date.month(), i8::try_from(day).ok()?).ok()?;
    let moved = match wanted.weekday() {
        Weekday::Saturday if wanted.day() == 1 => 2,
        Weekday::Saturday => -1,
        Weekday::Sunday if wanted == wanted.last_of_month() => -2,
        Weekday::Sunday => 1,
        _ => 0,
    };
    wanted.checked_add(moved.days()).ok()
}
