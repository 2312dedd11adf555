//! Items: stored rows as attributes, and how Rust values become them.
//!
//! Numbers are integers of at most 38 digits; a float is refused. `None` is an absent attribute,
//! never a stored null. Empty sets are absent too, because DynamoDB has none.

use std::collections::HashMap;
use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;
use kernel::{EntityRef, Head};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::big;
use crate::key::{Key, PartitionKey, SortKey};
use crate::table::{Index, PARTITION, SORT, Table};

/// One attribute's value, as the SDK spells it.
pub type Value = AttributeValue;

/// The most digits a DynamoDB number keeps.
const DIGITS_MAX: usize = 38;

/// Why a value cannot be stored or a stored one not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ItemError {
    #[error("{0}")]
    Shape(String),
    #[error("`{0}` is not an integer of at most 38 digits: store integers only")]
    Number(String),
    #[error(transparent)]
    Key(#[from] crate::key::KeyError),
}

/// A row type: where it lives and what its keys are.
pub trait Stored: Serialize + DeserializeOwned {
    /// The table of these rows.
    const TABLE: Table;

    /// The primary key of this row.
    fn key(&self) -> Key;

    /// The row's places in the table's indexes; none unless said.
    fn index(&self, _places: &mut Places) {}
}

/// A row guarded by its version.
pub trait Versioned: Stored {
    /// The head this value was read with ([`Head::NEW`] for a new one).
    fn head(&self) -> Head;
}

/// A row that events are announced about: it knows which entity it is.
pub trait Aggregate: Versioned {
    /// The entity, as events name it.
    fn entity(&self) -> EntityRef;
}

/// Collects the index keys of a row.
#[derive(Debug, Default)]
pub struct Places(Vec<(&'static str, Result<Value, ItemError>)>);

impl Places {
    /// Puts the row into this index under the partition, sorted by the value: text, or an integer
    /// where the index sorts by number.
    pub fn put(&mut self, index: &Index, partition: PartitionKey, sort: impl Serialize) {
        self.0.push((index.partition(), value(partition)));
        self.0.push((index.sort(), value(sort)));
    }
}

/// A stored row. Its `Debug` names the attributes and shows no values.
#[derive(Clone, Default, PartialEq)]
pub struct Item(HashMap<String, Value>);

/// An image of a stream record, as Lambda hands it over.
impl From<serde_dynamo::Item> for Item {
    fn from(image: serde_dynamo::Item) -> Self {
        Self(image.into())
    }
}

impl Item {
    /// The attributes of a value, without keys.
    ///
    /// # Errors
    /// The value is not a struct or map, or holds a number that is no integer.
    pub fn of(value: &impl Serialize) -> Result<Self, ItemError> {
        let attributes: HashMap<String, Value> =
            serde_dynamo::to_item(value).map_err(|error| ItemError::Shape(error.to_string()))?;
        match normal(Value::M(attributes))? {
            Some(Value::M(attributes)) => Ok(Self(attributes)),
            _ => Err(ItemError::Shape("an item is a struct or a map".to_owned())),
        }
    }

    /// A whole row: attributes, primary key and index keys.
    ///
    /// # Errors
    /// As [`Item::of`], and when a key was refused.
    pub fn row<T: Stored>(row: &T) -> Result<Self, ItemError> {
        let mut item = Self::of(row)?;
        item.place(&row.key())?;
        let mut places = Places::default();
        row.index(&mut places);
        for (name, value) in places.0 {
            item.0.insert(name.to_owned(), value?);
        }
        Ok(item)
    }

    /// Writes the primary key into the item.
    ///
    /// # Errors
    /// The key was refused.
    pub fn place(&mut self, key: &Key) -> Result<(), ItemError> {
        let (pk, sk) = key.texts()?;
        self.0.insert(PARTITION.to_owned(), Value::S(pk.to_owned()));
        self.0.insert(SORT.to_owned(), Value::S(sk.to_owned()));
        Ok(())
    }

    /// The item as a value of this type; attributes the type does not know are ignored.
    ///
    /// # Errors
    /// An attribute is missing or of another type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ItemError> {
        self.clone().decode()
    }

    /// [`Item::read`] without a copy.
    ///
    /// # Errors
    /// As [`Item::read`].
    pub fn decode<T: DeserializeOwned>(self) -> Result<T, ItemError> {
        let readable: HashMap<String, Value> =
            self.0.into_iter().map(|(name, value)| (name, readable(value))).collect();
        serde_dynamo::from_item(readable).map_err(|error| ItemError::Shape(error.to_string()))
    }

    /// The value of an attribute.
    pub fn get(&self, attribute: &str) -> Option<&Value> {
        self.0.get(attribute)
    }

    /// The attribute as text, if it is a string.
    pub fn text(&self, attribute: &str) -> Option<&str> {
        self.0.get(attribute)?.as_s().ok().map(String::as_str)
    }

    /// The attribute as an integer, if it is a number.
    pub fn number(&self, attribute: &str) -> Option<i128> {
        self.0.get(attribute)?.as_n().ok()?.parse().ok()
    }

    /// Sets an attribute; a value that stores as nothing (`None`, an empty set) removes it.
    ///
    /// # Errors
    /// The value cannot be stored.
    pub fn set(&mut self, attribute: &str, new: impl Serialize) -> Result<(), ItemError> {
        match stored(new)? {
            Some(value) => self.0.insert(attribute.to_owned(), value),
            None => self.0.remove(attribute),
        };
        Ok(())
    }

    /// The item's primary key, if it has one.
    pub fn key(&self) -> Option<Key> {
        let pk = PartitionKey::stored(self.text(PARTITION)?.to_owned());
        Some(Key { pk, sk: SortKey::from(self.text(SORT)?) })
    }

    /// The item's size by DynamoDB's rules: names and values, UTF-8, maps and lists 3 bytes more
    /// and 1 per member.
    pub fn size_bytes(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + size_bytes(value)).sum()
    }

    pub(crate) fn attributes(&self) -> &HashMap<String, Value> {
        &self.0
    }

    pub(crate) fn into_attributes(self) -> HashMap<String, Value> {
        self.0
    }
}

impl From<HashMap<String, Value>> for Item {
    fn from(attributes: HashMap<String, Value>) -> Self {
        Self(attributes)
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        names.sort_unstable();
        formatter.debug_tuple("Item").field(&names).finish()
    }
}

/// One value as an attribute.
///
/// # Errors
/// The value stores as nothing (`None`, an empty set), or holds a number that is no integer.
pub fn value(new: impl Serialize) -> Result<Value, ItemError> {
    stored(new)?.ok_or_else(|| ItemError::Shape("a value is needed here, not nothing".to_owned()))
}

/// The size of a value by DynamoDB's rules.
pub(crate) fn size_bytes(value: &Value) -> usize {
    match value {
        Value::S(text) => text.len(),
        Value::N(digits) => digits.len().div_ceil(2) + 1,
        Value::B(bytes) => bytes.as_ref().len(),
        Value::Ss(texts) => texts.iter().map(String::len).sum(),
        Value::Ns(numbers) => numbers.iter().map(|digits| digits.len().div_ceil(2) + 1).sum(),
        Value::Bs(all) => all.iter().map(|bytes| bytes.as_ref().len()).sum(),
        Value::L(values) => 3 + values.iter().map(|value| 1 + size_bytes(value)).sum::<usize>(),
        Value::M(members) => {
            3 + members.iter().map(|(n, v)| 1 + n.len() + size_bytes(v)).sum::<usize>()
        }
        _ => 1,
    }
}

fn stored(new: impl Serialize) -> Result<Option<Value>, ItemError> {
    let value: Value = serde_dynamo::to_attribute_value(new)
        .map_err(|error| ItemError::Shape(error.to_string()))?;
    normal(value)
}

/// Refuses numbers that are no integers, drops nulls of maps and empty sets, and turns marked big
/// integers into numbers.
fn normal(value: Value) -> Result<Option<Value>, ItemError> {
    Ok(Some(match value {
        Value::Null(_) => return Ok(None),
        Value::N(digits) => Value::N(integer(digits)?),
        Value::Ns(all) if all.is_empty() => return Ok(None),
        Value::Ns(all) => Value::Ns(all.into_iter().map(integer).collect::<Result<_, _>>()?),
        Value::Ss(all) if all.is_empty() => return Ok(None),
        Value::Bs(all) if all.is_empty() => return Ok(None),
        Value::L(values) => {
            let values =
                values.into_iter().map(|value| Ok(normal(value)?.unwrap_or(Value::Null(true))));
            Value::L(values.collect::<Result<_, ItemError>>()?)
        }
        Value::M(members) => match marked(&members) {
            Some(digits) => Value::N(integer(digits.to_owned())?),
            None => {
                let mut kept = HashMap::with_capacity(members.len());
                for (name, value) in members {
                    if let Some(value) = normal(value)? {
                        kept.insert(name, value);
                    }
                }
                Value::M(kept)
            }
        },
        other => other,
    }))
}

fn integer(digits: String) -> Result<String, ItemError> {
    let bare = digits.strip_prefix('-').unwrap_or(&digits);
    let whole = !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_digit());
    if whole && bare.len() <= DIGITS_MAX { Ok(digits) } else { Err(ItemError::Number(digits)) }
}

fn marked(members: &HashMap<String, Value>) -> Option<&str> {
    if members.len() != 1 {
        return None;
    }
    members.get(big::MARK)?.as_s().ok().map(String::as_str)
}

/// Marks numbers that do not fit 64 bits, which the deserialiser would turn into floats.
fn readable(value: Value) -> Value {
    match value {
        Value::N(digits) if digits.parse::<i64>().is_err() && digits.parse::<u64>().is_err() => {
            Value::M(HashMap::from([(big::MARK.to_owned(), Value::S(digits))]))
        }
        Value::L(values) => Value::L(values.into_iter().map(readable).collect()),
        Value::M(members) => {
            Value::M(members.into_iter().map(|(name, value)| (name, readable(value))).collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Row {
        #[serde(with = "crate::big")]
        large: i128,
        #[serde(with = "crate::big")]
        small: u128,
        none: Option<String>,
        list: Vec<Option<u8>>,
        #[serde(with = "serde_dynamo::string_set", default)]
        empty: BTreeSet<String>,
        #[serde(flatten)]
        head: Head,
    }

    #[test]
    fn values_read_back_as_they_were_stored() {
        let most = 10_i128.pow(36);
        for (large, small) in [(most, 0), (-most, 7), (i128::from(i64::MIN), u128::from(u64::MAX))]
        {
            let (list, empty) = (vec![Some(1), None], BTreeSet::new());
            let row = Row { large, small, none: None, list, empty, head: Head::NEW };
            let item = Item::of(&row).unwrap();
            assert_eq!((item.number("large"), item.number("v")), (Some(large), Some(0)));
            assert!(item.get("none").is_none() && item.get("empty").is_none());
            assert_eq!(item.read::<Row>(), Ok(row));
        }
    }

    #[test]
    fn only_integers_of_38_digits_are_stored() {
        let mut item = Item::default();
        for refused in [0.5, f64::NAN, 1e300] {
            assert!(matches!(item.set("n", refused), Err(ItemError::Number(_))), "{refused}");
        }
        let digits = |count| Value::N("9".repeat(count));
        assert!(normal(Value::L(vec![digits(39)])).is_err());
        assert_eq!(normal(digits(38)), Ok(Some(digits(38))));
        assert!(item.set("n", -1).is_ok() && item.number("n") == Some(-1));
        assert!(item.set("n", None::<u8>).is_ok() && item.get("n").is_none());
    }

    #[test]
    fn only_maps_are_items() {
        assert!(Item::of(&Some(1)).is_err() && Item::of(&1).is_err() && Item::of(&[1]).is_err());
    }

    #[test]
    fn sizes_count_names_and_values() {
        let mut item = Item::default();
        item.set("name", "größer").unwrap();
        assert_eq!(item.size_bytes(), 4 + 8);
        item.set("n", 12_345).unwrap();
        assert_eq!(item.size_bytes(), 12 + 1 + 4);
        item.set("l", ["a", "b"]).unwrap();
        assert_eq!(item.size_bytes(), 17 + 1 + 3 + 4);
    }
}
