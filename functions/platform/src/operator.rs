//! Orders of operators, one file each.

pub mod dlq_list;
pub mod dlq_retry;
pub mod dlq_skip;
pub mod event_replay;
pub mod event_show;
pub mod listener_list;
pub mod outbox_list;
pub mod outbox_retry;
pub mod outbox_skip;
pub mod replay_cancel;
pub mod replay_get;
pub mod replay_start;
pub mod schedule_cancel;
pub mod schedule_list;
pub mod schedule_run;
