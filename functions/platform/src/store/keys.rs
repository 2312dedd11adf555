//! Keys of this module's rows in table `platform`.

use kernel::{ReplayId, TenantId};
use store::{Key, PartitionKey, Scope, SortKey};

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

fn of_replay(id: ReplayId) -> PartitionKey {
    Scope::system().partition("RPL", &id)
}
