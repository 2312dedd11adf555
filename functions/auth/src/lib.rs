//! Proves who is calling, issues and revokes tokens.

pub mod domain;
