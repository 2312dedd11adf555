//! A look at what is stored.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use store::{Consistency, Item, Key, Query, Stored};

use super::Harness;

/// Everything the tables held at a moment, by table and key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dump {
    pub(super) items: BTreeMap<String, Value>,
}

impl Harness {
    /// The row of this key.
    pub async fn row<T: Stored>(&self, key: &Key) -> Option<T> {
        let found = self.ports().store.get(key, Consistency::Strong).await;
        found.expect("the row can be read")
    }

    /// The items this query finds, all pages of them.
    pub async fn items(&self, query: Query) -> Vec<Item> {
        let (mut items, mut after) = (Vec::new(), None);
        loop {
            let page = self.ports().store.query_items(&query.clone().after(after)).await;
            let page = page.expect("the query is answered");
            items.extend(page.items);
            after = page.next;
            if after.is_none() {
                return items;
            }
        }
    }

    /// Everything in all tables but for the cells that count requests. Only a test may scan.
    pub fn dump(&self) -> Dump {
        let tables = self.cloud().tables();
        let cells = self.ports().store.physical(&runtime::rate::CELLS);
        let mut dump = Dump::default();
        for table in tables.names().into_iter().filter(|table| *table != cells) {
            for item in tables.items(&table).expect("a table can be read") {
                let key = |name: &str| item.get(name).map(Value::to_string).unwrap_or_default();
                dump.items.insert(format!("{table} {} {}", key("pk"), key("sk")), item.clone());
            }
        }
        dump
    }
}

impl Dump {
    /// What differs between this moment and a later one: table and key of each item, with the
    /// attributes that are not the same.
    pub fn changes_until(&self, later: &Self) -> Vec<String> {
        let keys: BTreeSet<&String> = self.items.keys().chain(later.items.keys()).collect();
        keys.into_iter()
            .filter_map(|key| {
                let (before, after) = (self.items.get(key), later.items.get(key));
                (before != after).then(|| format!("{key}: {}", told(before, after)))
            })
            .collect()
    }

    /// The items, in the wire form of attributes, whose table and key hold this word.
    pub fn naming(&self, word: &str) -> impl Iterator<Item = &Value> {
        self.items.iter().filter(move |(key, _)| key.contains(word)).map(|(_, item)| item)
    }
}

fn told(before: Option<&Value>, after: Option<&Value>) -> String {
    let (Some(before), Some(after)) = (before, after) else {
        return if before.is_none() { "new".to_owned() } else { "gone".to_owned() };
    };
    let names = |item: &Value| -> Vec<String> {
        item.as_object().map(|members| members.keys().cloned().collect()).unwrap_or_default()
    };
    let all: BTreeSet<String> = names(before).into_iter().chain(names(after)).collect();
    let differ = all.into_iter().filter(|name| before.get(name) != after.get(name));
    differ.collect::<Vec<_>>().join(", ")
}
