//! Decisions about profiles: values in, values out.

pub mod change;
pub mod profile;
pub mod view;
