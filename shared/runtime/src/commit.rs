//! The one way to change state: a handler's change, its events, its audit row and its cause row in one
//! transaction, then the inline doorbell.

use std::sync::Arc;

use interface::Idempotency;
use interface::{Envelope, Event, Fact};
use kernel::problem::{
    DEPENDENCY_UNAVAILABLE, IDEMPOTENCY_KEY_IN_USE, IDEMPOTENCY_KEY_REUSED, LOCK_TIMEOUT,
};
use kernel::{EntityRef, Error};
use serde::Serialize;
use store::outbox::Birth;
use store::planted::{self, Bug};
use store::{Change, Consistency, NotCommitted, Token, collected, cursor, idempotency, inbox};

use crate::announcement::{Announcement, rows_of};
use crate::answer::Answer;
use crate::audit::AuditRow;
use crate::caller::InTenant;
use crate::cause::{Cause, DUPLICATE, Verdict};
use crate::ctx::{Call, Ctx};
use crate::reactor::Announced;
use crate::reply::Reply;
use crate::schedule::{Soon, Timer};
use crate::{listener, relay};

/// A change with everything that has to be true together with it.
pub struct Commit {
    change: Change,
    announcements: Vec<Announcement>,
    timers: Vec<TimerChange>,
    snapshot: Option<Result<serde_json::Value, Error>>,
    audit_target: Option<String>,
}

enum TimerChange {
    Schedule(Box<Timer>),
    Cancel(String),
}

impl Commit {
    /// Commits this change.
    pub fn of(change: Change) -> Self {
        let (announcements, timers) = (Vec::new(), Vec::new());
        Self { change, announcements, timers, snapshot: None, audit_target: None }
    }

    /// Announces an event as number `sequence` of its entity.
    pub fn announcing<D: Fact>(
        self,
        event: &Event<D>,
        subject: EntityRef,
        sequence: u64,
        data: &D,
    ) -> Self {
        self.announce(event, subject, sequence, None, data)
    }

    /// Announces an event of one facet: only listeners of that facet hear it.
    pub fn announcing_facet<D: Fact>(
        self,
        event: &Event<D>,
        facet: &'static str,
        subject: EntityRef,
        sequence: u64,
        data: &D,
    ) -> Self {
        self.announce(event, subject, sequence, Some(facet), data)
    }

    fn announce<D: Fact>(
        mut self,
        event: &Event<D>,
        subject: EntityRef,
        sequence: u64,
        facet: Option<&'static str>,
        data: &D,
    ) -> Self {
        let announcement = Announcement::of(event, subject, sequence, data);
        self.announcements.push(announcement.facet(facet));
        self
    }

    /// Keeps the public object as of this commit with its events: what tenants are shown.
    pub fn showing(mut self, object: &impl Serialize) -> Self {
        let object = serde_json::to_value(object);
        self.snapshot = Some(object.map_err(|fault| Error::internal(format!("snapshot: {fault}"))));
        self
    }

    /// Schedules an event. One commit can say one thing about a timer's key.
    pub fn scheduling(mut self, timer: Timer) -> Self {
        self.timers.push(TimerChange::Schedule(Box::new(timer)));
        self
    }

    /// Calls off the timer of this key: it does not fire once this is committed. Does nothing where none
    /// is scheduled.
    pub fn cancelling(mut self, key: impl ToString) -> Self {
        self.timers.push(TimerChange::Cancel(key.to_string()));
        self
    }

    /// Writes the contract's audit row about this target.
    pub fn audited(mut self, target: impl ToString) -> Self {
        self.audit_target = Some(target.to_string());
        self
    }
}

/// Why a commit did not happen, where the handler has something to decide.
#[derive(Debug)]
pub enum Uncommitted {
    /// A condition with this label did not hold; the old item, where there is one.
    Refused { label: &'static str, old: Option<store::Item> },
    /// Anything else: pass it on.
    Failed(Error),
}

impl From<Uncommitted> for Error {
    fn from(uncommitted: Uncommitted) -> Self {
        match uncommitted {
            Uncommitted::Failed(error) => error,
            Uncommitted::Refused { label, .. } => {
                Self::internal(format!("the refusal {label} has no meaning to its handler"))
            }
        }
    }
}

impl<Who: InTenant> Ctx<Who> {
    /// Commits and answers. A refused condition becomes the error it was declared with; a lost race runs
    /// the handler again from its read; a repeated request is answered like the first.
    pub async fn commit<S: Serialize>(
        &self,
        commit: Commit,
        reply: Reply<S>,
    ) -> Result<Reply<S>, Error> {
        self.try_commit(commit, reply).await.map_err(Error::from)
    }

    /// As [`commit`](Self::commit), for handlers that go on after a labelled condition was refused.
    pub async fn try_commit<S: Serialize>(
        &self,
        commit: Commit,
        reply: Reply<S>,
    ) -> Result<Reply<S>, Uncommitted> {
        let answer = match (&self.call.cause, &self.call.spec) {
            (Cause::Key(_), Some(spec)) => Some(Answer::render(spec, &reply)),
            _ => None,
        };
        let answer = answer.transpose().map_err(Uncommitted::Failed)?;
        self.save(commit, answer.as_ref()).await.map(|()| reply)
    }

    /// Commits the effect of a listener or a typed call, together with the event's inbox row.
    pub async fn apply(&self, commit: Commit) -> Result<(), Error> {
        self.try_apply(commit).await.map_err(Error::from)
    }

    /// As [`apply`](Self::apply), for handlers that go on after a labelled condition was refused.
    pub async fn try_apply(&self, commit: Commit) -> Result<(), Uncommitted> {
        self.save(commit, None).await
    }

    async fn save(&self, commit: Commit, answer: Option<&Answer>) -> Result<(), Uncommitted> {
        let now = self.now();
        let Commit { mut change, announcements, timers, snapshot, audit_target } = commit;
        let snapshot = snapshot.transpose().map_err(Uncommitted::Failed)?;
        let births = self.births(announcements).map_err(Uncommitted::Failed)?;
        for birth in &births {
            let reactions = self.reactions(birth, snapshot.as_ref());
            change = change.append(reactions.map_err(Uncommitted::Failed)?);
        }
        change = change.append(rows_of(&births, snapshot.as_ref(), now));
        let soon = self.time(&mut change, timers).map_err(Uncommitted::Failed)?;
        if let Some(row) = self.audit_row(audit_target) {
            change = change.append(row.into_change());
        }
        let cause = self.cause_row(answer, now);
        if planted::is(Bug::InboxAfterEffect) && !change.is_empty() {
            let outcome = self.send(change, births).await;
            outcome.map_err(|fault| self.explain(fault))?;
            change = Change::new().append(cause);
            return self.send(change, Vec::new()).await.map_err(|fault| self.explain(fault));
        }
        let outcome = self.send(change.append(cause), births).await;
        outcome.map_err(|fault| self.explain(fault))?;
        self.send_soon(&soon).await;
        Ok(())
    }

    /// Adds what schedules and cancels timers; answers those that are due very soon.
    fn time(&self, change: &mut Change, timers: Vec<TimerChange>) -> Result<Vec<Soon>, Error> {
        let mut soon = Vec::new();
        for timer in timers {
            match timer {
                TimerChange::Cancel(key) => {
                    change.update(self.cancelled(&key));
                }
                TimerChange::Schedule(timer) => {
                    let scheduled = self.scheduled(*timer)?;
                    change.update(scheduled.update);
                    soon.extend(scheduled.soon);
                }
            }
        }
        Ok(soon)
    }

    /// One transaction, then the doorbell and the listeners that run inline.
    async fn send(&self, change: Change, births: Vec<Birth>) -> Result<(), NotCommitted> {
        if planted::is(Bug::PublishedBeforeCommit) {
            relay::ring_inline(&self.call, &births).await;
        }
        self.store().commit(change, &self.token()).await?;
        self.call.signal.commit();
        relay::ring_inline(&self.call, &births).await;
        listener::run_inline(&self.call, &births).await;
        Ok(())
    }

    /// Commits rows that settle nothing by themselves, with the events they announce.
    pub(crate) async fn put_down(
        &self,
        change: Change,
        announcements: Vec<Announcement>,
    ) -> Result<(), NotCommitted> {
        let invalid =
            |error: Error| NotCommitted::Failed(store::StoreError::Invalid(error.to_string()));
        let births = self.births(announcements).map_err(invalid)?;
        let change = change.append(rows_of(&births, None, self.now()));
        self.send(change, births).await
    }

    /// What the module's own reactors add to the transaction.
    fn reactions(
        &self,
        birth: &Birth,
        snapshot: Option<&serde_json::Value>,
    ) -> Result<Change, Error> {
        let reactors = self.call.module.reactors.iter();
        let mut reactors = reactors.filter(|one| one.event.topic_type() == birth.topic_type());
        let Some(first) = reactors.next() else { return Ok(Change::new()) };
        let envelope = Envelope::parse(&birth.envelope)
            .map_err(|fault| Error::internal(format!("{}: {fault}", birth.kind)))?;
        let announced = Announced {
            data: &envelope.data,
            scope: self.mode_scope(),
            subject: &birth.subject,
            sequence: birth.sequence,
            at: envelope.time,
            snapshot,
        };
        let changes = std::iter::once(first).chain(reactors).map(|one| one.run(&announced));
        changes.into_iter().try_fold(Change::new(), |all, one| Ok(all.append(one?)))
    }

    fn explain(&self, fault: NotCommitted) -> Uncommitted {
        let (verdict, error) = match fault {
            NotCommitted::Refused { label: Some(idempotency::LABEL), old, .. } => {
                return self.replay(old);
            }
            NotCommitted::Refused { label: Some(inbox::LABEL | collected::LABEL), old, .. } => {
                let error = DUPLICATE.error();
                (Verdict::Duplicate(old), error)
            }
            NotCommitted::Refused { label: Some(cursor::LABEL), .. } => {
                (Verdict::Readmit, LOCK_TIMEOUT.because("the aggregate moved on"))
            }
            NotCommitted::Refused { error: Some(error), .. } => return Uncommitted::Failed(error),
            NotCommitted::Refused { label: Some(label), old, .. } => {
                return Uncommitted::Refused { label, old };
            }
            NotCommitted::Refused { label: None, .. }
            | NotCommitted::Conflict
            | NotCommitted::Throttled => (Verdict::Rerun, LOCK_TIMEOUT.error()),
            NotCommitted::Unknown => {
                return Uncommitted::Failed(dependency_unavailable());
            }
            NotCommitted::Failed(fault) => return Uncommitted::Failed(fault.into()),
        };
        self.call.signal.raise(verdict);
        Uncommitted::Failed(error)
    }

    fn replay(&self, old: Option<store::Item>) -> Uncommitted {
        let Cause::Key(key) = &self.call.cause else {
            return Uncommitted::Failed(Error::internal("an idempotency refusal without a key"));
        };
        let Some(record) = old.and_then(|item| idempotency::Record::from_item(item).ok()) else {
            self.call.signal.raise(Verdict::Rerun);
            return Uncommitted::Failed(in_use());
        };
        Uncommitted::Failed(match record.replay(&key.request_hash) {
            idempotency::Replay::Same(answer) => {
                self.call.signal.raise(Verdict::Replay(answer));
                in_use()
            }
            idempotency::Replay::OtherRequest => reused(),
        })
    }

    fn cause_row(&self, answer: Option<&Answer>, now: kernel::Timestamp) -> Change {
        match &self.call.cause {
            Cause::None => Change::new(),
            Cause::Key(key) => {
                let stored = answer.map(Answer::to_stored).unwrap_or_default();
                idempotency::Record::new(
                    &self.mode_scope(),
                    self.call.function,
                    &key.principal,
                    &key.key,
                    &key.request_hash,
                    stored,
                    now,
                )
                .into_change()
            }
            Cause::Event(delivery) => delivery.settle(None, now),
            Cause::Batch(batches, events) => batches.handled(events, now),
        }
    }

    fn audit_row(&self, target: Option<String>) -> Option<AuditRow> {
        let action = self.call.spec.as_ref()?.audit?;
        Some(AuditRow {
            id: self.new_id(),
            at: self.now(),
            tenant: self.who.tenant(),
            action,
            actor: self.who.actor(),
            target: target?,
            network: self.call.remote.network(),
            user_agent: self.call.remote.user_agent.clone(),
            request_id: self.call.request_id,
        })
    }

    /// The request token: one per cause and try, so that the SDK's own repeats are harmless.
    fn token(&self) -> Token {
        let attempt = self.call.commits.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let cause = format!("{} {}", self.call.request_id, self.call.cause.name());
        Token::of(cause.as_bytes(), attempt)
    }
}

/// Reads the answer the same request was given before: a handler that failed may have run after one
/// that succeeded.
pub(crate) async fn stored_answer(call: &Arc<Call>, scope: &store::Scope) -> Option<Verdict> {
    let Cause::Key(key) = &call.cause else { return None };
    if call.spec.as_ref()?.idempotency != Idempotency::Key {
        return None;
    }
    let record_key = idempotency::Record::key_of(scope, call.function, &key.principal, &key.key);
    let record: idempotency::Record =
        call.store.get(&record_key, Consistency::Strong).await.ok()??;
    if !record.is_live(call.ports.clock.now()) {
        return None;
    }
    match record.replay(&key.request_hash) {
        idempotency::Replay::Same(answer) => Some(Verdict::Replay(answer)),
        idempotency::Replay::OtherRequest => None,
    }
}

pub(crate) fn reused() -> Error {
    IDEMPOTENCY_KEY_REUSED.error()
}

fn in_use() -> Error {
    IDEMPOTENCY_KEY_IN_USE.error()
}

fn dependency_unavailable() -> Error {
    DEPENDENCY_UNAVAILABLE.error()
}
