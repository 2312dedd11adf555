//! Jobs, one file each.

pub mod relay_sweep;
