//! The listeners, one file each.

pub mod send_link;
