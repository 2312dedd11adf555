//! Private queues, one file each.

pub mod replay_run;
pub mod schedule_fire;
