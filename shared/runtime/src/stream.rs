//! Records of a table's stream.

use store::Item;

/// Which records of a stream start the function. AWS filters before invoking; the local cloud does the
/// same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Births {
    /// New images with `status` `pending` and `attempts` 0: births and resets of outbox rows.
    Outbox,
}

impl Births {
    /// The filter pattern of the event source mapping.
    pub const fn pattern(self) -> &'static str {
        match self {
            Self::Outbox => {
                r#"{"dynamodb":{"NewImage":{"status":{"S":["pending"]},"attempts":{"N":["0"]}}}}"#
            }
        }
    }
}

/// One record: its number in the stream and the item as it is now.
#[derive(Clone, Debug)]
pub struct Record {
    pub sequence_number: String,
    pub item: Item,
}
