//! Schedules on the virtual clock: `rate(…)` and `cron(…)` rows, and the sweep of expired items.

mod rate;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel::Timestamp;
use kernel::cron::Recurrence;
use runtime::{Module, Trigger};
use serde_json::json;

use crate::aws::dynamodb::Tables;
use crate::aws::{ACCOUNT, REGION};
use crate::clock::VirtualClock;
use crate::lambda::Functions;

/// How often expired items are swept.
const SWEEP_EVERY_MS: i64 = 60_000;

/// When something is due next.
#[derive(Clone, Debug, PartialEq)]
enum Expression {
    /// Every so many milliseconds, counted from the start.
    Rate(i64),
    /// Times of day, in UTC.
    Cron(Box<Recurrence>),
}

/// Text that is no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{function}: {text} is no schedule: {reason}")]
pub struct ScheduleError {
    /// Function id.
    pub function: String,
    /// The expression.
    pub text: String,
    /// What is wrong.
    pub reason: String,
}

impl Expression {
    fn parse(text: &str) -> Result<Self, String> {
        let inner = |name: &str| text.strip_prefix(name)?.strip_suffix(')');
        if let Some(inner) = inner("rate(") {
            return rate::parse(inner).map(Self::Rate);
        }
        match inner("cron(") {
            Some(inner) => Recurrence::utc(inner)
                .map(|times| Self::Cron(Box::new(times)))
                .map_err(|refused| refused.to_string()),
            None => Err("write rate(value unit) or cron(six fields)".to_owned()),
        }
    }

    /// The first time after `after_ms`; `None` when there is none any more.
    fn next_ms(&self, after_ms: i64) -> Option<i64> {
        match self {
            Self::Rate(every_ms) => after_ms.checked_add(*every_ms),
            Self::Cron(times) => times.next(Timestamp::from_ms(after_ms)).map(Timestamp::ms),
        }
    }
}

/// The schedules of one platform. Clones share them.
#[derive(Clone)]
pub struct Schedules {
    inner: Arc<Inner>,
}

struct Inner {
    functions: Functions,
    tables: Tables,
    clock: VirtualClock,
    entries: Mutex<Vec<Entry>>,
}

struct Entry {
    due: Due,
    expression: Expression,
    next_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Function(&'static str),
    Sweep,
}

impl Schedules {
    /// The schedule rows of these modules and the sweep; nothing runs yet. Refuses an expression
    /// that AWS would not take.
    pub fn of(
        modules: &[Module],
        functions: &Functions,
        tables: &Tables,
        clock: &VirtualClock,
    ) -> Result<Self, ScheduleError> {
        let now_ms = clock.now_ms();
        let entry = |due, expression: Expression| {
            let next_ms = expression.next_ms(now_ms);
            Entry { due, expression, next_ms }
        };
        let mut entries = vec![entry(Due::Sweep, Expression::Rate(SWEEP_EVERY_MS))];
        for row in modules.iter().flat_map(|module| &module.rows) {
            let Trigger::Schedule(text) = row.trigger else { continue };
            let expression = Expression::parse(text).map_err(|reason| ScheduleError {
                function: row.id.to_owned(),
                text: text.to_owned(),
                reason,
            })?;
            entries.push(entry(Due::Function(row.id), expression));
        }
        let inner = Inner {
            functions: functions.clone(),
            tables: tables.clone(),
            clock: clock.clone(),
            entries: Mutex::new(entries),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Runs everything that became due since the last tick, each once, however long ago, and waits
    /// for it. What fails is due again at its next time.
    pub async fn tick(&self) {
        for due in self.take_due() {
            match due {
                Due::Function(id) => {
                    let event = self.event(id);
                    // The function has logged its failure.
                    let _ = self.inner.functions.call(id, event).await;
                }
                Due::Sweep => {
                    // What is not swept now is swept in a minute.
                    let _ = self.inner.tables.sweep_expired().await;
                }
            }
        }
    }

    /// Ticks whenever something is due, until the task is ended.
    pub async fn run(&self) {
        loop {
            let next_ms = self.entries().iter().filter_map(|entry| entry.next_ms).min();
            let Some(next_ms) = next_ms else { return };
            self.inner.clock.sleep_until(next_ms).await;
            self.tick().await;
        }
    }

    fn take_due(&self) -> Vec<Due> {
        let now_ms = self.inner.clock.now_ms();
        let mut entries = self.entries();
        let due =
            entries.iter_mut().filter(|entry| entry.next_ms.is_some_and(|next| next <= now_ms));
        due.map(|entry| {
            entry.next_ms = entry.expression.next_ms(now_ms);
            entry.due
        })
        .collect()
    }

    /// The event of a scheduled rule (EventBridge User Guide, "Scheduled events").
    fn event(&self, id: &str) -> serde_json::Value {
        let now_ms = self.inner.clock.now_ms();
        let now = jiff::Timestamp::from_millisecond(now_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let name = runtime::wiring::resource_name(id);
        json!({
            "version": "0",
            "id": format!("{name}-{now_ms}"),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": ACCOUNT,
            "time": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "region": REGION,
            "resources": [format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}")],
            "detail": {},
        })
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.inner.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
