//! The typed calls, one file each.

pub mod account_create;
pub mod account_get;
