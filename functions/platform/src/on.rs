//! Listeners, one file each.

pub mod scheduled_event;
