//! Structured logs and metrics: one JSON object per line, one wide `done` line per call or item, and
//! one line of CloudWatch embedded metrics.

use std::sync::Arc;
use std::time::Duration;

use interface::Envelope;
use kernel::{Error, ErrorKind, Timestamp};
use serde_json::{Map, Value, json};
use store::Reading;

use super::config::Config;
use super::digest::fingerprint;

/// Where lines go: standard output on Lambda, the console locally, a buffer in tests.
#[derive(Clone)]
pub struct Log(Option<Arc<Write>>);

type Write = dyn Fn(&str) + Send + Sync;

impl Log {
    /// Lines go to `sink`.
    pub fn to(sink: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(sink)))
    }

    /// Nobody reads: lines are not even made.
    pub fn silent() -> Self {
        Self(None)
    }

    /// Lines go to standard output, where Lambda collects them.
    pub fn stdout() -> Self {
        Self::to(|line| {
            use std::io::Write;
            // A closed output must not fail the call it tells about.
            let _ = writeln!(std::io::stdout().lock(), "{line}");
        })
    }

    /// Writes one line.
    pub fn write(&self, config: &Config, now: Timestamp, function: &str, line: Line) {
        let Some(sink) = &self.0 else { return };
        let module = function.split_once('.').map_or(function, |(module, _)| module);
        let mut object = json!({
            "timestamp": now,
            "level": line.level,
            "module": module,
            "call": function,
            "version": env!("CARGO_PKG_VERSION"),
            "env": config.stage,
            "msg": line.message,
        });
        if let Value::Object(members) = &mut object {
            members.extend(line.fields);
        }
        sink(&object.to_string());
    }

    /// Writes the line and the metrics of a finished call or item.
    pub(crate) fn done(&self, config: &Config, now: Timestamp, done: &Done<'_>) {
        let Some(sink) = &self.0 else { return };
        self.write(config, now, done.function, done.line());
        sink(&done.metrics(config, now).to_string());
    }

    /// Writes one metric on its own.
    pub fn metric(&self, config: &Config, now: Timestamp, metric: &Metric<'_>) {
        if let Some(sink) = &self.0 {
            sink(&metric.to_json(config, now).to_string());
        }
    }
}

/// One line before it is written.
pub struct Line {
    level: &'static str,
    message: String,
    fields: Map<String, Value>,
}

impl Line {
    /// Somebody must act.
    pub fn error(message: &str) -> Self {
        Self::new("error", message)
    }

    /// We coped.
    pub fn warn(message: &str) -> Self {
        Self::new("warn", message)
    }

    /// What a customer would call an event.
    pub fn info(message: &str) -> Self {
        Self::new("info", message)
    }

    fn new(level: &'static str, message: &str) -> Self {
        Self { level, message: message.to_owned(), fields: Map::new() }
    }

    /// With one more member; absent values are left out.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        if !value.is_null() {
            self.fields.insert(name.to_owned(), value);
        }
        self
    }
}

/// One metric value with its dimension.
pub struct Metric<'a> {
    pub name: &'static str,
    pub unit: &'static str,
    pub dimension: (&'static str, &'a str),
    pub value: u64,
}

impl Metric<'_> {
    fn to_json(&self, config: &Config, now: Timestamp) -> Value {
        let (dimension, of) = self.dimension;
        embedded(config, now, dimension, of, &[(self.name, self.unit, self.value)])
    }
}

/// The embedded metric format: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.
fn embedded(
    config: &Config,
    now: Timestamp,
    dimension: &str,
    of: &str,
    metrics: &[(&str, &str, u64)],
) -> Value {
    let definitions: Vec<Value> =
        metrics.iter().map(|(name, unit, _)| json!({ "Name": name, "Unit": unit })).collect();
    let mut line = json!({
        "_aws": {
            "Timestamp": now.ms(),
            "CloudWatchMetrics": [{
                "Namespace": format!("Talaria/{}", config.stage),
                "Dimensions": [[dimension]],
                "Metrics": definitions,
            }],
        },
    });
    if let Value::Object(members) = &mut line {
        members.insert(dimension.to_owned(), of.into());
        for (name, _, value) in metrics {
            members.insert((*name).to_owned(), (*value).into());
        }
    }
    line
}

/// Everything about a finished call or item.
pub(crate) struct Done<'a> {
    pub function: &'static str,
    pub request_id: String,
    pub correlation_id: Option<String>,
    pub trace_id: Option<String>,
    pub tenant_id: Option<String>,
    pub actor_id: Option<String>,
    pub route: Option<String>,
    pub status: Option<u16>,
    pub error: Option<&'a Error>,
    pub duration: Duration,
    pub cold_start: bool,
    pub reruns: u32,
    pub meter: &'a store::Meter,
    pub event: Option<Handled<'a>>,
}

/// What became of one event at one listener.
pub(crate) struct Handled<'a> {
    pub envelope: &'a Envelope,
    pub outcome: &'static str,
    pub code: Option<&'a str>,
    pub attempt: u32,
}

impl Done<'_> {
    fn line(&self) -> Line {
        let reading = self.meter.reading();
        let level = match self.error.map(Error::kind) {
            Some(ErrorKind::Internal) => "error",
            Some(ErrorKind::Unavailable) => "warn",
            _ => "info",
        };
        let mut line = Line::new(level, "done")
            .with("request_id", self.request_id.as_str())
            .with("correlation_id", self.correlation_id.clone())
            .with("trace_id", self.trace_id.clone())
            .with("tenant_id", self.tenant_id.clone())
            .with("actor_id", self.actor_id.clone())
            .with("route", self.route.clone())
            .with("status", self.status)
            .with("duration_ms", milliseconds(self.duration))
            .with("cold_start", self.cold_start)
            .with("dynamodb_requests", reading.requests())
            .with("dynamodb_read_units", tenths(reading.read_tenths))
            .with("dynamodb_write_units", tenths(reading.write_tenths));
        if self.reruns > 0 {
            line = line.with("reruns", self.reruns);
        }
        if let Some(error) = self.error {
            let fingerprint = fingerprint(error.code(), error.message());
            line = line.with("error_code", error.code()).with("error_fingerprint", fingerprint);
            if error.kind() == ErrorKind::Internal {
                line = line.with("error", error.message());
            }
        }
        if let Some(event) = &self.event {
            line = line
                .with("event_id", event.envelope.id.to_string())
                .with("event_type", event.envelope.kind.as_str())
                .with("aggregate", event.envelope.subject.to_string())
                .with("sequence", event.envelope.sequence_number())
                .with("listener", self.function)
                .with("attempt", event.attempt)
                .with("outcome", event.outcome)
                .with("error_code", event.code);
        }
        line
    }

    fn metrics(&self, config: &Config, now: Timestamp) -> Value {
        let module = self.function.split_once('.').map_or(self.function, |(module, _)| module);
        let duration = ("Duration", "Milliseconds", milliseconds(self.duration));
        if self.event.is_some() {
            let failed = u64::from(self.error.is_some());
            let counts = [
                ("ListenerHandled", "Count", 1 - failed),
                ("ListenerFailed", "Count", failed),
                duration,
            ];
            return embedded(config, now, "Listener", self.function, &counts);
        }
        let faults = u64::from(self.status.is_some_and(|status| status >= 500));
        let counts = [("Calls", "Count", 1), ("Faults", "Count", faults), duration];
        embedded(config, now, "Module", module, &counts)
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Capacity units come in halves; logs show them with one decimal.
fn tenths(tenths: u64) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// `Server-Timing` with the capacity a call consumed.
pub(crate) fn server_timing(reading: &Reading) -> String {
    format!("ddb;desc=\"{}R {}W\"", tenths(reading.read_tenths), tenths(reading.write_tenths))
}
