//! Keys of this module's rows in table `platform`.

use kernel::{ReplayId, TenantId};
use store::{Key, PartitionKey, Scope, SortKey, shard_of};

/// Partitions the due index is spread over.
pub const DUE_SHARDS: u64 = store::outbox::DUE_SHARDS;

/// `SYS#RPL#<id>` / `-`.
pub fn replay(id: ReplayId) -> Key {
    Key::alone(of_replay(id))
}

/// `SYS#RPL#<id>` / `C#<number>`.
pub fn chunk(id: ReplayId, number: u64) -> Key {
    Key::new(of_replay(id), SortKey::of("C", &format!("{number:06}")))
}

/// `SYS#RPL#<listener>#<tenant>#<l|t>` / `RUNNING`: a listener has one replay of a tenant at a
/// time.
pub fn running(listener: &str, tenant: TenantId, livemode: bool) -> Key {
    let mode = if livemode { "l" } else { "t" };
    let pk = Scope::system().partition("RPL", [listener, &tenant.to_string(), mode]);
    Key::new(pk, "RUNNING")
}

/// Where a row stands in the due index.
pub fn due(key: &Key) -> PartitionKey {
    due_shard(key.pk.text().map_or(0, |pk| shard_of(pk, DUE_SHARDS)))
}

/// One shard of the due index.
pub fn due_shard(shard: u64) -> PartitionKey {
    Scope::system().partition("DUE", &format!("{shard:02}"))
}

fn of_replay(id: ReplayId) -> PartitionKey {
    Scope::system().partition("RPL", &id)
}
