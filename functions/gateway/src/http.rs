//! The endpoints, one file each.

pub mod fallback;
pub mod health;
pub mod module;
pub mod modules;
pub mod openapi;
pub mod preflight;
pub mod status;
