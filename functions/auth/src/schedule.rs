//! The schedules, one file each.

pub mod rotate_signing;
