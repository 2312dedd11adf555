//! Jobs, one file each.

pub mod keep_seal;
pub mod on_due;
pub mod relay_sweep;
