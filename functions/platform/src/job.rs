//! Private queues, one file each.

pub mod replay_run;
