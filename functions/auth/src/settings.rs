//! What may be set about this module, and by which variables.

use runtime::settings::Setting;

use crate::domain::password_hash::{MemoryKib, Passes};

runtime::settings! {
    /// Memory of one Argon2id hash, in KiB (RFC 9106 section 4).
    ARGON2_MEMORY: Setting<MemoryKib> =
        Setting::new("TALARIA_ARGON2_MEMORY_KIB", "65536").quick("19456");

    /// Passes of one Argon2id hash.
    ARGON2_PASSES: Setting<Passes> = Setting::new("TALARIA_ARGON2_PASSES", "2");
}
