//! The record of an answered request with an `Idempotency-Key`: written in the transaction of its
//! effect, found by its repetitions.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::condition::Condition;
use crate::item::{Item, ItemError, Stored};
use crate::key::{Key, Scope, SortKey, escaped};
use crate::table::{IDEMPOTENCY, Table};

/// The label of the record's action in a change.
pub const LABEL: &str = "idempotency";
/// How long an answer is kept unless said otherwise: 48 hours.
const KEPT: Duration = Duration::from_secs(48 * 3600);

/// An answer as first given. Its `Debug` hides the body.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredAnswer {
    pub status: u16,
    /// Headers of interest, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body, byte for byte.
    pub body: String,
}

impl fmt::Debug for StoredAnswer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "StoredAnswer({}, [hidden])", self.status)
    }
}

/// What a found record means for the request that found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replay {
    /// The same request: answer the same.
    Same(StoredAnswer),
    /// Another request with the same key: refuse it.
    OtherRequest,
}

/// One answered request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    #[serde(flatten)]
    key: Key,
    request_hash: String,
    #[serde(flatten)]
    answer: StoredAnswer,
    #[serde(with = "kernel::time::ms", rename = "created_at_ms")]
    created_at: Timestamp,
    #[serde(with = "kernel::time::ms", rename = "expires_at_ms")]
    expires_at: Timestamp,
    #[serde(rename = "expires_at")]
    expires_at_s: i64,
}

impl Stored for Record {
    const TABLE: Table = IDEMPOTENCY;

    fn key(&self) -> Key {
        self.key.clone()
    }
}

impl Record {
    /// The record of a request answered now, kept for 48 hours. `scope` is the tenant's, of a mode
    /// where data has one; keys of different functions and principals never meet.
    pub fn new(
        scope: &Scope,
        function: &str,
        principal: &str,
        key: &str,
        request_hash: &str,
        answer: StoredAnswer,
        now: Timestamp,
    ) -> Self {
        Self {
            key: Self::key_of(scope, function, principal, key),
            request_hash: request_hash.to_owned(),
            answer,
            created_at: now,
            expires_at: now,
            expires_at_s: 0,
        }
        .kept_for(KEPT)
    }

    /// The same record, kept so long: 30 days for requests that move money.
    #[must_use]
    pub fn kept_for(mut self, span: Duration) -> Self {
        self.expires_at = self.created_at.plus(span);
        self.expires_at_s = self.expires_at.seconds() + 1;
        self
    }

    /// Where the record of this request is. The client's key may be any text.
    pub fn key_of(scope: &Scope, function: &str, principal: &str, key: &str) -> Key {
        let sort = format!("{}#{}", escaped(principal), escaped(key));
        Key::new(scope.partition("IDEM", function), SortKey::from(sort))
    }

    /// A record as stored.
    ///
    /// # Errors
    /// The item is none.
    pub fn from_item(item: Item) -> Result<Self, ItemError> {
        item.decode()
    }

    /// Whether it still counts. Expired records are removed lazily and may be found.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at > now
    }

    /// What it means for a request with this hash.
    pub fn replay(&self, request_hash: &str) -> Replay {
        if self.request_hash == request_hash {
            Replay::Same(self.answer.clone())
        } else {
            Replay::OtherRequest
        }
    }

    /// Creates the record where there is none, or an expired one. The refusal is labelled
    /// [`LABEL`] and decides before all others.
    pub fn into_change(self) -> Change {
        let expired = Condition::at_most("expires_at_ms", self.created_at.ms());
        let mut change = Change::new();
        change.put_when(&self, Condition::no_item().or(expired)).named(LABEL).decides_first();
        change
    }
}
