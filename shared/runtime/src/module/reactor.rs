//! Listeners of mode `sync`: pure reactions to an event, folded into the transaction that announces it.

use std::sync::Arc;

use interface::{Envelope, Event, EventSpec, Fact};
use kernel::Error;
use store::outbox::Birth;
use store::{Change, Scope, Table};

/// What a reactor is given: the event's data, the keys it may write under, and when it happened.
#[derive(Clone, Debug)]
pub struct Reacting<'a, D> {
    pub data: &'a D,
    /// Keys of the tenant's rows of this mode.
    pub scope: Scope,
    pub subject: &'a kernel::EntityRef,
    pub sequence: u64,
    pub at: kernel::Timestamp,
    /// The public object as of this event, where the commit has one.
    pub snapshot: Option<&'a serde_json::Value>,
}

struct Announced<'a> {
    pub data: &'a serde_json::Value,
    pub scope: Scope,
    pub subject: &'a kernel::EntityRef,
    pub sequence: u64,
    pub at: kernel::Timestamp,
    pub snapshot: Option<&'a serde_json::Value>,
}

type React = dyn Fn(&Announced<'_>) -> Result<Change, Error> + Send + Sync;

/// One reaction: no I/O, no clock, no chance, and no more writes than declared.
#[derive(Clone)]
pub struct Reactor {
    pub id: &'static str,
    pub event: EventSpec,
    /// Tables it writes.
    pub tables: Vec<Table>,
    /// Most writes of one reaction.
    pub max_writes: usize,
    react: Arc<React>,
}

/// Reacts to an event of the same module with writes of the same transaction; one write unless stated.
pub fn react<D: Fact>(
    id: &'static str,
    event: &Event<D>,
    reaction: fn(&Reacting<'_, D>) -> Result<Change, Error>,
) -> Reactor {
    let react = move |announced: &Announced<'_>| {
        let data: D = serde::Deserialize::deserialize(announced.data)
            .map_err(|fault| Error::internal(format!("{id}: {fault}")))?;
        reaction(&Reacting {
            data: &data,
            scope: announced.scope.clone(),
            subject: announced.subject,
            sequence: announced.sequence,
            at: announced.at,
            snapshot: announced.snapshot,
        })
    };
    let (tables, react) = (Vec::new(), Arc::new(react));
    Reactor { id, event: event.spec, tables, max_writes: 1, react }
}

impl Reactor {
    /// May write these tables.
    pub fn writes<const N: usize>(mut self, tables: [Table; N]) -> Self {
        self.tables.extend(tables);
        self
    }

    /// Writes at most so many items.
    pub fn max_writes(mut self, items: usize) -> Self {
        self.max_writes = items;
        self
    }

    /// The writes of this reaction; refused where there are more than declared, or other tables.
    fn run(&self, announced: &Announced<'_>) -> Result<Change, Error> {
        let change = (self.react)(announced)?;
        if change.len() > self.max_writes {
            let (id, writes, most) = (self.id, change.len(), self.max_writes);
            return Err(Error::internal(format!(
                "{id} makes {writes} writes, {most} are declared"
            )));
        }
        if let Some(table) = change.tables().find(|table| !self.tables.contains(table)) {
            let (id, table) = (self.id, table.name());
            return Err(Error::internal(format!("{id} writes table {table} and does not say so")));
        }
        Ok(change)
    }
}

/// What these reactors add to the transaction that announces the event.
pub(crate) fn reactions(
    reactors: &[Reactor],
    birth: &Birth,
    snapshot: Option<&serde_json::Value>,
) -> Result<Change, Error> {
    let mut reactors = reactors.iter().filter(|one| one.event.topic_type() == birth.topic_type());
    let Some(first) = reactors.next() else { return Ok(Change::new()) };
    let envelope = Envelope::parse(&birth.envelope)
        .map_err(|fault| Error::internal(format!("{}: {fault}", birth.kind)))?;
    let announced = Announced {
        data: &envelope.data,
        scope: birth.scope.clone(),
        subject: &birth.subject,
        sequence: birth.sequence,
        at: envelope.time,
        snapshot,
    };
    let changes = std::iter::once(first).chain(reactors).map(|one| one.run(&announced));
    changes.into_iter().try_fold(Change::new(), |all, one| Ok(all.append(one?)))
}

#[cfg(test)]
mod tests {
    use interface::ops::{ACTION_PERFORMED, ActionPerformed};
    use kernel::EntityKind;
    use store::Key;

    use super::*;

    const OWN: Table = Table::new("own");
    const OTHER: Table = Table::new("other");

    fn writing(table: Table) -> Change {
        let key = Key::alone(Scope::system().partition("ROW", ()));
        let mut change = Change::new();
        change.update(store::Update::of(table, key).add("seen", 1));
        change
    }

    #[test]
    fn a_reactor_writes_what_it_declares_and_no_more() {
        let declared = react("a.own", &ACTION_PERFORMED, |_| Ok(writing(OWN))).writes([OWN]);
        let foreign = react("a.other", &ACTION_PERFORMED, |_| Ok(writing(OTHER))).writes([OWN]);
        let many = react("a.many", &ACTION_PERFORMED, |_| Ok(writing(OWN).append(writing(OWN))));
        let many = many.writes([OWN]);
        let data = serde_json::to_value(ActionPerformed::sample()).unwrap();
        let subject = kernel::EntityRef::new(EntityKind::Profile, "usr_1");
        let (scope, at) = (Scope::system(), kernel::Timestamp::from_ms(0));
        let announced =
            Announced { data: &data, scope, subject: &subject, sequence: 1, at, snapshot: None };
        assert_eq!(declared.run(&announced).unwrap().len(), 1);
        let told = |reactor: &Reactor| reactor.run(&announced).unwrap_err().message().to_owned();
        assert_eq!(told(&foreign), "a.other writes table other and does not say so");
        assert_eq!(told(&many), "a.many makes 2 writes, 1 are declared");
    }
}
