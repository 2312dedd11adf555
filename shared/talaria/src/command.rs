//! The subcommands, one file each.

pub mod build;
pub mod check;
pub mod dlq;
pub mod event;
pub mod generate;
pub mod listener;
pub mod local;
pub mod module;
pub mod new;
pub mod openapi;
pub mod outbox;
pub mod release_events;
pub mod schedule;
pub mod simulate;
