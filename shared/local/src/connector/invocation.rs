//! The invocation an AWS call belongs to: who called, its log, and how it is ended by a crash.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::Notify;

use super::call::{Call, Outcome};
use super::permit::Permit;

tokio::task_local! {
    static CURRENT: Arc<Shared>;
}

/// One run of one function. Build it, keep its [`CallLog`], then `run` the handler's future in it:
/// every AWS call made inside (not in tasks the handler spawns) is attributed to it.
#[derive(Debug)]
pub struct Invocation {
    shared: Arc<Shared>,
}

/// The function was ended by an injected crash; its future is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the function was ended by an injected crash")]
pub struct Crashed;

/// The calls of one invocation, readable while it runs and after.
#[derive(Clone, Debug)]
pub struct CallLog {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub function: String,
    pub request_id: String,
    pub permit: Option<Arc<Permit>>,
    tenant: OnceLock<String>,
    log: Mutex<Log>,
    crashed: AtomicBool,
    crash: Notify,
}

#[derive(Debug, Default)]
struct Log {
    calls: Vec<Call>,
    /// The highest round of a call that has ended.
    rounds_ended: usize,
}

impl Invocation {
    /// An invocation of `function` without a known tenant: it may touch every tenant's keys.
    pub fn new(function: impl Into<String>, request_id: impl Into<String>) -> Self {
        let shared = Shared {
            function: function.into(),
            request_id: request_id.into(),
            permit: None,
            tenant: OnceLock::new(),
            log: Mutex::default(),
            crashed: AtomicBool::new(false),
            crash: Notify::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The same, allowed to touch the keys of `tenant` and the shared ones only. The first tenant
    /// given counts.
    #[must_use]
    pub fn for_tenant(self, tenant: impl Into<String>) -> Self {
        self.shared.tenant.get_or_init(|| tenant.into());
        self
    }

    /// The same, allowed no more than what this permit allows.
    #[must_use]
    pub fn permitted(mut self, permit: Arc<Permit>) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.permit = Some(permit);
        }
        self
    }

    /// The log of this invocation's calls.
    pub fn log(&self) -> CallLog {
        CallLog { shared: self.shared.clone() }
    }

    /// Runs `future` as this invocation. Fails only when an injected fault crashes it; the future
    /// is dropped where it stood, as a killed process would be.
    pub async fn run<F: Future>(self, future: F) -> Result<F::Output, Crashed> {
        let shared = self.shared;
        let scoped = CURRENT.scope(shared.clone(), future);
        tokio::select! {
            biased;
            () = shared.crash.notified() => Err(Crashed),
            output = scoped => Ok(output),
        }
    }

    pub(super) fn current() -> Option<Arc<Shared>> {
        CURRENT.try_with(Arc::clone).ok()
    }
}

impl CallLog {
    /// All calls in the order they began.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.log().calls.clone()
    }

    /// The longest chain of calls that had to wait for one another.
    pub fn depth(&self) -> usize {
        self.shared.log().calls.iter().map(|call| call.round).max().unwrap_or(0)
    }

    /// Read units of all calls.
    pub fn read_units(&self) -> f64 {
        self.shared.log().calls.iter().map(|call| call.read_units).sum()
    }

    /// Write units of all calls.
    pub fn write_units(&self) -> f64 {
        self.shared.log().calls.iter().map(|call| call.write_units).sum()
    }
}

impl Shared {
    /// The tenant whose keys it may touch; `None`: every tenant's.
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.get().map(String::as_str)
    }

    /// Logs a call that begins now and returns its index.
    pub fn begin(&self, mut call: Call) -> usize {
        let mut log = self.log();
        call.round = log.rounds_ended + 1;
        call.index = log.calls.len() + 1;
        call.function.clone_from(&self.function);
        call.request_id.clone_from(&self.request_id);
        let index = call.index;
        log.calls.push(call);
        index
    }

    /// Notes how the call ended.
    pub fn finish(&self, index: usize, outcome: Outcome, units: (f64, f64)) {
        let mut log = self.log();
        let Log { calls, rounds_ended } = &mut *log;
        if let Some(call) = index.checked_sub(1).and_then(|position| calls.get_mut(position)) {
            call.outcome = outcome;
            (call.read_units, call.write_units) = units;
            *rounds_ended = call.round.max(*rounds_ended);
        }
    }

    /// The call as it stands.
    pub fn call(&self, index: usize) -> Option<Call> {
        self.log().calls.get(index.checked_sub(1)?).cloned()
    }

    /// Ends the invocation: its runner drops the handler's future.
    pub fn end_by_crash(&self) {
        self.crashed.store(true, Ordering::Release);
        self.crash.notify_one();
    }

    /// Whether it was ended; no further call of it reaches a service.
    pub fn has_crashed(&self) -> bool {
        self.crashed.load(Ordering::Acquire)
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
