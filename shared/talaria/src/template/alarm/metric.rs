//! One alarm as a resource: what it computes and whom it tells.

use serde_json::{Value, json};

use super::kind::Kind;
use crate::template::intrinsic::{only_if, reference, resource};

/// Metrics one alarm can compute with.
pub const METRICS_MAX: usize = 10;

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
        only_if(condition, json!([reference(topic)]))
    }
}

/// One alarm: what it computes, when that is bad, and who is told.
pub struct Alarm {
    pub kind: &'static Kind,
    pub class: Class,
    pub threshold: f64,
    /// Minutes looked at, and how many of them must be bad.
    pub minutes: (u32, u32),
    pub queries: Vec<Value>,
}

impl Alarm {
    /// The alarm under this name.
    pub fn resource(self, name: Value) -> Value {
        let (periods, bad) = self.minutes;
        let Kind { name: kind, meaning, .. } = self.kind;
        let properties = json!({
            "AlarmName": name,
            "AlarmDescription": format!("{meaning} What to do: docs/generated/alarms.md#{kind}"),
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

/// What an alarm compares with its threshold.
pub fn expression(text: String) -> Value {
    json!({ "Id": "result", "Expression": text, "ReturnData": true })
}

/// A metric of AWS or of ours, minute by minute.
pub fn metric(id: &str, namespace: Value, name: &str, statistic: &str, dimensions: Value) -> Value {
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

/// A metric with one dimension.
pub fn dimension(name: &str, value: Value) -> Value {
    json!([{ "Name": name, "Value": value }])
}

/// The sum of up to ten metrics, named in their order, as a metric of its own.
pub fn sum(metrics: Vec<Value>) -> Vec<Value> {
    let ids: Vec<String> = (1..=metrics.len()).map(|at| format!("FILL(m{at}, 0)")).collect();
    metrics.into_iter().chain([expression(ids.join(" + "))]).collect()
}
