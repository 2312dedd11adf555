//! The local Lambda: every function of the modules by id and by name, run in this process through the
//! very code that runs on AWS, or in processes of their own.

mod api;
mod in_process;
mod processes;
mod runtime_api;

#[cfg(test)]
mod tests;

pub use api::InvokeApi;
pub use in_process::{InProcess, SeededEntropy};
pub use processes::{Processes, ProcessesError};

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures_util::future::BoxFuture;
use runtime::{Module, Row};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::clock::VirtualClock;
use crate::connector::{Invocation, Permit};
use crate::mapping::{InvokeError, Invoker};

/// Takes log lines as they are written.
pub type LineSink = Arc<dyn Fn(&str) + Send + Sync>;

/// Largest event and largest answer of a synchronous invocation, in bytes (Lambda Developer Guide,
/// "Lambda quotas": 6 MB each).
pub const PAYLOAD_LIMIT_BYTES: usize = 6 * 1024 * 1024;

/// The functions of one platform. Clones share them.
#[derive(Clone)]
pub struct Functions {
    inner: Arc<Inner>,
}

struct Inner {
    by_id: HashMap<&'static str, Entry>,
    by_name: HashMap<String, &'static str>,
    runner: Arc<dyn Runner>,
    clock: VirtualClock,
    lines: LineSink,
    invocations: AtomicU64,
    /// Asynchronous invocations under way.
    pending: watch::Sender<usize>,
}

struct Entry {
    row: Row,
    permit: Arc<Permit>,
    warm: AtomicBool,
}

/// Where a function runs.
pub trait Runner: Send + Sync {
    /// Runs the function on an event, JSON in, JSON out. Dropping the future ends the run.
    fn run(&self, run: Run) -> BoxFuture<'static, Result<String, InvokeError>>;
}

/// One run of one function.
#[derive(Clone, Debug)]
pub struct Run {
    /// Function id.
    pub function: &'static str,
    /// Unique per invocation.
    pub request_id: String,
    /// The event, JSON.
    pub event: String,
    /// When it is ended, Unix milliseconds of the virtual clock.
    pub deadline_ms: i64,
    /// Whether it is the function's first.
    pub cold: bool,
}

impl Functions {
    /// The functions of these modules, named `<prefix><module>-<verb>`.
    pub fn new(
        modules: &[Module],
        name_prefix: &str,
        runner: Arc<dyn Runner>,
        clock: VirtualClock,
        lines: LineSink,
    ) -> Self {
        let rows = || modules.iter().flat_map(|module| &module.rows);
        let name = |row: &Row| format!("{name_prefix}{}", runtime::wiring::resource_name(row.id));
        let entry = |module: &Module, row: &Row| {
            let permit = Arc::new(Permit::of(module, row, name_prefix));
            (row.id, Entry { row: row.clone(), permit, warm: AtomicBool::new(false) })
        };
        let entries =
            modules.iter().flat_map(|module| module.rows.iter().map(move |row| entry(module, row)));
        let inner = Inner {
            by_id: entries.collect(),
            by_name: rows().map(|row| (name(row), row.id)).collect(),
            runner,
            clock,
            lines,
            invocations: AtomicU64::new(0),
            pending: watch::channel(0).0,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The id of the function of this name, ARN or id; `None` where there is none.
    pub fn find(&self, name: &str) -> Option<&'static str> {
        let name = name.rsplit(":function:").next().unwrap_or(name);
        let name = name.strip_suffix(":$LATEST").unwrap_or(name);
        let named = self.inner.by_name.get(name).copied();
        named.or_else(|| self.inner.by_id.get_key_value(name).map(|(id, _)| *id))
    }

    /// The row of this id.
    pub fn row(&self, id: &str) -> Option<&Row> {
        self.inner.by_id.get(id).map(|entry| &entry.row)
    }

    /// Ids of all functions, sorted.
    pub fn ids(&self) -> Vec<&'static str> {
        let mut ids: Vec<_> = self.inner.by_id.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// Runs a function and waits for its answer. It is ended when its timeout is over on the virtual
    /// clock; an event or an answer over the payload limit is a failure.
    pub fn call(&self, id: &str, event: Value) -> BoxFuture<'static, Result<Value, InvokeError>> {
        let prepared = self.prepare(id, &event);
        let inner = self.inner.clone();
        Box::pin(async move {
            let (run, invocation) = prepared?;
            let (function, request_id) = (run.function, run.request_id.clone());
            let answer = inner.run(run, invocation).await;
            if let Err(failed) = &answer {
                inner.report(function, &request_id, failed);
            }
            answer
        })
    }

    /// Runs a function and forgets its answer.
    pub fn send(&self, id: &str, event: Value) {
        let (call, pending) = (self.call(id, event), self.inner.clone());
        pending.pending.send_modify(|count| *count += 1);
        tokio::spawn(async move {
            let _ = call.await;
            pending.pending.send_modify(|count| *count = count.saturating_sub(1));
        });
    }

    /// Resolves when no invocation made by `send` is under way.
    pub async fn quiet(&self) {
        let mut pending = self.inner.pending.subscribe();
        // The sender lives as long as we do.
        let _ = pending.wait_for(|count| *count == 0).await;
    }

    fn prepare(&self, id: &str, event: &Value) -> Result<(Run, Invocation), InvokeError> {
        let failed = |text: String| InvokeError::Failed(text);
        let entry = self.inner.by_id.get_key_value(id);
        let (id, entry) = entry.ok_or_else(|| failed(format!("there is no function {id}")))?;
        let text = event.to_string();
        if text.len() > PAYLOAD_LIMIT_BYTES {
            return Err(failed("the event is larger than 6 MB".to_owned()));
        }
        let number = self.inner.invocations.fetch_add(1, Ordering::Relaxed);
        let request_id = crate::aws::sqs::uuid(&mut crate::fault::SplitMix::new(number));
        let timeout_ms = i64::from(entry.row.timeout_s) * 1000;
        let invocation = Invocation::new(*id, request_id.clone()).permitted(entry.permit.clone());
        let invocation = match tenant(event) {
            Some(tenant) => invocation.for_tenant(tenant),
            None => invocation,
        };
        let run = Run {
            function: id,
            request_id,
            event: text,
            deadline_ms: self.inner.clock.now_ms().saturating_add(timeout_ms),
            cold: !entry.warm.swap(true, Ordering::Relaxed),
        };
        Ok((run, invocation))
    }

    fn downgrade(&self) -> std::sync::Weak<Inner> {
        Arc::downgrade(&self.inner)
    }
}

impl Inner {
    async fn run(&self, run: Run, invocation: Invocation) -> Result<Value, InvokeError> {
        let deadline_ms = run.deadline_ms;
        let running = invocation.run(self.runner.run(run));
        let answer = tokio::select! {
            biased;
            done = running => done.map_err(|_| InvokeError::Crashed)??,
            () = self.clock.sleep_until(deadline_ms) => return Err(InvokeError::TimedOut),
        };
        if answer.len() > PAYLOAD_LIMIT_BYTES {
            return Err(InvokeError::Failed("the answer is larger than 6 MB".to_owned()));
        }
        serde_json::from_str(&answer)
            .map_err(|fault| InvokeError::Failed(format!("the answer is no JSON: {fault}")))
    }

    /// What Lambda itself writes when a function does not answer.
    fn report(&self, function: &str, request_id: &str, failed: &InvokeError) {
        let line = json!({
            "timestamp": kernel::Timestamp::from_ms(self.clock.now_ms()),
            "level": "warn",
            "call": function,
            "msg": "the invocation failed",
            "aws_request_id": request_id,
            "error": failed.to_string(),
        });
        (self.lines)(&line.to_string());
    }
}

impl Invoker for Functions {
    fn invoke(&self, id: &str, event: Value) -> BoxFuture<'static, Result<Value, InvokeError>> {
        self.call(id, event)
    }
}

/// The tenant an event is about: the principal's, the typed call's, or that of every message of a
/// batch. `None` where it is nobody's or several tenants': such a run may touch every tenant's rows.
fn tenant(event: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let principal = event.pointer("/requestContext/authorizer/lambda/tenant_id");
    if let Some(tenant) = principal.or_else(|| event.get("tenant")).and_then(text) {
        return Some(tenant);
    }
    let records = event.get("Records")?.as_array()?;
    let mut tenants = records.iter().map(|record| {
        let envelope: Envelope = serde_json::from_str(record.get("body")?.as_str()?).ok()?;
        Some(envelope.tenantid)
    });
    let first = tenants.next()??;
    tenants.all(|tenant| tenant.as_ref() == Some(&first)).then_some(first)
}

#[derive(serde::Deserialize)]
struct Envelope {
    tenantid: String,
}
