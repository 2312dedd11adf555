//! Why a change is made: the row that goes into its transaction so that it is made once.

use std::sync::{Mutex, OnceLock};

use kernel::{ErrorKind, Problem, TenantId};
use store::collected::{Batches, Collected};
use store::idempotency::StoredAnswer;

use super::delivery::Delivery;

/// What the handler sees of a second delivery; the pipeline knows better what to make of it.
pub const DUPLICATE: Problem =
    Problem::new(ErrorKind::Conflict, "duplicate", "the event was handled before");

/// The cause of whatever this call commits.
#[derive(Clone, Debug)]
pub enum Cause {
    /// Nothing guards a repeat: the change is naturally idempotent, or each call acts.
    None,
    /// A request with an `Idempotency-Key`.
    Key(RequestKey),
    /// An event at a listener.
    Event(Box<Delivery>),
    /// Events that were collected for a listener.
    Batch(Batches, Vec<Collected>),
}

impl Cause {
    /// What names it: the same for every try at the same thing.
    pub fn name(&self) -> String {
        match self {
            Self::None => String::new(),
            Self::Key(key) => format!("{} {}", key.principal, key.key),
            Self::Event(delivery) => delivery.name(),
            Self::Batch(_, events) => {
                let ids = events.iter().map(|event| event.event_id.to_string());
                ids.collect::<Vec<_>>().join(" ")
            }
        }
    }
}

/// The idempotency key of a request, and what makes the request the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// Who sent it: keys of different principals never meet.
    pub principal: String,
    pub key: String,
    /// SHA-256 of path and canonical parameters.
    pub request_hash: String,
}

/// What a commit tells the pipeline past the handler: the handler only sees an error.
#[derive(Debug, Default)]
pub struct Signal {
    entered: OnceLock<(TenantId, bool)>,
    verdict: Mutex<Option<Verdict>>,
    committed: OnceLock<()>,
}

/// What the pipeline does with a handler's error.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Another writer was faster: run the handler again, from its read.
    Rerun,
    /// The same request was answered before: answer that again.
    Replay(StoredAnswer),
    /// The event was handled before, or another delivery is at it: what was found instead of a free
    /// row. Nothing is to be written any more.
    Duplicate(Option<store::Item>),
    /// The aggregate moved on meanwhile: what is known of the event is to be read again.
    Readmit,
}

impl Signal {
    /// A signal of a call that is in this tenant and mode from the start.
    pub(crate) fn of(inside: Option<(TenantId, bool)>) -> Self {
        let signal = Self::default();
        if let Some((tenant, livemode)) = inside {
            signal.enter(tenant, livemode);
        }
        signal
    }

    pub(crate) fn enter(&self, tenant: TenantId, livemode: bool) {
        // The first tenant of a call stays; a handler enters one.
        let _ = self.entered.set((tenant, livemode));
    }

    pub(crate) fn entered(&self) -> Option<(TenantId, bool)> {
        self.entered.get().copied()
    }

    pub(crate) fn raise(&self, verdict: Verdict) {
        if let Ok(mut slot) = self.verdict.lock() {
            *slot = Some(verdict);
        }
    }

    pub(crate) fn take(&self) -> Option<Verdict> {
        self.verdict.lock().ok().and_then(|mut slot| slot.take())
    }

    pub(crate) fn commit(&self) {
        let _ = self.committed.set(());
    }

    pub(crate) fn committed(&self) -> bool {
        self.committed.get().is_some()
    }
}
