//! Alarms of a module: few, each with a reason to get up or to open a ticket, joined by one composite.
//! Those of the root stack stand in its template as they are written here.

mod kind;
mod metric;
mod shared;

use events::Priority;
use runtime::module::Listening;
use runtime::stream::Births;
use runtime::wiring::{LaneError, resource_name};
use runtime::{Module, Row, Trigger};
use serde_json::{Value, json};

use self::kind::{
    ARCHIVE_BEHIND, BEHIND, CRASHES, DEAD_LETTERS, FAULTS, Kind, STREAM_BEHIND, THROTTLED,
};
use self::metric::{Alarm, Class, METRICS_MAX, dimension, expression, metric, sum};
use self::shared::visible_messages;
use super::intrinsic::{attribute, filled, logical, named, resource};
use super::{Resources, listener};

pub use self::kind::KINDS;
pub use self::shared::of_root;

/// Modules whose dead letters wake somebody.
const URGENT_MODULES: &[&str] = &["auth", "payment", "transaction"];

/// The alarms of a module and the composite that joins them.
pub fn resources(module: &Module) -> Result<Resources, LaneError> {
    let mut alarms = Resources::new();
    if !module.rows.is_empty() {
        alarms.extend(faults(module));
        alarms.extend(crashes(module));
    }
    alarms.extend(dead_letters(module));
    for row in &module.rows {
        match &row.trigger {
            Trigger::Listener(heard) => alarms.extend(behind(row, heard)),
            Trigger::Stream { births, .. } => alarms.extend(stream_behind(row, *births)),
            _ => {}
        }
    }
    let throttles = shared::throttles(&module.tables);
    alarms.extend(throttles.into_iter().map(|(at, alarm)| {
        let name = in_module(module, &THROTTLED, &format!("-{at}"));
        (format!("ThrottledAlarm{at}"), alarm.resource(name))
    }));
    let composite = composite(module, &alarms);
    alarms.extend(composite);
    Ok(alarms)
}

fn faults(module: &Module) -> Resources {
    let count = |id: &str, name: &str| {
        let of_module = dimension("Module", json!(module.name));
        metric(id, filled("Talaria/${Stage}"), name, "Sum", of_module)
    };
    let rate = "IF(calls >= 50, 100 * FILL(faults, 0) / calls, 0)";
    let alarm = Alarm {
        kind: &FAULTS,
        class: Class::Page,
        threshold: 1.0,
        minutes: (3, 2),
        queries: vec![
            count("calls", "Calls"),
            count("faults", "Faults"),
            expression(rate.to_owned()),
        ],
    };
    [("FaultsAlarm".to_owned(), alarm.resource(in_module(module, &FAULTS, "")))]
        .into_iter()
        .collect()
}

/// The name of an alarm of a module.
fn in_module(module: &Module, kind: &Kind, suffix: &str) -> Value {
    named(&format!("{}-{}{suffix}", module.name, kind.name))
}

/// The alarms that take a new version back: what a bad one raises.
pub fn of_rollout(module: &Module) -> Vec<String> {
    let crashes = (1..=module.rows.chunks(METRICS_MAX).len()).map(|at| format!("CrashesAlarm{at}"));
    std::iter::once("FaultsAlarm".to_owned()).chain(crashes).take(METRICS_MAX).collect()
}

fn crashes(module: &Module) -> Resources {
    let alarm = |(at, rows): (usize, &[Row])| {
        let errors = rows.iter().enumerate().map(|(at, row)| {
            // By its name: a reference would let the alarm wait for the function.
            let of_function = dimension("FunctionName", named(&resource_name(row.id)));
            metric(&format!("m{}", at + 1), json!("AWS/Lambda"), "Errors", "Sum", of_function)
        });
        let alarm = Alarm {
            kind: &CRASHES,
            class: Class::Page,
            threshold: 0.0,
            minutes: (3, 2),
            queries: sum(errors.collect()),
        };
        let name = in_module(module, &CRASHES, &format!("-{}", at + 1));
        (format!("CrashesAlarm{}", at + 1), alarm.resource(name))
    };
    module.rows.chunks(METRICS_MAX).enumerate().map(alarm).collect()
}

/// Dead letters of listeners, and of jobs.
fn dead_letters(module: &Module) -> Resources {
    let has_queue = |row: &&Row| row.listening().is_some() || matches!(row.trigger, Trigger::Job);
    let queued: Vec<&Row> = module.rows.iter().filter(has_queue).collect();
    let class = if URGENT_MODULES.contains(&module.name) { Class::Page } else { Class::Ticket };
    let alarm = |(at, rows): (usize, &[&Row])| {
        let visible = rows.iter().enumerate().map(|(at, row)| {
            let queue = attribute(&listener::dead_letters(row), "QueueName");
            visible_messages(&format!("m{}", at + 1), queue)
        });
        let alarm = Alarm {
            kind: &DEAD_LETTERS,
            class,
            threshold: 0.0,
            minutes: (1, 1),
            queries: sum(visible.collect()),
        };
        let name = in_module(module, &DEAD_LETTERS, &format!("-{}", at + 1));
        (format!("DeadLettersAlarm{}", at + 1), alarm.resource(name))
    };
    queued.chunks(METRICS_MAX).enumerate().map(alarm).collect()
}

fn behind(row: &Row, heard: &Listening) -> Resources {
    let whole: u32 = (1..heard.tries)
        .map(|failure| {
            let at = usize::try_from(failure - 1).unwrap_or(usize::MAX);
            heard.backoff_s.get(at).or(heard.backoff_s.last()).copied().unwrap_or_default()
        })
        .sum();
    let (class, threshold) = match heard.priority {
        Priority::High => (Class::Page, 60.0),
        Priority::Normal | Priority::Low => (Class::Ticket, f64::from(whole.max(30) * 2)),
    };
    let queue = attribute(&listener::queue(row), "QueueName");
    let name = "ApproximateAgeOfOldestMessage";
    let age = metric("m1", json!("AWS/SQS"), name, "Maximum", dimension("QueueName", queue));
    one(
        row,
        "Behind",
        Alarm { kind: &BEHIND, class, threshold, minutes: (3, 2), queries: sum(vec![age]) },
    )
}

fn stream_behind(row: &Row, births: Births) -> Resources {
    let (kind, class, threshold) = match births {
        Births::Outbox => (&STREAM_BEHIND, Class::Page, 60_000.0),
        // Its batches wait for a minute; nobody waits for its files.
        Births::Sent => (&ARCHIVE_BEHIND, Class::Ticket, 3_600_000.0),
    };
    let of_function = dimension("FunctionName", named(&resource_name(row.id)));
    let age = metric("m1", json!("AWS/Lambda"), "IteratorAge", "Maximum", of_function);
    one(
        row,
        "StreamBehind",
        Alarm { kind, class, threshold, minutes: (3, 2), queries: sum(vec![age]) },
    )
}

fn one(row: &Row, suffix: &str, alarm: Alarm) -> Resources {
    let name = named(&format!("{}-{}", resource_name(row.id), alarm.kind.name));
    [(format!("{}{suffix}Alarm", logical(row.id)), alarm.resource(name))].into_iter().collect()
}

fn composite(module: &Module, alarms: &Resources) -> Resources {
    if alarms.is_empty() {
        return Resources::new();
    }
    let rule: Vec<String> = alarms.keys().map(|name| format!("ALARM(\"${{{name}}}\")")).collect();
    let properties = json!({
        "AlarmName": named(&format!("{}-health", module.name)),
        "AlarmDescription": format!("Module {} is not well.", module.name),
        "AlarmRule": filled(rule.join(" OR ")),
    });
    let composite = resource("AWS::CloudWatch::CompositeAlarm", properties);
    [("HealthAlarm".to_owned(), composite)].into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn no_alarm_computes_with_more_metrics_than_cloudwatch_takes() {
        let mut module = fixture::module();
        let row = module.rows[0].clone();
        module.rows.extend(std::iter::repeat_n(row, 25));
        for (name, alarm) in resources(&module).unwrap() {
            let queries = alarm["Properties"]["Metrics"].as_array().cloned().unwrap_or_default();
            let stats = queries.iter().filter(|one| one.get("MetricStat").is_some()).count();
            assert!(stats <= METRICS_MAX, "{name}: {stats}");
        }
    }

    #[test]
    fn dead_letters_of_jobs_are_seen_too() {
        let mut module = fixture::module();
        module.rows.push(fixture::works("demo.work"));
        let alarms = resources(&module).unwrap();
        let text = alarms["DeadLettersAlarm1"].to_string();
        assert!(text.contains("DemoWorkDeadLetters") && text.contains("DemoOnUpdatedDeadLetters"));
    }

    #[test]
    fn an_alarm_says_what_missing_data_means_and_where_to_read_on() {
        let alarms = resources(&fixture::module()).unwrap();
        assert!(
            alarms.contains_key("HealthAlarm") && alarms.contains_key("DemoRelayStreamBehindAlarm")
        );
        for (name, alarm) in alarms.iter().filter(|(name, _)| *name != "HealthAlarm") {
            assert_eq!(alarm["Properties"]["TreatMissingData"], "notBreaching", "{name}");
            let text = alarm["Properties"]["AlarmDescription"].as_str().unwrap();
            assert!(KINDS.iter().any(|kind| text.ends_with(&format!("#{}", kind.name))), "{text}");
        }
    }
}
