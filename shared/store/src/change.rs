//! One transaction under construction: what is written, on what conditions, and what a failed
//! condition means.

use kernel::{Error, Head};
use serde::Serialize;

use crate::condition::Condition;
use crate::error::StoreError;
use crate::item::{Item, Stored, Versioned};
use crate::key::Key;
use crate::table::Table;
use crate::update::{Act, Step, Update};

/// The attribute of [`Head::event_seq`].
const EVENT_SEQ: &str = "event_seq";

/// The writes of one `TransactWriteItems`: all happen, or none.
///
/// When several actions are refused, the first declared one decides (after cause rows, see
/// [`Action::decides_first`]). What is wrong with an action (a bad key, a float) is kept and
/// refused on commit.
#[derive(Debug, Default)]
pub struct Change {
    pub(crate) actions: Vec<Action>,
    pub(crate) blind: bool,
}

/// One action of a change, and what to say when its condition fails.
#[derive(Debug)]
pub struct Action {
    pub(crate) table: Table,
    pub(crate) key: Key,
    pub(crate) write: Write,
    pub(crate) condition: Option<Condition>,
    pub(crate) label: Option<&'static str>,
    pub(crate) refusal: Option<Error>,
    pub(crate) leads: bool,
    pub(crate) fault: Option<StoreError>,
}

#[derive(Clone, Debug)]
pub(crate) enum Write {
    /// Put on the action's own condition.
    Put(Item),
    /// Put on the condition that the stored version is still this; 0 where there is no item.
    Save(Item, u64),
    Update(Vec<Step>, Option<Head>),
    Delete,
    Check,
}

impl Change {
    /// A change without actions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a row that must not exist yet.
    pub fn create<T: Stored>(&mut self, row: &T) -> &mut Action {
        self.put_when(row, Condition::no_item())
    }

    /// Puts a row where this holds for the stored one, for example "absent or expired".
    pub fn put_when<T: Stored>(&mut self, row: &T, condition: Condition) -> &mut Action {
        let (item, fault) = taken(Item::row(row));
        let action = Action::of(T::TABLE, row.key(), Write::Put(item), fault);
        self.push(action).when(condition)
    }

    /// Saves an aggregate on the condition that it is still what was read: that it does not exist
    /// where it is new, that it has the same version where it is not. Stores the next version.
    pub fn save<T: Versioned>(&mut self, row: &T) -> &mut Action {
        let head = row.head();
        let (mut item, mut fault) = taken(Item::row(row));
        if let Err(error) = item.set("v", head.next_version()) {
            fault.get_or_insert(error.into());
        }
        self.push(Action::of(T::TABLE, row.key(), Write::Save(item, head.version), fault))
    }

    /// Changes attributes of an aggregate on the condition that it has the version it was read with;
    /// stores the next version. `steps` says what changes, and may ask for more.
    pub fn revise<T: Versioned>(
        &mut self,
        row: &T,
        steps: impl FnOnce(Update) -> Update,
    ) -> &mut Action {
        let update = Update::of(T::TABLE, row.key()).versioned(row.head());
        self.update(steps(update))
    }

    /// Does an update.
    pub fn update(&mut self, update: Update) -> &mut Action {
        let Update { table, key, steps, condition, head, fault } = update;
        let mut action =
            Action::of(table, key, Write::Update(steps, head), fault.map(StoreError::from));
        action.condition = condition;
        self.push(action)
    }

    /// Deletes an item, whether it exists or not; `when` asks for more.
    pub fn delete(&mut self, table: Table, key: Key) -> &mut Action {
        self.push(Action::of(table, key, Write::Delete, None))
    }

    /// Writes nothing, but must hold for the rest to happen.
    pub fn check(&mut self, table: Table, key: Key, condition: Condition) -> &mut Action {
        self.push(Action::of(table, key, Write::Check, None)).when(condition)
    }

    /// Adds the actions of another change after those declared so far. Whether the change is blind
    /// stays as it was.
    #[must_use]
    pub fn append(mut self, other: Self) -> Self {
        self.actions.extend(other.actions);
        self
    }

    /// The change was decided without reading: after a conflict it may be sent again as it stands.
    /// Any other change is returned to its caller, who reads again.
    #[must_use]
    pub fn blind(mut self) -> Self {
        self.blind = true;
        self
    }

    /// The number of declared actions, before folding.
    pub fn len(&self) -> usize {
        self.actions.len()
    }

    /// Whether nothing was declared.
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }

    /// The tables of the declared actions, in their order.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.actions.iter().map(|action| &action.table)
    }

    /// The action on this item, to announce events of it or to add a condition.
    pub fn action(&mut self, table: Table, key: &Key) -> Option<&mut Action> {
        self.actions.iter_mut().find(|action| action.table == table && action.key == *key)
    }

    fn push(&mut self, action: Action) -> &mut Action {
        self.actions.push(action);
        let last = self.actions.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "pushed one line above")]
        &mut self.actions[last]
    }
}

impl Action {
    fn of(table: Table, key: Key, write: Write, fault: Option<StoreError>) -> Self {
        Self { table, key, write, condition: None, label: None, refusal: None, leads: false, fault }
    }

    /// Only when this holds as well for the stored item.
    pub fn when(&mut self, condition: Condition) -> &mut Self {
        self.condition = Some(match self.condition.take() {
            Some(already) => already.and(condition),
            None => condition,
        });
        self
    }

    /// Only while the stored status is one of these.
    pub fn status_in<T: Serialize>(&mut self, allowed: impl IntoIterator<Item = T>) -> &mut Self {
        self.when(Condition::one_of("status", allowed))
    }

    /// The label a refusal of this action carries, for the caller to branch on.
    pub fn named(&mut self, label: &'static str) -> &mut Self {
        self.label = Some(label);
        self
    }

    /// The error a refusal of this action means.
    pub fn refused_as(&mut self, error: Error) -> &mut Self {
        self.refusal = Some(error);
        self
    }

    /// A refusal of this action decides before all others, wherever it was declared: it is the
    /// cause row of a command, which tells a repetition from a broken rule.
    pub fn decides_first(&mut self) -> &mut Self {
        self.leads = true;
        self
    }

    /// Reserves the aggregate's next `count` event sequences and returns the first of them; the
    /// written row carries the last.
    ///
    /// # Errors
    /// `Invalid` when the action does not write an aggregate with a [`Head`].
    pub fn announce(&mut self, count: u64) -> Result<u64, StoreError> {
        let last = match &mut self.write {
            Write::Put(item) | Write::Save(item, _) => {
                let last = item.number(EVENT_SEQ).and_then(|last| u64::try_from(last).ok());
                let last = last.ok_or_else(|| no_aggregate(&self.table))?;
                item.set(EVENT_SEQ, last + count)?;
                last
            }
            Write::Update(steps, Some(head)) => {
                let last = head.event_seq;
                head.event_seq += count;
                steps.retain(|step| step.path != EVENT_SEQ);
                let act = Act::Set(crate::item::value(head.event_seq)?);
                steps.push(Step { path: EVENT_SEQ.to_owned(), act });
                last
            }
            Write::Update(_, None) | Write::Delete | Write::Check => {
                return Err(no_aggregate(&self.table));
            }
        };
        Ok(last + 1)
    }
}

fn no_aggregate(table: &Table) -> StoreError {
    let table = table.name();
    StoreError::Invalid(format!(
        "an event needs an aggregate with a head; this row of {table} has none"
    ))
}

fn taken(item: Result<Item, crate::item::ItemError>) -> (Item, Option<StoreError>) {
    match item {
        Ok(item) => (item, None),
        Err(error) => (Item::default(), Some(error.into())),
    }
}
