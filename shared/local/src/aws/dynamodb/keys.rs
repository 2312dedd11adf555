//! Which tables and partition keys a DynamoDB request touches.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Names of the partition key attributes of one table and its indexes.
#[derive(Clone, Debug, Default)]
pub(crate) struct TableKeys {
    /// The table's own partition key.
    pub partition_key: String,
    /// Partition key of each index, by index name.
    pub index_keys: BTreeMap<String, String>,
}

/// What a request touches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touched {
    /// Tables, each once, in order of appearance.
    pub tables: Vec<String>,
    /// Partition keys of tables, and of indexes where the request names them, in order.
    pub keys: Vec<String>,
    /// Why the keys cannot be known, when they cannot.
    pub unchecked: Option<&'static str>,
}

impl Touched {
    /// Reads a request. `keys_of` knows the key attributes of a table; an unknown table touches no
    /// key (the engine refuses it anyway).
    pub fn by(operation: &str, body: &Value, keys_of: &dyn Fn(&str) -> Option<TableKeys>) -> Self {
        let mut touched = Self::default();
        match operation {
            "Scan" => touched.unknown(body, "Scan reads every tenant's items"),
            "ExecuteStatement" | "ExecuteTransaction" | "BatchExecuteStatement" => {
                touched.unknown(body, "the keys of a PartiQL statement are not checked");
            }
            "BatchGetItem" | "BatchWriteItem" => {
                for (table, entries) in object(body, "RequestItems") {
                    touched.batch(table, entries, keys_of);
                }
            }
            "TransactWriteItems" | "TransactGetItems" => {
                for action in array(body, "TransactItems") {
                    let action = action.as_object().and_then(|action| action.values().next());
                    touched.single(action.unwrap_or(&Value::Null), keys_of);
                }
            }
            "Query" => touched.query(body, keys_of),
            "GetItem" | "PutItem" | "UpdateItem" | "DeleteItem" => touched.single(body, keys_of),
            _ => touched.table(body),
        }
        touched
    }

    fn unknown(&mut self, body: &Value, why: &'static str) {
        self.table(body);
        self.unchecked = Some(why);
    }

    fn table(&mut self, body: &Value) {
        if let Some(name) = body.get("TableName").and_then(Value::as_str) {
            self.add_table(name);
        }
    }

    fn add_table(&mut self, name: &str) {
        if !self.tables.iter().any(|known| known == name) {
            self.tables.push(name.to_owned());
        }
    }

    fn batch(&mut self, table: &str, entries: &Value, keys_of: &dyn Fn(&str) -> Option<TableKeys>) {
        self.add_table(table);
        let Some(keys) = keys_of(table) else { return };
        for key in array(entries, "Keys") {
            self.value(key, &keys.partition_key);
        }
        for write in entries.as_array().into_iter().flatten() {
            if let Some(key) = write.pointer("/DeleteRequest/Key") {
                self.value(key, &keys.partition_key);
            }
            if let Some(item) = write.pointer("/PutRequest/Item") {
                self.item(item, &keys);
            }
        }
    }

    /// Put, Update, Delete, Get, ConditionCheck, alone or as one action of a transaction.
    fn single(&mut self, body: &Value, keys_of: &dyn Fn(&str) -> Option<TableKeys>) {
        self.table(body);
        let table = body.get("TableName").and_then(Value::as_str).unwrap_or_default();
        let Some(keys) = keys_of(table) else { return };
        if let Some(item) = body.get("Item") {
            self.item(item, &keys);
        }
        if let Some(key) = body.get("Key") {
            self.value(key, &keys.partition_key);
        }
        if let Some(expression) = body.get("UpdateExpression").and_then(Value::as_str) {
            for index_key in keys.index_keys.values() {
                self.keys.extend(assigned(expression, index_key, body));
            }
        }
    }

    fn query(&mut self, body: &Value, keys_of: &dyn Fn(&str) -> Option<TableKeys>) {
        self.table(body);
        let table = body.get("TableName").and_then(Value::as_str).unwrap_or_default();
        let Some(keys) = keys_of(table) else { return };
        let index = body.get("IndexName").and_then(Value::as_str);
        let attribute =
            index.and_then(|index| keys.index_keys.get(index)).unwrap_or(&keys.partition_key);
        let expression = body.get("KeyConditionExpression").and_then(Value::as_str);
        let found = assigned(expression.unwrap_or_default(), attribute, body);
        if found.is_empty() {
            self.unchecked = Some("the query's partition key is not an equality with a value");
        }
        self.keys.extend(found);
    }

    fn item(&mut self, item: &Value, keys: &TableKeys) {
        self.value(item, &keys.partition_key);
        for index_key in keys.index_keys.values() {
            if item.get(index_key).is_some() {
                self.value(item, index_key);
            }
        }
    }

    fn value(&mut self, attributes: &Value, name: &str) {
        self.keys.push(text(attributes.get(name)));
    }
}

fn object<'a>(body: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    body.get(name).and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

fn array<'a>(body: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    body.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// A key attribute as text. Anything but a string is shown in its wire form, which no tenant owns.
fn text(attribute: Option<&Value>) -> String {
    match attribute {
        Some(attribute) => attribute
            .get("S")
            .and_then(Value::as_str)
            .map_or_else(|| attribute.to_string(), str::to_owned),
        None => String::new(),
    }
}

/// Values that `expression` sets or compares `attribute` to with `=`, placeholders resolved.
fn assigned(expression: &str, attribute: &str, body: &Value) -> Vec<String> {
    let tokens = tokens(expression);
    let names = body.get("ExpressionAttributeNames");
    let values = body.get("ExpressionAttributeValues");
    tokens
        .windows(3)
        .filter_map(|window| match window {
            [name, equals, value] if equals == "=" && value.starts_with(':') => {
                let resolved = names.and_then(|names| names.get(name)).and_then(Value::as_str);
                let is_ours = resolved.unwrap_or(name) == attribute;
                is_ours.then(|| text(values.and_then(|values| values.get(value))))
            }
            _ => None,
        })
        .collect()
}

fn tokens(expression: &str) -> Vec<String> {
    let mut tokens = vec![String::new()];
    for character in expression.chars() {
        match character {
            '=' => tokens.extend(["=".to_owned(), String::new()]),
            ' ' | '\t' | '\n' | '\r' | '(' | ')' | ',' => tokens.push(String::new()),
            other => {
                if let Some(last) = tokens.last_mut() {
                    last.push(other);
                }
            }
        }
    }
    tokens.retain(|token| !token.is_empty());
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn keys(table: &str) -> Option<TableKeys> {
        let index_keys = BTreeMap::from([("due".to_owned(), "due_pk".to_owned())]);
        (table == "orders").then(|| TableKeys { partition_key: "pk".to_owned(), index_keys })
    }

    #[test]
    fn every_item_operation_names_its_partition_keys() {
        let cases = [
            ("GetItem", json!({"TableName": "orders", "Key": {"pk": {"S": "a"}}}), vec!["a"]),
            (
                "PutItem",
                json!({"TableName": "orders", "Item": {"pk": {"S": "a"}, "due_pk": {"S": "d"}}}),
                vec!["a", "d"],
            ),
            (
                "UpdateItem",
                json!({"TableName": "orders", "Key": {"pk": {"S": "a"}},
                    "UpdateExpression": "SET #d=:d, n = n + :one",
                    "ExpressionAttributeNames": {"#d": "due_pk"},
                    "ExpressionAttributeValues": {":d": {"S": "d"}, ":one": {"N": "1"}}}),
                vec!["a", "d"],
            ),
            (
                "Query",
                json!({"TableName": "orders", "KeyConditionExpression": "(pk = :p) AND sk > :s",
                    "ExpressionAttributeValues": {":p": {"S": "a"}, ":s": {"S": "x"}}}),
                vec!["a"],
            ),
            (
                "Query",
                json!({"TableName": "orders", "IndexName": "due",
                    "KeyConditionExpression": "#k=:p", "ExpressionAttributeNames": {"#k": "due_pk"},
                    "ExpressionAttributeValues": {":p": {"S": "d"}}}),
                vec!["d"],
            ),
            (
                "BatchGetItem",
                json!({"RequestItems": {"orders": {"Keys": [{"pk": {"S": "a"}}, {"pk": {"S": "b"}}]}}}),
                vec!["a", "b"],
            ),
            (
                "BatchWriteItem",
                json!({"RequestItems": {"orders": [
                    {"PutRequest": {"Item": {"pk": {"S": "a"}}}},
                    {"DeleteRequest": {"Key": {"pk": {"S": "b"}}}}]}}),
                vec!["a", "b"],
            ),
            (
                "TransactWriteItems",
                json!({"TransactItems": [
                    {"Put": {"TableName": "orders", "Item": {"pk": {"S": "a"}}}},
                    {"ConditionCheck": {"TableName": "orders", "Key": {"pk": {"N": "7"}}}}]}),
                vec!["a", r#"{"N":"7"}"#],
            ),
        ];
        for (operation, body, expected) in cases {
            let touched = Touched::by(operation, &body, &keys);
            assert_eq!(touched.keys, expected, "{operation}");
            assert_eq!(touched.tables, ["orders"], "{operation}");
            assert_eq!(touched.unchecked, None, "{operation}");
        }
    }

    #[test]
    fn a_request_whose_keys_cannot_be_read_says_so() {
        for (operation, body) in [
            ("Scan", json!({"TableName": "orders"})),
            ("ExecuteStatement", json!({"Statement": "SELECT * FROM orders"})),
            ("Query", json!({"TableName": "orders", "KeyConditionExpression": "pk > :p"})),
        ] {
            assert!(Touched::by(operation, &body, &keys).unchecked.is_some(), "{operation}");
        }
    }
}
