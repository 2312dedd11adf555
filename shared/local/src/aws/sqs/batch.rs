//! Batch requests: at most ten entries with distinct ids, each answered on its own.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::SqsError;
use crate::aws::Request;

/// Most entries per batch.
const MAX_ENTRIES: usize = 10;

/// Checks the ids of a batch's entries.
pub(super) fn check_ids<'a>(ids: impl Iterator<Item = &'a str>) -> Result<(), SqsError> {
    let ids: Vec<_> = ids.collect();
    if ids.is_empty() {
        return Err(SqsError::EmptyBatch);
    }
    if ids.len() > MAX_ENTRIES {
        return Err(SqsError::TooManyEntries(ids.len()));
    }
    let mut seen = BTreeSet::new();
    for id in ids {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if id.is_empty() || id.len() > 80 || !id.bytes().all(good) {
            return Err(SqsError::BadEntryId);
        }
        if !seen.insert(id) {
            return Err(SqsError::RepeatedId(id.to_owned()));
        }
    }
    Ok(())
}

/// Answers each entry by `operation`; what it returns gets the entry's `Id`. An injected fault may
/// refuse one of them.
pub(super) fn answer_each<Entry>(
    request: &Request,
    entries: Vec<(String, Entry)>,
    mut operation: impl FnMut(Entry) -> Result<Value, SqsError>,
) -> Value {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    let count = entries.len();
    for (position, (id, entry)) in entries.into_iter().enumerate() {
        let result = match request.refuses(position, count) {
            true => Err(SqsError::Broken("injected: the service refused this entry".to_owned())),
            false => operation(entry),
        };
        match result {
            Ok(mut answer) => {
                if let Some(members) = answer.as_object_mut() {
                    members.insert("Id".to_owned(), json!(id));
                }
                successful.push(answer);
            }
            Err(error) => {
                let (_, code, status) = error.codes();
                failed.push(json!({
                    "Id": id,
                    "SenderFault": status < 500,
                    "Code": code,
                    "Message": error.to_string(),
                }));
            }
        }
    }
    json!({ "Successful": successful, "Failed": failed })
}
