//! Jobs, one file each.

pub mod health_probe;
