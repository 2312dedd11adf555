//! What runs by the clock, one file per job.

pub mod on_due;
