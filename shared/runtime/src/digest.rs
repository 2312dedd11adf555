//! SHA-256, for hashes that identify and never protect a secret.

use aws_lc_rs::digest::{Context, SHA256};

/// The hash of the parts, each with its length before it, as lower-case hex.
pub fn hex_sha256(parts: &[&[u8]]) -> String {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part);
    }
    context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
