//! `rate(value unit)` (EventBridge Scheduler User Guide, "Rate-based schedules").

/// Milliseconds of `value unit`: minutes, hours or days, in the singular for 1.
pub(super) fn parse(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text} is not a positive number and minute(s), hour(s) or day(s)");
    let (value, unit) = text.split_once(' ').ok_or_else(wrong)?;
    let value: i64 = value.parse().map_err(|_| wrong())?;
    let unit = match (value, unit) {
        (1, "minute" | "hour" | "day") => unit,
        (2.., _) => unit.strip_suffix('s').ok_or_else(wrong)?,
        _ => return Err(wrong()),
    };
    let unit_ms = match unit {
        "minute" => 60_000,
        "hour" => 3_600_000,
        "day" => 86_400_000,
        _ => return Err(wrong()),
    };
    value.checked_mul(unit_ms).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_and_a_unit_that_agree() {
        let rows = [
            ("1 minute", Some(60_000)),
            ("5 minutes", Some(300_000)),
            ("1 hour", Some(3_600_000)),
            ("12 hours", Some(43_200_000)),
            ("1 day", Some(86_400_000)),
            ("7 days", Some(604_800_000)),
            ("1 minutes", None),
            ("2 minute", None),
            ("0 minutes", None),
            ("-1 minutes", None),
            ("1 second", None),
            ("5", None),
            ("five minutes", None),
            ("9223372036854775807 days", None),
        ];
        for (text, expected) in rows {
            assert_eq!(parse(text).ok(), expected, "{text}");
        }
    }
}
