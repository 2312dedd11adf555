//! One entry of a DynamoDB batch that stays unprocessed (API reference, BatchWriteItem,
//! `UnprocessedItems`; BatchGetItem, `UnprocessedKeys`).

use bytes::Bytes;
use serde_json::{Value, json};

use crate::aws::{Answer, JSON_1_0, Request, Service};

/// An entry that was taken out of its request.
pub(super) struct LeftOut {
    member: &'static str,
    table: String,
    entry: Value,
}

impl LeftOut {
    /// Takes an entry out of a batch, the one at this position; `None` when the request
    /// is no batch, or has a single entry: DynamoDB throttles such a call instead.
    pub fn take(request: &mut Request, position: u64) -> Option<Self> {
        if request.service != Service::DynamoDb {
            return None;
        }
        let member = match request.operation.as_str() {
            "BatchWriteItem" => "UnprocessedItems",
            "BatchGetItem" => "UnprocessedKeys",
            _ => return None,
        };
        let mut body = request.json();
        let tables = body.get_mut("RequestItems")?.as_object_mut()?;
        let count: usize =
            tables.values_mut().map(|table| entries(table).map_or(0, |e| e.len())).sum();
        if count < 2 {
            return None;
        }
        let mut position = usize::try_from(position % u64::try_from(count).ok()?).ok()?;
        let mut found = None;
        for (name, table) in tables.iter_mut() {
            let Some(own) = entries(table) else { continue };
            if position < own.len() {
                let entry = own.remove(position);
                found = Some((name.clone(), entry, own.is_empty(), table.clone()));
                break;
            }
            position -= own.len();
        }
        let (name, entry, was_last, mut rest) = found?;
        if was_last {
            tables.shift_remove(&name);
        }
        // The entry goes back in the shape it came in: a list of writes, or keys with their
        // options.
        *entries(&mut rest)? = vec![entry];
        request.body = Bytes::from(body.to_string());
        Some(Self { member, table: name, entry: rest })
    }

    /// The answer to the rest, with the entry as unprocessed.
    pub fn note(self, body: &[u8]) -> Answer {
        let mut answer: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        if let Some(members) = answer.as_object_mut() {
            members.insert(self.member.to_owned(), json!({ self.table: self.entry }));
        }
        Answer::json(JSON_1_0, &answer)
    }
}

/// The writes, or the keys, of one table in a batch.
fn entries(table: &mut Value) -> Option<&mut Vec<Value>> {
    match table {
        Value::Array(writes) => Some(writes),
        Value::Object(read) => read.get_mut("Keys")?.as_array_mut(),
        _ => None,
    }
}
