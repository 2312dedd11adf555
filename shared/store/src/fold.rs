//! From declared actions to what DynamoDB takes: one action per item, at most 100, at most 4 MB.

use kernel::{Error, Head};

use crate::change::{Action, Change, Write};
use crate::condition::{Condition, Placeholders};
use crate::error::StoreError;
use crate::item::{Item, Value, size_bytes};
use crate::key::Key;
use crate::planted::{self, Bug};
use crate::table::Table;
use crate::update::{Act, Step, shows};

/// The most actions one transaction takes.
pub const ACTIONS_MAX: usize = 100;
/// The most bytes one transaction takes, keys and conditions included.
pub const TRANSACTION_MAX_BYTES: usize = 4 * 1024 * 1024;
/// The most bytes one item takes.
pub const ITEM_MAX_BYTES: usize = 400 * 1024;

/// What is sent for one item.
#[derive(Debug)]
pub(crate) struct Folded {
    pub(crate) table: Table,
    pub(crate) key: Key,
    pub(crate) write: Write,
    condition: Option<Condition>,
    pub(crate) label: Option<&'static str>,
    pub(crate) refusal: Option<Error>,
}

/// Folds the actions of a change, cause rows first, then in the order of their first declaration.
///
/// Folded are: checks into any action; updates of different attributes, and additions to the same
/// number or set; an aggregate that is saved, and saved again. Anything else on one item is
/// refused.
pub(crate) fn folded(change: Change) -> Result<Vec<Folded>, StoreError> {
    let mut actions = change.actions;
    let declared = actions.len();
    actions.sort_by_key(|action| !action.leads);
    let mut all: Vec<Folded> = Vec::with_capacity(declared);
    for mut action in actions {
        if let Some(fault) = action.fault.take() {
            return Err(fault);
        }
        action.key.texts()?;
        let same = all.iter_mut().find(|one| one.table == action.table && one.key == action.key);
        match same {
            Some(one) => one.take(action)?,
            None => all.push(Folded::of(action)),
        }
    }
    check(&all, declared)?;
    Ok(all)
}

fn check(all: &[Folded], declared: usize) -> Result<(), StoreError> {
    if all.is_empty() {
        return Err(StoreError::Invalid("a change without actions: nothing to commit".to_owned()));
    }
    if all.len() > ACTIONS_MAX {
        let items = all.len();
        return Err(StoreError::Invalid(format!(
            "{items} items in one transaction ({declared} actions declared), at most {ACTIONS_MAX} \
             are allowed: split the command"
        )));
    }
    let mut total = 0;
    for one in all {
        let bytes = one.size_bytes();
        if bytes > ITEM_MAX_BYTES {
            let table = one.table.name();
            return Err(StoreError::Invalid(format!(
                "an item of {bytes} bytes for {table}, at most {ITEM_MAX_BYTES} are allowed"
            )));
        }
        total += bytes;
    }
    if total > TRANSACTION_MAX_BYTES {
        return Err(StoreError::Invalid(format!(
            "{total} bytes in one transaction, at most {TRANSACTION_MAX_BYTES} are allowed"
        )));
    }
    Ok(())
}

impl Folded {
    fn of(action: Action) -> Self {
        let Action { table, key, write, condition, label, refusal, .. } = action;
        Self { table, key, write, condition, label, refusal }
    }

    /// The whole condition, rendered: the action's own and what its kind of write implies.
    pub(crate) fn condition(
        &self,
        holders: &mut Placeholders,
    ) -> Result<Option<String>, StoreError> {
        let version = match &self.write {
            Write::Save(_, 0) => Some(Condition::no_item()),
            Write::Save(_, version) => Some(Condition::version(*version)),
            _ => None,
        };
        let dropped = |label| planted::is(Bug::ConditionDropped(label));
        let version = version.filter(|_| !dropped("version"));
        let own = self.condition.clone().filter(|_| !self.label.is_some_and(dropped));
        let condition = both(version, own);
        Ok(condition.map(|condition| condition.render(holders)).transpose()?)
    }

    /// What the stored item tells about an earlier attempt of this very action whose answer was
    /// lost: `Some(true)` it happened, `Some(false)` it did not, `None` cannot tell.
    pub(crate) fn shows_in(&self, stored: &Item) -> Option<bool> {
        match &self.write {
            Write::Put(item) | Write::Save(item, _) => Some(item == stored),
            Write::Update(steps, _) => shows(steps, stored),
            Write::Delete | Write::Check => None,
        }
    }

    /// How much [`Folded::shows_in`] proves: a row that did not exist before proves most.
    pub(crate) fn proof(&self) -> u8 {
        match &self.write {
            Write::Put(_) => 3,
            Write::Save(..) => 2,
            Write::Update(..) => 1,
            Write::Delete | Write::Check => 0,
        }
    }

    fn size_bytes(&self) -> usize {
        let key = self.key.texts().map_or(0, |(pk, sk)| pk.len() + sk.len() + 4);
        match &self.write {
            Write::Put(item) | Write::Save(item, _) => item.size_bytes(),
            Write::Update(steps, _) => key + steps.iter().map(Step::size_bytes).sum::<usize>(),
            Write::Delete | Write::Check => key,
        }
    }

    fn take(&mut self, next: Action) -> Result<(), StoreError> {
        let Action { table, key, write, condition, label, refusal, .. } = next;
        let twice = |why: &str| {
            let sk = key.sk.text().unwrap_or_default().to_owned();
            let table = table.name();
            StoreError::Invalid(format!("one change writes item {sk} of {table} twice: {why}"))
        };
        match (&mut self.write, write) {
            (_, Write::Check) => self.condition = both(self.condition.take(), condition),
            (Write::Check, write) => {
                self.write = write;
                self.condition = both(self.condition.take(), condition);
            }
            (Write::Update(steps, head), Write::Update(more, other)) => {
                merge(steps, more).map_err(|path| twice(&format!("both set `{path}`")))?;
                *head = later(*head, other);
                self.condition = both(self.condition.take(), condition);
            }
            (Write::Save(before, _), Write::Save(after, version)) => {
                let follows = before.number("v") == Some(i128::from(version));
                if !follows || condition.is_some() {
                    return Err(twice("the second does not follow the first"));
                }
                *before = after;
            }
            _ => return Err(twice("only updates, checks and version chains fold")),
        }
        self.label = self.label.or(label);
        if self.refusal.is_none() {
            self.refusal = refusal;
        }
        Ok(())
    }
}

impl Step {
    fn size_bytes(&self) -> usize {
        self.path.len()
            + match &self.act {
                Act::Set(value)
                | Act::SetIfAbsent(value)
                | Act::Append(value)
                | Act::Add(value)
                | Act::Delete(value) => size_bytes(value),
                Act::Sum(of, number) => of.len() + size_bytes(number),
                Act::Remove => 0,
            }
    }
}

fn both(left: Option<Condition>, right: Option<Condition>) -> Option<Condition> {
    match (left, right) {
        (Some(left), Some(right)) if left == right => Some(left),
        (Some(left), Some(right)) => Some(left.and(right)),
        (left, right) => left.or(right),
    }
}

fn later(left: Option<Head>, right: Option<Head>) -> Option<Head> {
    match (left, right) {
        (Some(left), Some(right)) if right.event_seq > left.event_seq => Some(right),
        (left, right) => left.or(right),
    }
}

/// Adds steps to others of the same item; answers the path two of them dispute.
fn merge(steps: &mut Vec<Step>, more: Vec<Step>) -> Result<(), String> {
    for step in more {
        let Some(same) = steps.iter_mut().find(|known| overlap(&known.path, &step.path)) else {
            steps.push(step);
            continue;
        };
        if *same == step && !matches!(step.act, Act::Add(_) | Act::Append(_)) {
            continue;
        }
        if same.path != step.path {
            return Err(step.path);
        }
        match (&mut same.act, &step.act) {
            (Act::Add(Value::N(sum)), Act::Add(Value::N(number))) => {
                let added = sum.parse::<i128>().ok().zip(number.parse::<i128>().ok());
                let total = added.and_then(|(sum, number)| sum.checked_add(number));
                *sum = total.ok_or_else(|| step.path.clone())?.to_string();
            }
            (Act::Add(Value::Ss(all)), Act::Add(Value::Ss(members))) => {
                let new: Vec<_> = members.iter().filter(|m| !all.contains(m)).cloned().collect();
                all.extend(new);
            }
            _ => return Err(step.path),
        }
    }
    Ok(())
}

fn overlap(left: &str, right: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    within(left, right) || within(right, left)
}
