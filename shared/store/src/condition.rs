//! Conditions of writes, and the placeholders an expression is rendered with.

use std::collections::HashMap;
use std::fmt;

use serde::Serialize;

use crate::item::{ItemError, Value, value};
use crate::table::PARTITION;

/// What must be true of the stored item for a write to happen.
///
/// Attributes are paths: `a.b` is member `b` of map `a`. A value that cannot be stored spoils the
/// condition, and the request that uses it is refused.
#[derive(Clone, PartialEq)]
pub struct Condition(Result<Node, ItemError>);

#[derive(Clone, PartialEq)]
enum Node {
    Compare(String, &'static str, Value),
    OneOf(String, Vec<Value>),
    Call(&'static str, String, Option<Value>),
    SizeBelow(String, Value),
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
}

impl Condition {
    /// There is no such item.
    pub fn no_item() -> Self {
        Self::absent(PARTITION)
    }

    /// There is such an item.
    pub fn some_item() -> Self {
        Self::present(PARTITION)
    }

    /// The item is at this version.
    pub fn version(version: u64) -> Self {
        Self::equal("v", version)
    }

    /// The attribute does not exist.
    pub fn absent(attribute: &str) -> Self {
        Self(Ok(Node::Call("attribute_not_exists", attribute.to_owned(), None)))
    }

    /// The attribute exists.
    pub fn present(attribute: &str) -> Self {
        Self(Ok(Node::Call("attribute_exists", attribute.to_owned(), None)))
    }

    /// The attribute equals the value.
    pub fn equal(attribute: &str, to: impl Serialize) -> Self {
        Self::compare(attribute, "=", to)
    }

    /// The attribute differs from the value, or does not exist.
    pub fn different(attribute: &str, from: impl Serialize) -> Self {
        Self::compare(attribute, "<>", from)
    }

    /// The attribute is less than the value.
    pub fn below(attribute: &str, than: impl Serialize) -> Self {
        Self::compare(attribute, "<", than)
    }

    /// The attribute is at most the value.
    pub fn at_most(attribute: &str, most: impl Serialize) -> Self {
        Self::compare(attribute, "<=", most)
    }

    /// The attribute is greater than the value.
    pub fn above(attribute: &str, than: impl Serialize) -> Self {
        Self::compare(attribute, ">", than)
    }

    /// The attribute is at least the value.
    pub fn at_least(attribute: &str, least: impl Serialize) -> Self {
        Self::compare(attribute, ">=", least)
    }

    /// The attribute equals one of the values (1 to 100).
    pub fn one_of<T: Serialize>(attribute: &str, values: impl IntoIterator<Item = T>) -> Self {
        let values: Result<Vec<Value>, ItemError> = values.into_iter().map(value).collect();
        Self(values.map(|values| Node::OneOf(attribute.to_owned(), values)))
    }

    /// The set or list has the member, or the text the part.
    pub fn contains(attribute: &str, member: impl Serialize) -> Self {
        Self(value(member).map(|v| Node::Call("contains", attribute.to_owned(), Some(v))))
    }

    /// The text starts with this.
    pub fn starts_with(attribute: &str, start: &str) -> Self {
        let start = Some(Value::S(start.to_owned()));
        Self(Ok(Node::Call("begins_with", attribute.to_owned(), start)))
    }

    /// The attribute has fewer than this many members (set, list, map) or bytes (text, binary).
    pub fn size_below(attribute: &str, than: u32) -> Self {
        Self(Ok(Node::SizeBelow(attribute.to_owned(), Value::N(than.to_string()))))
    }

    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0.and_then(|left| other.0.map(|right| Node::All(vec![left, right]))))
    }

    /// At least one holds.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0.and_then(|left| other.0.map(|right| Node::Any(vec![left, right]))))
    }

    /// It does not hold.
    #[must_use]
    pub fn negated(self) -> Self {
        Self(self.0.map(|node| Node::Not(Box::new(node))))
    }

    fn compare(attribute: &str, with: &'static str, to: impl Serialize) -> Self {
        Self(value(to).map(|value| Node::Compare(attribute.to_owned(), with, value)))
    }

    pub(crate) fn render(&self, holders: &mut Placeholders) -> Result<String, ItemError> {
        self.0.as_ref().map(|node| node.render(holders)).map_err(Clone::clone)
    }
}

/// Shows the expression, never the values.
impl fmt::Debug for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.render(&mut Placeholders::default()) {
            Ok(expression) => formatter.debug_tuple("Condition").field(&expression).finish(),
            Err(error) => formatter.debug_tuple("Condition").field(&error).finish(),
        }
    }
}

impl Node {
    fn render(&self, holders: &mut Placeholders) -> String {
        match self {
            Self::Compare(path, with, value) => {
                format!("{} {with} {}", holders.path(path), holders.value(value.clone()))
            }
            Self::OneOf(path, values) => {
                let path = holders.path(path);
                let all: Vec<_> = values.iter().map(|v| holders.value(v.clone())).collect();
                format!("{path} IN ({})", all.join(", "))
            }
            Self::Call(function, path, None) => format!("{function}({})", holders.path(path)),
            Self::Call(function, path, Some(value)) => {
                format!("{function}({}, {})", holders.path(path), holders.value(value.clone()))
            }
            Self::SizeBelow(path, value) => {
                format!("size({}) < {}", holders.path(path), holders.value(value.clone()))
            }
            Self::All(nodes) => Self::joined(nodes, " AND ", holders),
            Self::Any(nodes) => Self::joined(nodes, " OR ", holders),
            Self::Not(node) => format!("NOT ({})", node.render(holders)),
        }
    }

    fn joined(nodes: &[Self], with: &str, holders: &mut Placeholders) -> String {
        let all: Vec<_> = nodes.iter().map(|node| format!("({})", node.render(holders))).collect();
        all.join(with)
    }
}

/// Names and values of one request's expressions, each behind a placeholder, so that no attribute
/// name is ever a reserved word.
#[derive(Default)]
pub(crate) struct Placeholders {
    names: Vec<String>,
    values: Vec<Value>,
}

impl Placeholders {
    /// The placeholder path for `a.b`.
    pub(crate) fn path(&mut self, path: &str) -> String {
        let all: Vec<_> = path.split('.').map(|name| self.name(name)).collect();
        all.join(".")
    }

    fn name(&mut self, name: &str) -> String {
        let known = self.names.iter().position(|known| known == name);
        let at = known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        format!("#n{at}")
    }

    /// The placeholder for a value.
    pub(crate) fn value(&mut self, value: Value) -> String {
        let known = self.values.iter().position(|known| *known == value);
        let at = known.unwrap_or_else(|| {
            self.values.push(value);
            self.values.len() - 1
        });
        format!(":v{at}")
    }

    /// The names as the SDK takes them: nothing when there are none.
    pub(crate) fn names(&self) -> Option<HashMap<String, String>> {
        let all = self.names.iter().enumerate();
        (!self.names.is_empty())
            .then(|| all.map(|(at, n)| (format!("#n{at}"), n.clone())).collect())
    }

    /// The values as the SDK takes them: nothing when there are none.
    pub(crate) fn values(&self) -> Option<HashMap<String, Value>> {
        let all = self.values.iter().enumerate();
        (!self.values.is_empty())
            .then(|| all.map(|(at, v)| (format!(":v{at}"), v.clone())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(condition: Condition) -> String {
        condition.render(&mut Placeholders::default()).unwrap()
    }

    #[test]
    fn conditions_render_with_placeholders_and_brackets() {
        let table = [
            (Condition::no_item(), "attribute_not_exists(#n0)"),
            (Condition::version(3), "#n0 = :v0"),
            (Condition::one_of("status", ["a", "b"]), "#n0 IN (:v0, :v1)"),
            (
                Condition::equal("a.b", 1).and(Condition::absent("a")),
                "(#n0.#n1 = :v0) AND (attribute_not_exists(#n0))",
            ),
            (
                Condition::no_item().or(Condition::at_most("until", 5).and(Condition::version(5))),
                "(attribute_not_exists(#n0)) OR ((#n1 <= :v0) AND (#n2 = :v0))",
            ),
            (Condition::size_below("sessions", 50).negated(), "NOT (size(#n0) < :v0)"),
            (Condition::contains("tags", "x"), "contains(#n0, :v0)"),
        ];
        for (condition, expected) in table {
            assert_eq!(rendered(condition), expected);
        }
    }

    #[test]
    fn a_value_that_cannot_be_stored_spoils_the_condition() {
        let condition = Condition::version(1).and(Condition::equal("rate", 0.5));
        assert!(condition.render(&mut Placeholders::default()).is_err());
    }
}
