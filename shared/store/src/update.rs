//! One conditional update of one item, alone ([`crate::Store::update`]) or in a change.

use std::fmt;

use kernel::Head;
use serde::Serialize;

use crate::condition::{Condition, Placeholders};
use crate::item::{Item, ItemError, Value, value};
use crate::key::Key;
use crate::table::Table;

/// What to do to one item, and on what condition. Attributes are paths, as in [`Condition`].
///
/// A missing item is created by an update that has no condition against it. A value that cannot be
/// stored spoils the update: whatever uses it is refused.
#[derive(Clone)]
#[must_use]
pub struct Update {
    pub(crate) table: Table,
    pub(crate) key: Key,
    pub(crate) steps: Vec<Step>,
    pub(crate) condition: Option<Condition>,
    pub(crate) head: Option<Head>,
    pub(crate) fault: Option<ItemError>,
}

/// One step of an update: an attribute path and what happens to it.
#[derive(Clone, PartialEq)]
pub(crate) struct Step {
    pub(crate) path: String,
    pub(crate) act: Act,
}

#[derive(Clone, PartialEq)]
pub(crate) enum Act {
    Set(Value),
    /// The sum of another attribute and a number.
    Sum(String, Value),
    SetIfAbsent(Value),
    Append(Value),
    /// A number is added, a set united.
    Add(Value),
    Remove,
    /// Members leave a set.
    Delete(Value),
}

impl Update {
    /// An update of the item with this key.
    pub fn of(table: Table, key: Key) -> Self {
        Self { table, key, steps: Vec::new(), condition: None, head: None, fault: None }
    }

    /// The table and key of the item.
    pub fn place(&self) -> (Table, Key) {
        (self.table, self.key.clone())
    }

    /// Sets the attribute; a value that stores as nothing (`None`, an empty set) removes it.
    pub fn set(mut self, attribute: &str, to: impl Serialize) -> Self {
        let mut one = Item::default();
        if let Err(error) = one.set("to", to) {
            return self.spoiled(error);
        }
        let act = one.into_attributes().remove("to").map_or(Act::Remove, Act::Set);
        self.steps.push(Step { path: attribute.to_owned(), act });
        self
    }

    /// Sets the attribute to the sum of another number of the item and this one, so that nothing has
    /// to be read first. Refused as a request where the item has no such number.
    pub fn set_sum(mut self, attribute: &str, of: &str, number: i128) -> Self {
        let act = Act::Sum(of.to_owned(), Value::N(number.to_string()));
        self.steps.push(Step { path: attribute.to_owned(), act });
        self
    }

    /// Sets the attribute unless it exists.
    pub fn set_if_absent(self, attribute: &str, to: impl Serialize) -> Self {
        self.step(attribute, value(to), Act::SetIfAbsent)
    }

    /// Adds an integer to a number that counts as 0 while absent.
    pub fn add(self, attribute: &str, number: i128) -> Self {
        self.step(attribute, Ok(Value::N(number.to_string())), Act::Add)
    }

    /// Adds texts to a set that counts as empty while absent.
    pub fn add_to_set<T: Into<String>>(
        self,
        attribute: &str,
        members: impl IntoIterator<Item = T>,
    ) -> Self {
        self.members(attribute, members, Act::Add)
    }

    /// Takes texts out of a set.
    pub fn delete_from_set<T: Into<String>>(
        self,
        attribute: &str,
        members: impl IntoIterator<Item = T>,
    ) -> Self {
        self.members(attribute, members, Act::Delete)
    }

    /// Appends one value to a list that counts as empty while absent.
    pub fn append(self, attribute: &str, last: impl Serialize) -> Self {
        self.step(attribute, value(last).map(|last| Value::L(vec![last])), Act::Append)
    }

    /// Removes the attribute.
    pub fn remove(mut self, attribute: &str) -> Self {
        self.steps.push(Step { path: attribute.to_owned(), act: Act::Remove });
        self
    }

    /// Only when this holds as well.
    pub fn when(mut self, condition: Condition) -> Self {
        self.condition = Some(match self.condition.take() {
            Some(already) => already.and(condition),
            None => condition,
        });
        self
    }

    /// Only on the version that was read, which it raises by one.
    pub fn versioned(mut self, head: Head) -> Self {
        self.head = Some(head);
        self.set("v", head.version + 1).when(Condition::version(head.version))
    }

    /// Whether doing it twice is the same as doing it once.
    pub(crate) fn is_repeatable(&self) -> bool {
        self.steps.iter().all(|step| match &step.act {
            Act::Add(value) => !value.is_n(),
            Act::Append(_) => false,
            // A sum of itself is an addition.
            Act::Sum(of, _) => *of != step.path,
            Act::Set(_) | Act::SetIfAbsent(_) | Act::Remove | Act::Delete(_) => true,
        })
    }

    /// No members are no step: DynamoDB has no empty set.
    fn members<T: Into<String>>(
        self,
        attribute: &str,
        members: impl IntoIterator<Item = T>,
        act: fn(Value) -> Act,
    ) -> Self {
        let members: Vec<String> = members.into_iter().map(Into::into).collect();
        if members.is_empty() { self } else { self.step(attribute, Ok(Value::Ss(members)), act) }
    }

    fn step(
        mut self,
        attribute: &str,
        value: Result<Value, ItemError>,
        act: fn(Value) -> Act,
    ) -> Self {
        match value {
            Ok(value) => self.steps.push(Step { path: attribute.to_owned(), act: act(value) }),
            Err(error) => return self.spoiled(error),
        }
        self
    }

    fn spoiled(mut self, error: ItemError) -> Self {
        self.fault.get_or_insert(error);
        self
    }
}

/// Shows table and expression, never the values.
impl fmt::Debug for Update {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Update")
            .field("table", &self.table.name())
            .field("does", &render(&self.steps, &mut Placeholders::default()))
            .field("when", &self.condition)
            .finish()
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Step").field(&self.path).finish()
    }
}

/// Whether the stored item shows every constant these steps set; `None` when they set none.
pub(crate) fn shows(steps: &[Step], stored: &Item) -> Option<bool> {
    let mut constants = steps.iter().filter_map(|step| match &step.act {
        Act::Set(value) => Some((step.path.as_str(), value)),
        _ => None,
    });
    let first = constants.next()?;
    let shown = |(path, value): (&str, &Value)| at_path(stored, path) == Some(value);
    Some(shown(first) && constants.all(shown))
}

fn at_path<'a>(item: &'a Item, path: &str) -> Option<&'a Value> {
    let mut names = path.split('.');
    let first = item.get(names.next()?)?;
    names.try_fold(first, |value, name| value.as_m().ok()?.get(name))
}

/// The update expression of the steps, in the order SET, ADD, REMOVE, DELETE.
pub(crate) fn render(steps: &[Step], holders: &mut Placeholders) -> String {
    let [mut sets, mut adds, mut removes, mut deletes] = [const { Vec::new() }; 4];
    for step in steps {
        let path = holders.path(&step.path);
        match &step.act {
            Act::Set(value) => sets.push(format!("{path} = {}", holders.value(value.clone()))),
            Act::Sum(of, number) => {
                let (of, number) = (holders.path(of), holders.value(number.clone()));
                sets.push(format!("{path} = {of} + {number}"));
            }
            Act::SetIfAbsent(value) => {
                let value = holders.value(value.clone());
                sets.push(format!("{path} = if_not_exists({path}, {value})"));
            }
            Act::Append(last) => {
                let none = holders.value(Value::L(Vec::new()));
                let last = holders.value(last.clone());
                sets.push(format!("{path} = list_append(if_not_exists({path}, {none}), {last})"));
            }
            Act::Add(value) => adds.push(format!("{path} {}", holders.value(value.clone()))),
            Act::Remove => removes.push(path),
            Act::Delete(value) => deletes.push(format!("{path} {}", holders.value(value.clone()))),
        }
    }
    let clauses = [("SET", sets), ("ADD", adds), ("REMOVE", removes), ("DELETE", deletes)];
    let clauses = clauses.into_iter().filter(|(_, steps)| !steps.is_empty());
    let clauses: Vec<_> =
        clauses.map(|(word, steps)| format!("{word} {}", steps.join(", "))).collect();
    clauses.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Scope;
    use crate::table::PLATFORM;

    fn update() -> Update {
        Update::of(PLATFORM, Key::alone(Scope::system().partition("X", "1")))
    }

    fn rendered(update: &Update) -> String {
        render(&update.steps, &mut Placeholders::default())
    }

    #[test]
    fn steps_render_in_clauses() {
        let update = update()
            .remove("gone")
            .set("status", "sent")
            .set("none", None::<u8>)
            .add("attempts", 1)
            .set_if_absent("first", 5)
            .append("log.lines", "x")
            .add_to_set("tags", ["a"])
            .add_to_set("tags", Vec::<String>::new())
            .delete_from_set("old", ["b"]);
        assert_eq!(
            rendered(&update),
            "SET #n1 = :v0, #n4 = if_not_exists(#n4, :v2), \
             #n5.#n6 = list_append(if_not_exists(#n5.#n6, :v3), :v4) \
             ADD #n3 :v1, #n7 :v5 REMOVE #n0, #n2 DELETE #n8 :v6"
        );
    }

    #[test]
    fn only_additions_and_appendices_must_not_be_repeated() {
        let table = [
            (update().set("a", 1).remove("b"), true),
            (update().add_to_set("a", ["x"]).delete_from_set("b", ["x"]), true),
            (update().set_if_absent("a", 1), true),
            (update().set_sum("a", "b", 1), true),
            (update().set_sum("a", "a", 1), false),
            (update().set("a", 1).add("n", 1), false),
            (update().append("a", 1), false),
        ];
        for (update, repeatable) in table {
            assert_eq!(update.is_repeatable(), repeatable, "{update:?}");
        }
    }
}
