//! Jobs, one file each.

pub mod on_due;
pub mod relay_sweep;
