//! Tables as constants: what repositories read, what the template generator writes and what the
//! local cloud creates. One declaration, three readers.

/// The partition key attribute of every table.
pub const PARTITION: &str = "pk";
/// The sort key attribute of every table.
pub const SORT: &str = "sk";
/// The time-to-live attribute used by the platform tables: Unix seconds.
pub const EXPIRES_AT: &str = "expires_at";

/// The type of an index's sort key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortType {
    /// A string, ordered by its UTF-8 bytes.
    Text,
    /// An integer, for indexes of due times.
    Number,
}

/// What an index copies from the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Projection {
    /// The whole item: every write of the item is also a write of the index.
    All,
    /// The keys of table and index only: an update of anything else costs the index nothing.
    Keys,
    /// The keys and the named attributes.
    Keep(&'static [&'static str]),
}

/// A global secondary index. Items without its partition attribute are not in it (sparse).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Index {
    name: &'static str,
    partition: &'static str,
    sort: &'static str,
    sort_type: SortType,
    projection: Projection,
}

impl Index {
    /// An index with two string keys that copies whole items.
    pub const fn new(name: &'static str, partition: &'static str, sort: &'static str) -> Self {
        let projection = Projection::All;
        Self { name, partition, sort, sort_type: SortType::Text, projection }
    }

    /// The sort key is an integer.
    pub const fn by_number(mut self) -> Self {
        self.sort_type = SortType::Number;
        self
    }

    /// Copies the keys only.
    pub const fn keys_only(mut self) -> Self {
        self.projection = Projection::Keys;
        self
    }

    /// Copies the keys and these attributes (at most 20).
    pub const fn keeping(mut self, attributes: &'static [&'static str]) -> Self {
        self.projection = Projection::Keep(attributes);
        self
    }

    /// The index's name, unique within its table.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The attribute that is the index's partition key.
    pub const fn partition(&self) -> &'static str {
        self.partition
    }

    /// The attribute that is the index's sort key.
    pub const fn sort(&self) -> &'static str {
        self.sort
    }

    /// The type of the sort key.
    pub const fn sort_type(&self) -> SortType {
        self.sort_type
    }

    /// What the index copies.
    pub const fn projection(&self) -> Projection {
        self.projection
    }
}

/// A table: string keys `pk` and `sk`, billed per request, with its indexes.
///
/// The name is the logical one; the physical name is the configured prefix and the name, unless
/// configuration names the table itself (see [`crate::Names`]).
#[derive(Clone, Copy, Debug)]
pub struct Table {
    name: &'static str,
    indexes: &'static [Index],
    expires: Option<&'static str>,
    stream: bool,
    guarded: bool,
}

impl Table {
    /// A table without indexes, stream or expiry.
    pub const fn new(name: &'static str) -> Self {
        Self { name, indexes: &[], expires: None, stream: false, guarded: false }
    }

    /// The table's indexes, all of them.
    pub const fn indexes(mut self, indexes: &'static [Index]) -> Self {
        self.indexes = indexes;
        self
    }

    /// Rows are removed some time after the Unix second in this attribute. Lazily: readers compare.
    pub const fn expires(mut self, attribute: &'static str) -> Self {
        self.expires = Some(attribute);
        self
    }

    /// Changes are published on the table's own stream, with new images.
    pub const fn stream(mut self) -> Self {
        self.stream = true;
        self
    }

    /// Roles of functions that serve one tenant are limited by `dynamodb:LeadingKeys`.
    pub const fn guarded(mut self) -> Self {
        self.guarded = true;
        self
    }

    /// The logical name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The declared indexes.
    pub const fn all_indexes(&self) -> &'static [Index] {
        self.indexes
    }

    /// The time-to-live attribute, if rows expire.
    pub const fn expiry_attribute(&self) -> Option<&'static str> {
        self.expires
    }

    /// Whether the table has a stream.
    pub const fn has_stream(&self) -> bool {
        self.stream
    }

    /// Whether IAM also guards the tenant border.
    pub const fn is_guarded(&self) -> bool {
        self.guarded
    }

    /// The index of this name, if declared.
    pub fn index(&self, name: &str) -> Option<&'static Index> {
        self.indexes.iter().find(|index| index.name == name)
    }
}

/// Two tables are the same when their names are.
impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Table {}

/// Rows waiting to be swept: outbox births that no doorbell settled, and timers.
pub const DUE: Index = Index::new("due", "due_pk", "due_at_ms").by_number().keys_only();
/// Outbox rows whose publishing was given up.
pub const OUTBOX_FAILED: Index =
    Index::new("failed", "failed_pk", "failed_at_ms").by_number().keys_only();
/// Events of a tenant by day, newest last: the sort key is the event id.
pub const TENANT_DAY: Index = Index::new("tenant_day", "day_pk", "event_id").keeping(&["type"]);
/// Deliveries a listener gave up.
pub const INBOX_FAILED: Index =
    Index::new("failed", "failed_pk", "failed_at_ms").by_number().keys_only();
/// Audit rows not yet sealed into a block.
pub const UNSEALED: Index = Index::new("unsealed", "unsealed_pk", "unsealed_sk").keys_only();

/// Domain events between commit and publication, and 30 days after.
pub const OUTBOX: Table = Table::new("outbox")
    .indexes(&[DUE, OUTBOX_FAILED, TENANT_DAY])
    .stream()
    .expires(EXPIRES_AT)
    .guarded();
/// What each listener has done with each event, cursors and parked events.
pub const INBOX: Table = Table::new("inbox").indexes(&[INBOX_FAILED]).expires(EXPIRES_AT).guarded();
/// Stored answers of requests with an `Idempotency-Key`.
pub const IDEMPOTENCY: Table = Table::new("idempotency").expires(EXPIRES_AT).guarded();
/// Who did what, sealed into hash-chained blocks.
pub const AUDIT: Table = Table::new("audit").indexes(&[UNSEALED]).expires(EXPIRES_AT).guarded();
/// Scheduled, collected and returning events of tenants; leases and replays of the platform itself.
pub const PLATFORM: Table = Table::new("platform").indexes(&[DUE]).expires(EXPIRES_AT).guarded();

/// The tables every deployment has, whatever modules it runs.
pub const PLATFORM_TABLES: &[Table] = &[OUTBOX, INBOX, IDEMPOTENCY, AUDIT, PLATFORM];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_table_declares_a_name_or_an_index_twice() {
        for (at, table) in PLATFORM_TABLES.iter().enumerate() {
            assert!(PLATFORM_TABLES[..at].iter().all(|other| other != table));
            for (at, index) in table.all_indexes().iter().enumerate() {
                assert!(table.all_indexes()[..at].iter().all(|other| other.name != index.name));
                assert_eq!(table.index(index.name()), Some(index));
            }
        }
    }

    #[test]
    fn only_the_outbox_has_a_stream() {
        let streams: Vec<_> = PLATFORM_TABLES.iter().filter(|table| table.has_stream()).collect();
        assert_eq!(streams, [&OUTBOX]);
    }
}
