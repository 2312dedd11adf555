//! Decisions about repeating and skipping: plain functions over plain values.

pub mod chapter;
pub mod choice;
pub mod days;
pub mod letter;
pub mod replay;
pub mod trace;
