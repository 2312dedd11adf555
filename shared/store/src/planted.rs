//! Bugs that the simulation plants to prove that it would find them. None is ever on unless a test of
//! this process says so, and a release build does not contain them.

use std::cell::Cell;

/// One bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// One condition of a transaction is dropped: that of the action with this label.
    ConditionDropped(&'static str),
    /// Events are published before the transaction that announces them.
    PublishedBeforeCommit,
    /// A row is marked sent before it is published.
    SentBeforePublished,
    /// Two rows of one ordered aggregate travel in one batch.
    AggregateInOneBatch,
    /// The inbox row is written after the transaction of its effect.
    InboxAfterEffect,
    /// The queue gives up after as many receives as the listener has tries.
    ReceivesAreTheTries,
    /// The relay publishes row k without looking at k−1.
    PredecessorIgnored,
    /// A replay is published under the deduplication id of the first publication.
    ReplayKeepsItsId,
    /// A write under a lease does not compare the fencing number.
    UnfencedLease,
    /// A claim of an inbox row never expires.
    EternalClaim,
    /// Relay attempts are counted after the publish call.
    AttemptAfterPublish,
    /// The next event of an aggregate is applied past a failed one.
    BlockIgnored,
    /// An exhausted event is acknowledged without a failed row.
    ExhaustedWithoutRow,
    /// A timer fires outside the transaction of its event.
    TimerOutsideTransaction,
    /// A cancelled timer fires all the same.
    CancelledTimerFires,
    /// A page of a stale index counts as the whole truth.
    StaleIndexTrusted,
    /// A replay reads with another tenant's key.
    ForeignKey,
    /// A batch goes on after one of its FIFO items failed.
    BatchGoesOn,
}

thread_local! {
    static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
}

/// Whether this bug is planted in this thread. Never, in a release build.
pub fn is(bug: Bug) -> bool {
    cfg!(debug_assertions) && PLANTED.get() == Some(bug)
}

/// Plants a bug in this thread until the guard is dropped.
#[must_use = "the bug is gone with the guard"]
pub fn plant(bug: Bug) -> Guard {
    PLANTED.set(Some(bug));
    Guard(())
}

/// As long as it lives, the bug does.
#[derive(Debug)]
pub struct Guard(());

impl Drop for Guard {
    fn drop(&mut self) {
        PLANTED.set(None);
    }
}
