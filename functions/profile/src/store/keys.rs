//! Every key of table `profile`.

use kernel::{TenantId, UserId};
use store::{Key, Scope, Table};

/// Profiles.
pub const PROFILE: Table = Table::new("profile");

/// `T#<home>#U#<user>` / `PROFILE`.
pub fn profile(home: TenantId, user: UserId) -> Key {
    Key::new(Scope::tenant(home).partition("U", &user), "PROFILE")
}

/// `profile:<user>`: where the cache keeps a profile.
pub fn cached(home: TenantId, user: UserId) -> String {
    format!("profile:{home}:{user}")
}
