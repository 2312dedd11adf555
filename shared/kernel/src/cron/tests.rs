use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The next times after an instant, without seconds.
fn next(times: &Recurrence, after: &str, count: usize) -> String {
    let found = std::iter::successors(times.next(at(after)), |time| times.next(*time));
    let texts = found.take(count).map(|time| time.to_string().replace('T', " "));
    let texts: Vec<String> = texts.map(|text| text.chars().take(16).collect()).collect();
    texts.join(", ")
}

/// The examples of the guide, and its wildcards, after 2030-06-01 12:00 (a Saturday).
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
        let times = Recurrence::utc(text).unwrap();
        assert_eq!(next(&times, "2030-06-01T12:00:00Z", 3), expected, "{text}");
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
        assert!(Recurrence::utc(text).is_err(), "{text}");
    }
    for zone in ["", "Berlin", "Europe/Atlantis", "+01:00", "../etc"] {
        assert!(Recurrence::parse("0 10 * * ? *", zone).is_err(), "{zone}");
    }
}

/// Berlin: forward on 2030-03-31 at 01:00 UTC (02:00 → 03:00), back on 2030-10-27 at 01:00 UTC (03:00 →
/// 02:00). New York: forward on 2030-03-10 at 07:00 UTC, back on 2030-11-03 at 06:00 UTC. Lord Howe moves
/// by half an hour: forward on 2030-10-06 at 15:30 UTC of the day before (02:00 → 02:30). St John's runs at
/// an odd offset. Apia had no 30 December 2011 (the day ended at 10:00 UTC).
#[test]
fn a_time_the_clocks_skip_comes_right_after_and_a_doubled_one_comes_once() {
    let (day, half) = ("30 2 * * ? *", "0/30 2 * * ? *");
    let rows = [
        ("Europe/Berlin", day, "2030-03-30T12:00:00Z", "2030-03-31 01:00, 2030-04-01 00:30"),
        ("Europe/Berlin", half, "2030-03-30T12:00:00Z", "2030-03-31 01:00, 2030-04-01 00:00"),
        (
            "Europe/Berlin",
            "0 2,3 * * ? *",
            "2030-03-30T12:00:00Z",
            "2030-03-31 01:00, 2030-04-01 00:00",
        ),
        (
            "Europe/Berlin",
            "0 3 * * ? *",
            "2030-03-30T12:00:00Z",
            "2030-03-31 01:00, 2030-04-01 01:00",
        ),
        ("Europe/Berlin", day, "2030-10-26T12:00:00Z", "2030-10-27 00:30, 2030-10-28 01:30"),
        ("Europe/Berlin", half, "2030-10-27T00:10:00Z", "2030-10-27 00:30, 2030-10-28 01:00"),
        ("Europe/Berlin", half, "2030-10-27T01:10:00Z", "2030-10-28 01:00, 2030-10-28 01:30"),
        (
            "Europe/Berlin",
            "0 * * * ? *",
            "2030-10-26T23:30:00Z",
            "2030-10-27 00:00, 2030-10-27 02:00",
        ),
        ("America/New_York", day, "2030-03-10T00:00:00Z", "2030-03-10 07:00, 2030-03-11 06:30"),
        (
            "America/New_York",
            "30 1 * * ? *",
            "2030-11-03T00:00:00Z",
            "2030-11-03 05:30, 2030-11-04 06:30",
        ),
        (
            "Australia/Lord_Howe",
            "15 2 * * ? *",
            "2030-10-05T00:00:00Z",
            "2030-10-05 15:30, 2030-10-06 15:15",
        ),
        (
            "America/St_Johns",
            "0 12 * * ? *",
            "2030-01-01T00:00:00Z",
            "2030-01-01 15:30, 2030-01-02 15:30",
        ),
        (
            "Pacific/Apia",
            "0 12 30 12 ? *",
            "2011-12-29T00:00:00Z",
            "2011-12-30 10:00, 2012-12-29 22:00",
        ),
        ("UTC", day, "2030-03-30T12:00:00Z", "2030-03-31 02:30, 2030-04-01 02:30"),
    ];
    for (zone, cron, after, expected) in rows {
        let times = Recurrence::parse(cron, zone).unwrap();
        assert_eq!(next(&times, after, 2), expected, "{cron} in {zone} after {after}");
    }
}

#[test]
fn the_next_time_is_never_the_instant_itself() {
    let times = Recurrence::utc("* * * * ? *").unwrap();
    let rows = [
        ("2030-06-01T12:00:00.000Z", "2030-06-01T12:01:00.000Z"),
        ("2030-06-01T12:00:00.001Z", "2030-06-01T12:01:00.000Z"),
        ("2030-06-01T11:59:59.999Z", "2030-06-01T12:00:00.000Z"),
        ("2030-12-31T23:59:00.000Z", "2031-01-01T00:00:00.000Z"),
    ];
    for (after, expected) in rows {
        assert_eq!(times.next(at(after)), Some(at(expected)));
    }
}

#[test]
fn the_last_times_of_a_span_are_its_newest() {
    let last = |cron: &str, most, from: &str, to: &str| {
        let times = Recurrence::utc(cron).unwrap().last(most, at(from), at(to));
        times.into_iter().map(|time| time.to_string().chars().skip(5).take(11).collect()).collect()
    };
    let rows: [(&str, usize, &str, &str, &[&str]); 5] = [
        (
            "0 10 * * ? *",
            3,
            "2029-01-01T10:00:00Z",
            "2030-06-03T09:00:00Z",
            &["05-31T10:00", "06-01T10:00", "06-02T10:00"],
        ),
        (
            "0 10 * * ? *",
            3,
            "2030-06-01T10:00:00Z",
            "2030-06-02T10:00:00Z",
            &["06-01T10:00", "06-02T10:00"],
        ),
        (
            "* * * * ? *",
            2,
            "2030-06-01T10:00:00Z",
            "2031-06-01T10:00:30Z",
            &["06-01T09:59", "06-01T10:00"],
        ),
        ("0 10 * * ? *", 3, "2030-06-01T10:01:00Z", "2030-06-02T09:59:00Z", &[]),
        ("0 10 * * ? *", 3, "2030-06-02T10:00:00Z", "2030-06-01T10:00:00Z", &[]),
    ];
    for (cron, most, from, to, expected) in rows {
        let found: Vec<String> = last(cron, most, from, to);
        assert_eq!(found, expected, "{cron} from {from} to {to}");
    }
}

#[test]
fn a_recurrence_is_stored_as_its_texts() {
    let times = Recurrence::parse("0  10 * * ? *", "europe/berlin").unwrap();
    let text = serde_json::to_string(&times).unwrap();
    assert_eq!(text, r#"{"cron":"0 10 * * ? *","zone":"Europe/Berlin"}"#);
    assert_eq!(serde_json::from_str::<Recurrence>(&text).unwrap(), times);
    assert!(serde_json::from_str::<Recurrence>(r#"{"cron":"x","zone":"UTC"}"#).is_err());
}
