//! Reading a table's stream from a position, in the form Lambda hands records to functions.

use dynoxide::actions::get_records::GetRecordsRequest;
use dynoxide::actions::get_shard_iterator::GetShardIteratorRequest;
use dynoxide::streams::shard_id;
use serde_json::{Value, json};

use super::super::{ACCOUNT, REGION};
use super::{TableError, Tables};

/// One stream record.
#[derive(Clone, Debug)]
pub struct StreamRecord {
    /// Position in the stream; sorts as text.
    pub sequence_number: String,
    /// The item's key attributes in the wire's form; records of one item stay in order.
    pub keys: Value,
    /// The record as in a Lambda `DynamoDBEvent` (Lambda Developer Guide, "Using Lambda with Amazon
    /// DynamoDB", example event).
    pub event: Value,
}

impl Tables {
    /// Up to `limit` records (at most 1,000) after a sequence number, oldest first; `None` starts at
    /// the oldest record kept. Refuses a table without a stream.
    pub fn stream_after(
        &self,
        table: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StreamRecord>, TableError> {
        let refused = |message: String| TableError::Refused {
            table: table.to_owned(),
            operation: "GetRecords",
            message,
        };
        let stored = self.metadata(table).filter(|stored| stored.stream_enabled);
        let stored = stored.ok_or_else(|| refused("the table has no stream".to_owned()))?;
        let label = stored.stream_label.unwrap_or_default();
        let arn = format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}/stream/{label}");
        let from = match after {
            None => "TRIM_HORIZON",
            Some(_) => "AFTER_SEQUENCE_NUMBER",
        };
        let database = &self.inner.database;
        let iterator = database
            .get_shard_iterator(GetShardIteratorRequest {
                stream_arn: arn.clone(),
                shard_id: shard_id(table),
                shard_iterator_type: from.to_owned(),
                sequence_number: after.map(str::to_owned),
            })
            .map_err(|error| refused(error.to_string()))?;
        let request = GetRecordsRequest {
            shard_iterator: iterator.shard_iterator.unwrap_or_default(),
            limit: Some(limit),
        };
        let found = database.get_records(request).map_err(|error| refused(error.to_string()))?;
        let records = found.records.into_iter().filter_map(|record| {
            let sequence_number = record.dynamodb.sequence_number.clone();
            let mut event = serde_json::to_value(record).ok()?;
            let members = event.as_object_mut()?;
            // The engine's ids are random and its region is its own name.
            members.insert("eventID".to_owned(), json!(sequence_number));
            members.insert("awsRegion".to_owned(), json!(REGION));
            members.insert("eventSourceARN".to_owned(), json!(arn));
            let keys = event.pointer("/dynamodb/Keys").cloned().unwrap_or(Value::Null);
            Some(StreamRecord { sequence_number, keys, event })
        });
        Ok(records.collect())
    }
}
