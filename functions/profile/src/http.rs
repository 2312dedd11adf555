//! The endpoints, one file each.

pub mod get;
pub mod update;
pub mod view;
