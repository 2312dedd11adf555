//! `cron(minutes hours day-of-month month day-of-week year)` as AWS has it, in UTC (EventBridge User
//! Guide, "Cron expressions reference"). An own parser: the kept crates count days of the week from
//! Sunday 0, take no `W`, or bring a second calendar.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// The last year AWS takes.
const LAST_YEAR: i16 = 2199;

/// A parsed expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cron {
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
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, of_month, months, of_week, years] = fields.as_slice() else {
            return Err(format!("six fields are needed, not {}", fields.len()));
        };
        Ok(Self {
            minutes: list(minutes, 0, 59, &[])?,
            hours: list(hours, 0, 23, &[])?,
            days: Days::parse(of_month, of_week)?,
            months: list(months, 1, 12, &MONTHS)?,
            years: list(years, 1970, LAST_YEAR, &[])?,
        })
    }

    /// The first time after `after_ms`, Unix milliseconds; `None` when there is none any more.
    pub(super) fn next_ms(&self, after_ms: i64) -> Option<i64> {
        let after = jiff::Timestamp::from_millisecond(after_ms).ok()?;
        let after = after.to_zoned(jiff::tz::TimeZone::UTC).datetime();
        let mut date = after.date();
        let mut first = (i16::from(after.hour()), i16::from(after.minute()) + 1);
        while date.year() <= LAST_YEAR {
            if self.is_on(date)
                && let Some((hour, minute)) = self.time_from(first)
            {
                let at = date.at(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0);
                let at = at.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
                return Some(at.timestamp().as_millisecond());
            }
            first = (0, 0);
            date = match self.months.contains(&i16::from(date.month())) {
                true => date.tomorrow().ok()?,
                false => date.last_of_month().tomorrow().ok()?,
            };
        }
        None
    }

    fn is_on(&self, date: Date) -> bool {
        self.years.contains(&date.year())
            && self.months.contains(&i16::from(date.month()))
            && self.days.contain(date)
    }

    /// The first (hour, minute) of a day at or after `first`.
    fn time_from(&self, first: (i16, i16)) -> Option<(i16, i16)> {
        let times =
            self.hours.iter().flat_map(|hour| self.minutes.iter().map(|minute| (*hour, *minute)));
        times.into_iter().find(|time| *time >= first)
    }
}

impl Days {
    /// Exactly one of the two fields is `?`.
    fn parse(of_month: &str, of_week: &str) -> Result<Self, String> {
        match (of_month, of_week) {
            ("?", "?") => Err("one of day-of-month and day-of-week must say something".to_owned()),
            ("?", of_week) => Self::parse_of_week(of_week),
            (of_month, "?") => Self::parse_of_month(of_month),
            _ => Err("one of day-of-month and day-of-week must be ?".to_owned()),
        }
    }

    fn parse_of_month(text: &str) -> Result<Self, String> {
        if text == "L" {
            return Ok(Self::LastOfMonth);
        }
        match text.strip_suffix('W') {
            Some(day) => number(day, 1, 31, &[]).map(Self::NearestWeekday),
            None => list(text, 1, 31, &[]).map(Self::OfMonth),
        }
    }

    fn parse_of_week(text: &str) -> Result<Self, String> {
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

/// The values of a field: `*`, numbers, names, `a-b`, `a/step`, `*/step`, and lists of them.
fn list(text: &str, min: i16, max: i16, names: &[&str]) -> Result<Vec<i16>, String> {
    let mut values = Vec::new();
    for item in text.split(',') {
        let (span, step) = match item.split_once('/') {
            Some((span, step)) => (span, Some(number(step, 1, max, &[])?)),
            None => (item, None),
        };
        let (from, to) = match span.split_once('-') {
            Some((from, to)) => (number(from, min, max, names)?, number(to, min, max, names)?),
            None if span == "*" => (min, max),
            None => {
                let value = number(span, min, max, names)?;
                (value, if step.is_some() { max } else { value })
            }
        };
        if from > to {
            return Err(format!("{item} runs backwards"));
        }
        let step = usize::try_from(step.unwrap_or(1)).unwrap_or(1);
        values.extend((from..=to).step_by(step));
    }
    values.sort_unstable();
    values.dedup();
    Ok(values)
}

fn number(text: &str, min: i16, max: i16, names: &[&str]) -> Result<i16, String> {
    let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
    let named = named.and_then(|at| i16::try_from(at).ok()).map(|at| at + min);
    let value =
        named.or_else(|| text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit())));
    value
        .filter(|value| (min..=max).contains(value))
        .ok_or_else(|| format!("{text} is not between {min} and {max}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
    }

    /// The next three times after 2030-06-01 12:00 (a Saturday), without seconds and zone.
    fn next(text: &str) -> String {
        let cron = Cron::parse(text).unwrap();
        let mut at = ms("2030-06-01T12:00:00Z");
        let mut times = Vec::new();
        for _ in 0..3 {
            let Some(next) = cron.next_ms(at) else { break };
            let time = jiff::Timestamp::from_millisecond(next).unwrap();
            times.push(time.strftime("%Y-%m-%d %H:%M").to_string());
            at = next;
        }
        times.join(", ")
    }

    /// The examples of the guide, and its wildcards.
    #[test]
    fn an_expression_names_its_times() {
        let rows = [
            ("0 10 * * ? *", "2030-06-02 10:00, 2030-06-03 10:00, 2030-06-04 10:00"),
            ("15 12 * * ? *", "2030-06-01 12:15, 2030-06-02 12:15, 2030-06-03 12:15"),
            ("0 12 * * ? *", "2030-06-02 12:00, 2030-06-03 12:00, 2030-06-04 12:00"),
            ("0 18 ? * MON-FRI *", "2030-06-03 18:00, 2030-06-04 18:00, 2030-06-05 18:00"),
            ("0 8 1 * ? *", "2030-07-01 08:00, 2030-08-01 08:00, 2030-09-01 08:00"),
            ("0/15 * * * ? *", "2030-06-01 12:15, 2030-06-01 12:30, 2030-06-01 12:45"),
            ("*/20 12 * * ? *", "2030-06-01 12:20, 2030-06-01 12:40, 2030-06-02 12:00"),
            ("0/30 20-22 ? * 2 *", "2030-06-03 20:00, 2030-06-03 20:30, 2030-06-03 21:00"),
            ("0 0 L * ? *", "2030-06-30 00:00, 2030-07-31 00:00, 2030-08-31 00:00"),
            ("0 0 15W * ? *", "2030-06-14 00:00, 2030-07-15 00:00, 2030-08-15 00:00"),
            ("0 0 1W * ? *", "2030-06-03 00:00, 2030-07-01 00:00, 2030-08-01 00:00"),
            ("0 0 30W JUN ? *", "2030-06-28 00:00, 2031-06-30 00:00, 2032-06-30 00:00"),
            ("0 0 ? * 6L *", "2030-06-28 00:00, 2030-07-26 00:00, 2030-08-30 00:00"),
            ("0 0 ? * 3#2 *", "2030-06-11 00:00, 2030-07-09 00:00, 2030-08-13 00:00"),
            ("0 0 ? * L *", "2030-06-08 00:00, 2030-06-15 00:00, 2030-06-22 00:00"),
            ("0 0 ? * SUN,7 *", "2030-06-02 00:00, 2030-06-08 00:00, 2030-06-09 00:00"),
            ("0 0 29 2 ? *", "2032-02-29 00:00, 2036-02-29 00:00, 2040-02-29 00:00"),
            ("0 0 1 1 ? 2031-2032", "2031-01-01 00:00, 2032-01-01 00:00"),
            ("0 0 1 1 ? 2029", ""),
            ("0 0 31 2 ? *", ""),
        ];
        for (text, expected) in rows {
            assert_eq!(next(text), expected, "{text}");
        }
    }

    #[test]
    fn what_aws_refuses_is_refused() {
        let rows = [
            "0 10 * * *",
            "0 10 * * ? * *",
            "0 10 * * * *",
            "0 10 ? * ? *",
            "60 10 * * ? *",
            "0 24 * * ? *",
            "0 10 0 * ? *",
            "0 10 * 13 ? *",
            "0 10 ? * 0 *",
            "0 10 ? * 8 *",
            "0 10 ? * MO *",
            "0/0 10 * * ? *",
            "5-1 10 * * ? *",
            "+5 10 * * ? *",
            "0 20-2 ? * 2 *",
            "0 10 ? * 3#6 *",
            "0 10 * * ? 2200",
            ", 10 * * ? *",
        ];
        for text in rows {
            assert!(Cron::parse(text).is_err(), "{text}");
        }
    }
}
