//! The audit trail: one row in the transaction of the change it tells about.

use kernel::{AnyId, AuditId, RequestId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use store::{AUDIT, Change, Key, Places, Scope, Table, UNSEALED};

use crate::ports::digest::hex_sha256;

/// Who did what to what, from where. No secret, address or body.
pub(crate) struct AuditRow {
    pub id: AuditId,
    pub at: Timestamp,
    pub tenant: TenantId,
    /// The contract's audit action.
    pub action: &'static str,
    pub outcome: Outcome,
    pub actor: Option<AnyId>,
    pub target: String,
    pub network: String,
    pub user_agent: String,
    pub request_id: RequestId,
}

/// What became of what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Done,
    Refused,
}

/// Unsealed rows are found by one of so many shards.
const SHARDS: u64 = 8;

/// The row as stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(flatten)]
    key: Key,
    at_ms: i64,
    action: String,
    actor: Option<AnyId>,
    target: String,
    result: Outcome,
    ip_net: String,
    ua_hash: String,
    request_id: RequestId,
    #[serde(skip)]
    unsealed: Option<String>,
}

impl store::Stored for Stored {
    const TABLE: Table = AUDIT;

    fn key(&self) -> Key {
        self.key.clone()
    }

    fn index(&self, places: &mut Places) {
        if let Some(id) = &self.unsealed {
            let shard = store::shard_of(id, SHARDS).to_string();
            places.put(&UNSEALED, Scope::system().partition("UNSEALED", &*shard), id);
        }
    }
}

impl AuditRow {
    pub(crate) fn into_change(self) -> Change {
        let scope = Scope::tenant(self.tenant);
        let id = self.id.to_string();
        let row = Stored {
            key: Key::new(scope.partition("AUD", &*self.at.month()), id.as_str()),
            at_ms: self.at.ms(),
            action: self.action.to_owned(),
            actor: self.actor,
            target: self.target,
            result: self.outcome,
            ip_net: self.network,
            ua_hash: hex_sha256(&[self.user_agent.as_bytes()]),
            request_id: self.request_id,
            unsealed: Some(id),
        };
        let mut change = Change::new();
        change.create(&row);
        change
    }
}
