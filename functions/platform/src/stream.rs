//! Readers of streams, one file each.

pub mod relay_stream;
