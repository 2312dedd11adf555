//! One field of an expression: numbers, names, ranges, steps and lists of them.

use super::NotCron;

pub(super) const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
pub(super) const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// The last year AWS takes.
pub(super) const LAST_YEAR: i16 = 2199;

/// The values of a field: `*`, numbers, names, `a-b`, `a/step`, `*/step`, and lists of them.
pub(super) fn list(text: &str, min: i16, max: i16, names: &[&str]) -> Result<Vec<i16>, NotCron> {
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
            return Err(NotCron(format!("{item} runs backwards")));
        }
        let step = usize::try_from(step.unwrap_or(1)).unwrap_or(1);
        values.extend((from..=to).step_by(step));
    }
    values.sort_unstable();
    values.dedup();
    Ok(values)
}

pub(super) fn number(text: &str, min: i16, max: i16, names: &[&str]) -> Result<i16, NotCron> {
    let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
    let named = named.and_then(|at| i16::try_from(at).ok()).map(|at| at + min);
    let value =
        named.or_else(|| text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit())));
    value
        .filter(|value| (min..=max).contains(value))
        .ok_or_else(|| NotCron(format!("{text} is not between {min} and {max}")))
}
