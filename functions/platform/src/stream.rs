//! Readers of streams, one file each.

pub mod archive_stream;
pub mod relay_stream;
