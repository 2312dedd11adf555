//! The one way to change state: a handler's change, its events, its audit row and its cause row in one
//! transaction, then the inline doorbell.

use std::sync::Arc;

use interface::Idempotency;
use interface::{Envelope, Event, EventSpec, Fact};
use kernel::problem::{
    DEPENDENCY_UNAVAILABLE, IDEMPOTENCY_KEY_IN_USE, IDEMPOTENCY_KEY_REUSED, LOCK_TIMEOUT,
};
use kernel::{EntityRef, Error, Reserved};
use serde::Serialize;
use store::outbox::Birth;
use store::planted::{self, Bug};
use store::{
    Aggregate, Change, Consistency, Key, NotCommitted, Table, Token, Update, collected, cursor,
    idempotency, inbox,
};

use crate::announcement::{Announcement, rows_of};
use crate::answer::Answer;
use crate::audit::{self, AuditRow};
use crate::caller::InTenant;
use crate::cause::{Cause, DUPLICATE, Verdict};
use crate::ctx::{Call, Ctx};
use crate::reactor::Announced;
use crate::reply::Reply;
use crate::schedule::{Soon, Timer};
use crate::{listener, relay};

/// A change with everything that has to be true together with it.
///
/// ```
/// # use kernel::{EntityKind, EntityRef, Head};
/// # use interface::ops::{ACTION_PERFORMED, ActionPerformed};
/// # use interface::Fact;
/// # use runtime::Commit;
/// # use store::{Aggregate, Key, Scope, Stored, Table, Versioned};
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct Order { #[serde(flatten)] head: Head }
/// # impl Stored for Order {
/// #     const TABLE: Table = Table::new("orders");
/// #     fn key(&self) -> Key { Key::alone(Scope::system().partition("ORDER", ())) }
/// # }
/// # impl Versioned for Order { fn head(&self) -> Head { self.head } }
/// # impl Aggregate for Order {
/// #     fn entity(&self) -> EntityRef { EntityRef::new(EntityKind::Settings, "1") }
/// # }
/// # let order = Order { head: Head::NEW };
/// # let (link, performed) = ("lnk_1", ActionPerformed::sample());
/// // `order` is saved where it still is what was read, under its next version. The event is number
/// // n + 1 of it: nobody writes a subject or a number.
/// # const PAID: interface::Event<ActionPerformed> =
/// #     interface::Event::new("order.paid", EntityKind::Settings);
/// Commit::saving(&order).announcing(&PAID, &performed);
/// // An event with a fixed place in the life of its entity needs no row that counts.
/// Commit::new().announcing_of(link, &ACTION_PERFORMED, &performed);
/// ```
#[derive(Default)]
#[must_use]
pub struct Commit {
    change: Change,
    /// The aggregate whose events are announced next.
    about: Option<About>,
    announcements: Vec<Announcement>,
    timers: Vec<TimerChange>,
    snapshot: Option<Result<serde_json::Value, Error>>,
    audit: Option<Audited>,
    /// What was wrong with the commit itself: refused when it is committed.
    fault: Option<Error>,
}

/// An aggregate that the change writes.
struct About {
    table: Table,
    key: Key,
    entity: EntityRef,
}

/// What the audit row says of the call.
struct Audited {
    target: String,
    outcome: audit::Outcome,
}

enum TimerChange {
    Schedule(Box<Timer>),
    Cancel(String),
}

impl Commit {
    /// A commit of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Commits this change: rows that no event is about.
    pub fn of(change: Change) -> Self {
        Self { change, ..Self::default() }
    }

    /// Commits an aggregate, see [`save`](Self::save).
    pub fn saving<T: Aggregate>(row: &T) -> Self {
        Self::new().save(row)
    }

    /// Saves an aggregate where it still is what was read ([`Change::save`]). What is announced next is
    /// about it.
    pub fn save<T: Aggregate>(mut self, row: &T) -> Self {
        self.change.save(row);
        self.about(T::TABLE, row.key(), row.entity())
    }

    /// Changes attributes of an aggregate where it still is what was read ([`Change::revise`]). What is
    /// announced next is about it.
    pub fn revise<T: Aggregate>(mut self, row: &T, steps: impl FnOnce(Update) -> Update) -> Self {
        self.change.revise(row, steps);
        self.about(T::TABLE, row.key(), row.entity())
    }

    /// Does an update that is [`versioned`](Update::versioned) by the head of this entity, for
    /// aggregates whose head is known without their row. What is announced next is about it.
    pub fn update(mut self, entity: EntityRef, update: Update) -> Self {
        let (table, key) = update.place();
        self.change.update(update);
        self.about(table, key, entity)
    }

    fn about(mut self, table: Table, key: Key, entity: EntityRef) -> Self {
        self.about = Some(About { table, key, entity });
        self
    }

    /// A refusal of the aggregate that was written last carries this label
    /// ([`Uncommitted::Refused`]); without one, the handler runs again from its read.
    pub fn named(mut self, label: &'static str) -> Self {
        let about = self.about.as_ref();
        let action = about.and_then(|about| self.change.action(about.table, &about.key));
        if let Some(action) = action {
            action.named(label);
        }
        self
    }

    /// Commits these rows too. What is announced next is about the same aggregate as before.
    pub fn with(mut self, change: Change) -> Self {
        self.change = self.change.append(change);
        self
    }

    /// The change may be sent again as it stands after a conflict, see [`Change::blind`].
    pub fn blind(mut self) -> Self {
        self.change = self.change.blind();
        self
    }

    /// Announces an event of the aggregate that was written last, as its next one.
    pub fn announcing<D: Fact>(mut self, event: &Event<D>, data: &D) -> Self {
        match self.next_of(event.spec) {
            Ok((entity, sequence)) => self.announce(event, entity, sequence, data),
            Err(fault) => {
                self.fault.get_or_insert(fault);
                self
            }
        }
    }

    /// Announces an event with a fixed place in the life of its entity ([`Event::nth`]): of the entity
    /// with this id.
    pub fn announcing_of<D: Fact>(
        mut self,
        id: impl std::fmt::Display,
        event: &Event<D>,
        data: &D,
    ) -> Self {
        match event.spec.nth {
            Some(nth) => self.announce(event, EntityRef::new(event.spec.entity, id), nth, data),
            None => {
                let name = event.spec.name;
                self.fault.get_or_insert(Error::internal(format!(
                    "{name} has no fixed place among the events of its entity: save the aggregate it \
                     is about, or declare its place with `nth`"
                )));
                self
            }
        }
    }

    /// Announces an event whose number its entity gave out before ([`kernel::Head::reserve`]).
    pub fn announcing_reserved<D: Fact>(
        self,
        number: Reserved,
        entity: EntityRef,
        event: &Event<D>,
        data: &D,
    ) -> Self {
        self.announce(event, entity, number.sequence(), data)
    }

    /// The event announced last is of this facet: only listeners of it hear the event.
    pub fn facet(mut self, facet: &'static str) -> Self {
        if let Some(last) = self.announcements.last_mut() {
            last.facet = Some(facet);
        }
        self
    }

    fn announce<D: Fact>(
        mut self,
        event: &Event<D>,
        entity: EntityRef,
        sequence: u64,
        data: &D,
    ) -> Self {
        self.announcements.push(Announcement::of(event, entity, sequence, data));
        self
    }

    /// The entity an event of this kind is about, and its number there.
    fn next_of(&mut self, spec: EventSpec) -> Result<(EntityRef, u64), Error> {
        let name = spec.name;
        let about = self.about.as_ref().ok_or_else(|| {
            Error::internal(format!(
                "{name} is about nothing: save the aggregate it is about first"
            ))
        })?;
        if about.entity.kind() != spec.entity || spec.nth.is_some() {
            let (own, other) = (spec.entity.as_str(), about.entity.kind().as_str());
            return Err(Error::internal(format!(
                "{name} is about {own} and not the next event of {other}"
            )));
        }
        let action = self.change.action(about.table, &about.key);
        let action = action.ok_or_else(|| Error::internal("an aggregate that is not written"))?;
        Ok((about.entity.clone(), action.announce(1)?))
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

    /// Writes the contract's audit row about this target. A contract that names an audit action is not
    /// committed without one.
    pub fn audited(self, target: impl ToString) -> Self {
        self.audit(target.to_string(), audit::Outcome::Done)
    }

    /// Writes the contract's audit row about a request for this target that is refused, and yet leaves
    /// something behind.
    pub fn audited_refusal(self, target: impl ToString) -> Self {
        self.audit(target.to_string(), audit::Outcome::Refused)
    }

    fn audit(mut self, target: String, outcome: audit::Outcome) -> Self {
        self.audit = Some(Audited { target, outcome });
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
        let Commit { mut change, announcements, timers, snapshot, audit, fault, .. } = commit;
        if let Some(fault) = fault {
            return Err(Uncommitted::Failed(fault));
        }
        let snapshot = snapshot.transpose().map_err(Uncommitted::Failed)?;
        let births = self.births(announcements).map_err(Uncommitted::Failed)?;
        for birth in &births {
            let reactions = self.reactions(birth, snapshot.as_ref());
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
