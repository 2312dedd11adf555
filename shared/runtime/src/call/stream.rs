//! Records of a table's stream.

use store::Item;

/// Which records of a stream start the function. AWS filters before invoking; the local cloud does the
/// same. How they are handed over is said in `wiring::Feed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Births {
    /// New images with `status` `pending` and `attempts` 0: births and resets of outbox rows.
    Outbox,
    /// New images with `status` `sent`: outbox rows that were published, each time they were.
    Sent,
}

impl Births {
    /// The filter pattern of the event source mapping.
    pub const fn pattern(self) -> &'static str {
        match self {
            Self::Outbox => {
                r#"{"dynamodb":{"NewImage":{"status":{"S":["pending"]},"attempts":{"N":["0"]}}}}"#
            }
            Self::Sent => r#"{"dynamodb":{"NewImage":{"status":{"S":["sent"]}}}}"#,
        }
    }
}

/// One record: its number in the stream and the item as it is now.
#[derive(Clone, Debug)]
pub struct Record {
    /// Rises within a shard of the stream. An event does not say the shard it is of.
    pub sequence_number: String,
    /// Unique among all records of the stream, the same at every delivery (DynamoDB Streams API
    /// reference, Record, `eventID`).
    pub id: String,
    pub item: Item,
}
