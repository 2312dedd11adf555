//! Decisions about repeating and skipping: plain functions over plain values.

pub mod archived;
pub mod chapter;
pub mod choice;
pub mod chunk;
pub mod days;
pub mod letter;
pub mod replay;
pub mod trace;
pub mod walk;
