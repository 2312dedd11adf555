//! The subcommands, one file each.

pub mod build;
pub mod check;
pub mod generate;
pub mod local;
pub mod module;
pub mod new;
pub mod release_events;
