//! The one way to change state: a handler's change, its events, its audit row and its cause row in one
//! transaction, then the inline doorbell.

use std::sync::Arc;

use interface::{EventSpec, Idempotency};
use kernel::Error;
use kernel::problem::{
    DEPENDENCY_UNAVAILABLE, IDEMPOTENCY_KEY_IN_USE, IDEMPOTENCY_KEY_REUSED, LOCK_TIMEOUT,
};
use serde::Serialize;
use store::outbox::Birth;
use store::planted::{self, Bug};
use store::{Change, Consistency, NotCommitted, Token, collected, cursor, idempotency, inbox};

use super::announcement::{Announcement, rows_of};
use super::audit::AuditRow;
use super::builder::{Audited, Commit, TimerChange};
use super::schedule::Soon;
use crate::call::answer::Answer;
use crate::call::caller::InTenant;
use crate::call::cause::{Cause, DUPLICATE, Verdict};
use crate::call::ctx::{Call, Ctx};
use crate::call::reply::Reply;

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
        let Commit { mut change, announcements, timers, snapshot, audit, fault, .. } = commit;
        if let Some(fault) = fault {
            return Err(Uncommitted::Failed(fault));
        }
        let snapshot = snapshot.transpose().map_err(Uncommitted::Failed)?;
        self.declared(announcements.iter().map(|one| one.spec)).map_err(Uncommitted::Failed)?;
        let births = self.births(announcements).map_err(Uncommitted::Failed)?;
        for birth in &births {
            let reactions = self.call.consequences.reactions(birth, snapshot.as_ref());
            change = change.append(reactions.map_err(Uncommitted::Failed)?);
        }
        change = change.append(rows_of(&births, snapshot.as_ref(), now));
        let soon = self.time(&mut change, timers).map_err(Uncommitted::Failed)?;
        if let Some(row) = self.audit_row(audit).map_err(Uncommitted::Failed)? {
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

    /// Refuses an event that the function's row does not name: nobody would know who announces it, and
    /// the role might lack the right to.
    fn declared(&self, events: impl Iterator<Item = EventSpec>) -> Result<(), Error> {
        let function = self.call.function;
        let mut undeclared =
            events.filter(|event| !self.call.consequences.announces(function, event));
        match undeclared.next() {
            None => Ok(()),
            Some(event) => {
                let name = event.topic_type();
                Err(Error::internal(format!(
                    "the row of {function} does not say `.emits([…])` of {name}"
                )))
            }
        }
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
                    self.declared([timer.spec()].into_iter())?;
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
            self.call.consequences.ring(&self.call, &births).await;
        }
        self.store().commit(change, &self.token()).await?;
        self.call.signal.commit();
        self.call.consequences.ring(&self.call, &births).await;
        self.call.consequences.clone().run_inline(&self.call, &births).await;
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

    fn audit_row(&self, audited: Option<Audited>) -> Result<Option<AuditRow>, Error> {
        let Some(action) = self.call.spec.as_ref().and_then(|spec| spec.audit.action()) else {
            return Ok(None);
        };
        let Some(Audited { target, outcome }) = audited else {
            let function = self.call.function;
            return Err(Error::internal(format!(
                "{function} commits without an audit target: say whom it is about with `audited`"
            )));
        };
        Ok(Some(AuditRow {
            id: self.new_id(),
            at: self.now(),
            tenant: self.who.tenant(),
            action,
            outcome,
            actor: self.who.actor(),
            target,
            network: self.call.remote.network(),
            user_agent: self.call.remote.user_agent.clone(),
            request_id: self.call.request_id,
        }))
    }

    /// The request token: one per cause and try, so that the SDK's own repeats are harmless.
    fn token(&self) -> Token {
        let attempt = self.call.commits.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let cause = format!("{} {}", self.call.request_id, self.call.cause.name());
        Token::of(cause.as_bytes(), attempt)
    }
}

/// Reads the answer the same request was given before: a handler that failed may have run after one
/// that succeeded. Refused where it was another request that had the key.
pub(crate) async fn stored_answer(
    call: &Arc<Call>,
    scope: &store::Scope,
) -> Option<Result<idempotency::StoredAnswer, Error>> {
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
        idempotency::Replay::Same(answer) => Some(Ok(answer)),
        idempotency::Replay::OtherRequest => Some(Err(reused())),
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
