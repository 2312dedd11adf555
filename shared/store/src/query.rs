//! Reading one partition of a table or index, page by page.

use std::collections::HashMap;

use crate::condition::Placeholders;
use crate::error::StoreError;
use crate::item::{Item, Value};
use crate::key::PartitionKey;
use crate::table::{Index, PARTITION, SORT, SortType, Table};

/// The most items one page may have.
pub const PAGE_MAX: usize = 1000;
/// The page size of a query that names none.
const PAGE_DEFAULT: usize = 100;
/// The first byte of an encoded position: its format.
const POSITION_FORMAT: u8 = 1;

/// How fresh a read must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// Sees every write acknowledged before it. Indexes cannot.
    Strong,
    /// May be some moments behind, at half the price.
    Eventual,
}

/// A value of a sort key: text, or an integer where the index sorts by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SortValue {
    Text(String),
    Number(i64),
}

impl From<&str> for SortValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for SortValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for SortValue {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl SortValue {
    fn is_number(&self) -> bool {
        matches!(self, Self::Number(_))
    }

    fn value(&self) -> Value {
        match self {
            Self::Text(text) => Value::S(text.clone()),
            Self::Number(number) => Value::N(number.to_string()),
        }
    }
}

#[derive(Clone, Debug)]
enum Range {
    Whole,
    Prefix(String),
    Between(SortValue, SortValue),
    Compare(&'static str, SortValue),
}

/// One partition, a range of its sort keys, a direction and a page size.
///
/// There is no filter: an index already answers the question, or there is none for it.
#[derive(Clone, Debug)]
#[must_use]
pub struct Query {
    pub(crate) table: Table,
    pub(crate) index: Option<Index>,
    partition: PartitionKey,
    range: Range,
    pub(crate) descending: bool,
    pub(crate) limit: usize,
    pub(crate) consistency: Consistency,
    pub(crate) from: Option<Position>,
}

impl Query {
    /// The items of one partition of the table, ascending, 100 a page, strongly consistent.
    pub fn table(table: Table, partition: PartitionKey) -> Self {
        Self {
            table,
            index: None,
            partition,
            range: Range::Whole,
            descending: false,
            limit: PAGE_DEFAULT,
            consistency: Consistency::Strong,
            from: None,
        }
    }

    /// The items of one partition of an index; always eventually consistent.
    pub fn index(table: Table, index: Index, partition: PartitionKey) -> Self {
        let consistency = Consistency::Eventual;
        Self { index: Some(index), consistency, ..Self::table(table, partition) }
    }

    /// Only sort keys that start with this text.
    pub fn prefix(self, start: impl Into<String>) -> Self {
        self.range(Range::Prefix(start.into()))
    }

    /// Only sort keys from the first to the last value, both included.
    pub fn between(self, first: impl Into<SortValue>, last: impl Into<SortValue>) -> Self {
        self.range(Range::Between(first.into(), last.into()))
    }

    /// Only sort keys below the value.
    pub fn below(self, value: impl Into<SortValue>) -> Self {
        self.range(Range::Compare("<", value.into()))
    }

    /// Only sort keys at most the value.
    pub fn up_to(self, value: impl Into<SortValue>) -> Self {
        self.range(Range::Compare("<=", value.into()))
    }

    /// Only sort keys above the value.
    pub fn above(self, value: impl Into<SortValue>) -> Self {
        self.range(Range::Compare(">", value.into()))
    }

    /// Only sort keys from the value on.
    pub fn from_value(self, value: impl Into<SortValue>) -> Self {
        self.range(Range::Compare(">=", value.into()))
    }

    /// Highest sort key first.
    pub fn descending(mut self) -> Self {
        self.descending = true;
        self
    }

    /// At most this many items a page, between 1 and [`PAGE_MAX`].
    pub fn limit(mut self, items: usize) -> Self {
        self.limit = items.clamp(1, PAGE_MAX);
        self
    }

    /// With this freshness. Ignored on an index, which is always eventually consistent.
    pub fn consistency(mut self, consistency: Consistency) -> Self {
        if self.index.is_none() {
            self.consistency = consistency;
        }
        self
    }

    /// Continues after this position, or from the start without one.
    pub fn after(mut self, position: Option<Position>) -> Self {
        self.from = position;
        self
    }

    /// Reads back a position of this query, as a cursor carries it.
    ///
    /// # Errors
    /// `Invalid` when the bytes are no position, or one of another partition.
    pub fn position(&self, bytes: &[u8]) -> Result<Position, StoreError> {
        let values = decoded(bytes).ok_or_else(no_position)?;
        let names = self.key_names();
        let position = Position(names.iter().map(|name| (*name).to_owned()).zip(values).collect());
        let partition = position.0.get(self.partition_name()).and_then(|value| value.as_s().ok());
        let ours = partition.is_some_and(|pk| Ok(pk.as_str()) == self.partition.text());
        if position.0.len() == names.len() && ours { Ok(position) } else { Err(no_position()) }
    }

    /// The bytes of a position of this query, for a cursor to seal.
    pub fn encode(&self, position: &Position) -> Vec<u8> {
        let mut bytes = vec![POSITION_FORMAT];
        for value in self.key_names().iter().filter_map(|name| position.0.get(*name)) {
            let (tag, text) = match value {
                Value::N(digits) => (b'N', digits.as_str()),
                Value::S(text) => (b'S', text.as_str()),
                _ => continue,
            };
            bytes.push(tag);
            bytes.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }

    /// Where a page that ends with this item ends.
    pub(crate) fn position_of(&self, item: &Item) -> Position {
        let names = self.key_names();
        let keys =
            names.iter().filter_map(|name| Some(((*name).to_owned(), item.get(name)?.clone())));
        Position(keys.collect())
    }

    /// The key condition, with its placeholders.
    pub(crate) fn condition(&self, holders: &mut Placeholders) -> Result<String, StoreError> {
        self.check()?;
        let name = holders.path(self.partition_name());
        let partition = holders.value(Value::S(self.partition.text()?.to_owned()));
        let partition = format!("{name} = {partition}");
        let sort = self.index.as_ref().map_or(SORT, Index::sort);
        Ok(match &self.range {
            Range::Whole => partition,
            Range::Prefix(start) => {
                let (sort, start) = (holders.path(sort), holders.value(Value::S(start.clone())));
                format!("{partition} AND begins_with({sort}, {start})")
            }
            Range::Between(first, last) => {
                let sort = holders.path(sort);
                let (first, last) = (holders.value(first.value()), holders.value(last.value()));
                format!("{partition} AND {sort} BETWEEN {first} AND {last}")
            }
            Range::Compare(with, value) => {
                let (sort, value) = (holders.path(sort), holders.value(value.value()));
                format!("{partition} AND {sort} {with} {value}")
            }
        })
    }

    fn range(mut self, range: Range) -> Self {
        self.range = range;
        self
    }

    fn partition_name(&self) -> &'static str {
        self.index.as_ref().map_or(PARTITION, Index::partition)
    }

    fn key_names(&self) -> Vec<&'static str> {
        let index = self.index.iter().flat_map(|index| [index.partition(), index.sort()]);
        [PARTITION, SORT].into_iter().chain(index).collect()
    }

    fn check(&self) -> Result<(), StoreError> {
        let table = self.table.name();
        let mut by_number = false;
        if let Some(index) = &self.index {
            if self.table.index(index.name()) != Some(index) {
                let index = index.name();
                return Err(StoreError::Invalid(format!(
                    "table {table} declares no index {index}"
                )));
            }
            by_number = index.sort_type() == SortType::Number;
        }
        let fits = match &self.range {
            Range::Whole => true,
            Range::Prefix(_) => !by_number,
            Range::Compare(_, value) => value.is_number() == by_number,
            Range::Between(first, last) => {
                first.is_number() == by_number && last.is_number() == by_number
            }
        };
        if fits {
            return Ok(());
        }
        Err(StoreError::Invalid(format!("a query of {table} compares text with numbers")))
    }
}

/// Where a page ended: the keys of its last item.
#[derive(Clone, Debug, PartialEq)]
pub struct Position(HashMap<String, Value>);

impl Position {
    pub(crate) fn start_key(&self) -> HashMap<String, Value> {
        self.0.clone()
    }
}

/// One page of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows<T> {
    /// The items in the query's order.
    pub items: Vec<T>,
    /// Where to continue; nothing when there is no further item.
    pub next: Option<Position>,
}

fn no_position() -> StoreError {
    StoreError::Invalid("this is no position of this query: start from the first page".to_owned())
}

fn decoded(bytes: &[u8]) -> Option<Vec<Value>> {
    let (format, mut rest) = bytes.split_first()?;
    let mut values = Vec::new();
    while let Some((tag, after)) = rest.split_first() {
        let (length, after) = after.split_first_chunk::<2>()?;
        let (text, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let text = std::str::from_utf8(text).ok()?.to_owned();
        values.push(match tag {
            b'S' => Value::S(text),
            b'N' => Value::N(text),
            _ => return None,
        });
        rest = after;
    }
    (*format == POSITION_FORMAT).then_some(values)
}
