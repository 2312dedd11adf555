//! Alarms of a module: few, each with a reason to get up or to open a ticket, joined by one composite.

use events::Priority;
use runtime::module::Listening;
use runtime::stream::Births;
use runtime::wiring::{LaneError, resource_name};
use runtime::{Module, Row, Trigger};
use serde_json::{Value, json};

use super::Resources;
use super::intrinsic::{attribute, filled, logical, named, reference, resource};
use super::listener;

/// Metrics one alarm can compute with.
const METRICS_MAX: usize = 10;
/// Modules whose dead letters wake somebody.
const URGENT_MODULES: &[&str] = &["auth", "payment", "transaction"];

/// Who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Somebody gets up.
    Page,
    /// Somebody looks in the morning.
    Ticket,
}

impl Class {
    /// What the alarm does, where a topic of the class is configured.
    fn actions(self) -> Value {
        let (condition, topic) = match self {
            Self::Page => ("Pages", "PageTopic"),
            Self::Ticket => ("Tickets", "TicketTopic"),
        };
        json!({ "Fn::If": [condition, [reference(topic)], reference("AWS::NoValue")] })
    }
}

/// One kind of alarm, as the documents describe it.
pub struct Kind {
    pub name: &'static str,
    pub threshold: &'static str,
    pub meaning: &'static str,
    pub action: &'static str,
}

/// Answers of our own fault.
pub const FAULTS: Kind = Kind {
    name: "faults",
    threshold: "more than 1 % of at least 50 calls a minute",
    meaning: "Calls of the module are answered with a 5xx status.",
    action: "Search the module's log groups for `level` `error`; the lines name the cause.",
};
/// Crashes.
pub const CRASHES: Kind = Kind {
    name: "crashes",
    threshold: "any",
    meaning: "Functions ended without an answer: a crash, a timeout, or a start that was refused. \
              Handled failures are answers and never count here.",
    action: "Look for `refused to start`, `panicked` or a timeout report in the function's log group.",
};
/// Messages nobody could handle.
pub const DEAD_LETTERS: Kind = Kind {
    name: "dead-letters",
    threshold: "any visible message",
    meaning: "A listener gave up on an event. A message without attribute `cause` means a crash.",
    action: "Read the message's `error_code`, mend the cause, send the event again: \
             docs/runbooks/dead-letters.md.",
};
/// Listeners that fall behind.
pub const BEHIND: Kind = Kind {
    name: "behind",
    threshold: "oldest message older than twice the listener's whole back-off; urgent lanes 60 s",
    meaning: "A listener does not keep up, or every attempt fails.",
    action: "Compare `ListenerFailed` with `ListenerHandled`; raise the concurrency if nothing fails.",
};
/// Throttled tables.
pub const THROTTLED: Kind = Kind {
    name: "throttled",
    threshold: "any throttled request for 5 minutes",
    meaning: "A table or a partition of it takes no more requests.",
    action: "Find the hot key in CloudWatch Contributor Insights.",
};
/// Streams that fall behind.
pub const STREAM_BEHIND: Kind = Kind {
    name: "stream-behind",
    threshold: "iterator older than 60 s",
    meaning: "The reader of a stream falls behind; events arrive by the sweeper, a minute late.",
    action: "Look for errors of the reader in its log group: docs/runbooks/outbox.md.",
};

/// An archive that falls behind.
pub const ARCHIVE_BEHIND: Kind = Kind {
    name: "archive-behind",
    threshold: "iterator older than an hour",
    meaning: "The archive of published events falls behind. What the stream forgets, after 24 \
              hours, is missing in it; the events themselves are not affected.",
    action: "Look for `error` lines of the function in its log group: docs/operations.md.",
};

/// Every kind of alarm a module's stack can have.
pub const KINDS: &[&Kind] =
    &[&FAULTS, &CRASHES, &DEAD_LETTERS, &BEHIND, &THROTTLED, &STREAM_BEHIND, &ARCHIVE_BEHIND];

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
    if !module.tables.is_empty() {
        alarms.extend(throttled(module));
    }
    let composite = composite(module, &alarms);
    alarms.extend(composite);
    Ok(alarms)
}

/// One alarm: a name, how it is told, what it computes.
struct Alarm<'a> {
    kind: &'a Kind,
    suffix: String,
    class: Class,
    threshold: f64,
    /// Minutes looked at, and how many of them must be bad.
    minutes: (u32, u32),
    queries: Vec<Value>,
}

impl Alarm<'_> {
    fn resource(self, module: &str) -> Value {
        let (periods, bad) = self.minutes;
        let Kind { name, meaning, .. } = self.kind;
        let properties = json!({
            "AlarmName": named(&format!("{module}-{name}{}", self.suffix)),
            "AlarmDescription":
                format!("{meaning} What to do: docs/generated/alarms.md#{name}"),
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": self.threshold,
            "EvaluationPeriods": periods,
            "DatapointsToAlarm": bad,
            "TreatMissingData": "notBreaching",
            "Metrics": self.queries,
            "AlarmActions": self.class.actions(),
            "OKActions": self.class.actions(),
        });
        resource("AWS::CloudWatch::Alarm", properties)
    }
}

fn expression(text: String) -> Value {
    json!({ "Id": "result", "Expression": text, "ReturnData": true })
}

fn metric(id: &str, namespace: Value, name: &str, statistic: &str, dimensions: Value) -> Value {
    json!({
        "Id": id,
        "ReturnData": false,
        "MetricStat": {
            "Metric": { "Namespace": namespace, "MetricName": name, "Dimensions": dimensions },
            "Period": 60,
            "Stat": statistic,
        },
    })
}

fn dimension(name: &str, value: Value) -> Value {
    json!([{ "Name": name, "Value": value }])
}

/// The sum of up to ten metrics, as a metric of its own.
fn sum(metrics: Vec<Value>) -> Vec<Value> {
    let ids: Vec<String> = (1..=metrics.len()).map(|at| format!("FILL(m{at}, 0)")).collect();
    metrics.into_iter().chain([expression(ids.join(" + "))]).collect()
}

fn faults(module: &Module) -> Resources {
    let count = |id: &str, name: &str| {
        let of_module = dimension("Module", json!(module.name));
        metric(id, filled("Talaria/${Stage}"), name, "Sum", of_module)
    };
    let rate = "IF(calls >= 50, 100 * FILL(faults, 0) / calls, 0)";
    let alarm = Alarm {
        kind: &FAULTS,
        suffix: String::new(),
        class: Class::Page,
        threshold: 1.0,
        minutes: (3, 2),
        queries: vec![
            count("calls", "Calls"),
            count("faults", "Faults"),
            expression(rate.to_owned()),
        ],
    };
    [("FaultsAlarm".to_owned(), alarm.resource(module.name))].into_iter().collect()
}

fn crashes(module: &Module) -> Resources {
    let alarm = |(at, rows): (usize, &[Row])| {
        let errors = rows.iter().enumerate().map(|(at, row)| {
            let function = reference(&format!("{}Function", logical(row.id)));
            let of_function = dimension("FunctionName", function);
            metric(&format!("m{}", at + 1), json!("AWS/Lambda"), "Errors", "Sum", of_function)
        });
        let alarm = Alarm {
            kind: &CRASHES,
            suffix: format!("-{}", at + 1),
            class: Class::Page,
            threshold: 0.0,
            minutes: (3, 2),
            queries: sum(errors.collect()),
        };
        (format!("CrashesAlarm{}", at + 1), alarm.resource(module.name))
    };
    module.rows.chunks(METRICS_MAX).enumerate().map(alarm).collect()
}

fn dead_letters(module: &Module) -> Resources {
    let listeners: Vec<&Row> = module.rows.iter().filter(|row| row.listening().is_some()).collect();
    let class = if URGENT_MODULES.contains(&module.name) { Class::Page } else { Class::Ticket };
    let alarm = |(at, rows): (usize, &[&Row])| {
        let visible = rows.iter().enumerate().map(|(at, row)| {
            let queue = attribute(&listener::dead_letters(row), "QueueName");
            let name = "ApproximateNumberOfMessagesVisible";
            let of_queue = dimension("QueueName", queue);
            metric(&format!("m{}", at + 1), json!("AWS/SQS"), name, "Maximum", of_queue)
        });
        let alarm = Alarm {
            kind: &DEAD_LETTERS,
            suffix: format!("-{}", at + 1),
            class,
            threshold: 0.0,
            minutes: (1, 1),
            queries: sum(visible.collect()),
        };
        (format!("DeadLettersAlarm{}", at + 1), alarm.resource(module.name))
    };
    listeners.chunks(METRICS_MAX).enumerate().map(alarm).collect()
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
        Alarm {
            kind: &BEHIND,
            suffix: String::new(),
            class,
            threshold,
            minutes: (3, 2),
            queries: sum(vec![age]),
        },
    )
}

fn stream_behind(row: &Row, births: Births) -> Resources {
    let (kind, class, threshold) = match births {
        Births::Outbox => (&STREAM_BEHIND, Class::Page, 60_000.0),
        // Its batches wait for a minute; nobody waits for its files.
        Births::Sent => (&ARCHIVE_BEHIND, Class::Ticket, 3_600_000.0),
    };
    let function = reference(&format!("{}Function", logical(row.id)));
    let of_function = dimension("FunctionName", function);
    let age = metric("m1", json!("AWS/Lambda"), "IteratorAge", "Maximum", of_function);
    one(
        row,
        "StreamBehind",
        Alarm {
            kind,
            suffix: String::new(),
            class,
            threshold,
            minutes: (3, 2),
            queries: sum(vec![age]),
        },
    )
}

fn one(row: &Row, suffix: &str, alarm: Alarm<'_>) -> Resources {
    let name = format!("{}{suffix}Alarm", logical(row.id));
    [(name, alarm.resource(&resource_name(row.id)))].into_iter().collect()
}

fn throttled(module: &Module) -> Resources {
    let events = module.tables.iter().flat_map(|table| {
        let name = reference(&super::table::logical_name(table));
        ["ReadThrottleEvents", "WriteThrottleEvents"].map(|metric| (name.clone(), metric))
    });
    let metrics = events.take(METRICS_MAX).enumerate().map(|(at, (table, name))| {
        let of_table = dimension("TableName", table);
        metric(&format!("m{}", at + 1), json!("AWS/DynamoDB"), name, "Sum", of_table)
    });
    let alarm = Alarm {
        kind: &THROTTLED,
        suffix: String::new(),
        class: Class::Ticket,
        threshold: 0.0,
        minutes: (5, 5),
        queries: sum(metrics.collect()),
    };
    [("ThrottledAlarm".to_owned(), alarm.resource(module.name))].into_iter().collect()
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
