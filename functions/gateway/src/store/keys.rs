//! Every key of the module in table `gateway`; the cells of rate limits are `runtime::rate`'s.

use store::{Key, Scope};

/// `SYS#HEALTH` / `<module>`.
pub fn health(module: &str) -> Key {
    Key::new(Scope::system().partition("HEALTH", ()), module)
}
