//! What a handler puts together to be committed: rows, events, timers, and whom the audit row is about.

use interface::{Event, EventSpec, Fact};
use kernel::{EntityRef, Error, Reserved};
use serde::Serialize;
use store::{Aggregate, Change, Key, Table, Update};

use super::announcement::Announcement;
use super::audit;
use super::schedule::Timer;

/// A change with everything that has to be true together with it.
///
/// An aggregate is saved where it still is what was read, under its next version, and the event announced
/// after it is its next one: nobody writes a subject or a number. An event with a fixed place in the life
/// of its entity needs no row that counts ([`announcing_of`](Self::announcing_of)).
#[derive(Default)]
#[must_use]
pub struct Commit {
    pub(super) change: Change,
    /// The aggregate whose events are announced next.
    about: Option<About>,
    pub(super) announcements: Vec<Announcement>,
    pub(super) timers: Vec<TimerChange>,
    pub(super) snapshot: Option<Result<serde_json::Value, Error>>,
    pub(super) audit: Option<Audited>,
    /// What was wrong with the commit itself: refused when it is committed.
    pub(super) fault: Option<Error>,
}

/// An aggregate that the change writes.
struct About {
    table: Table,
    key: Key,
    entity: EntityRef,
}

/// What the audit row says of the call.
pub(super) struct Audited {
    pub target: String,
    pub outcome: audit::Outcome,
}

pub(super) enum TimerChange {
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
