//! SHA-256, for hashes that identify and never protect a secret.

use aws_lc_rs::digest::{Context, SHA256};

/// Tells one fault from another: the hash of its code and message, in which numbers and ids count as
/// equal.
pub fn fingerprint(code: &str, message: &str) -> String {
    let mut normal = String::with_capacity(message.len());
    for word in message.split(' ') {
        let is_name = word.chars().any(|letter| letter.is_ascii_digit());
        normal.push_str(if is_name { "#" } else { word });
        normal.push(' ');
    }
    hex_sha256(&[code.as_bytes(), normal.as_bytes()]).chars().take(12).collect()
}

/// The hash of the parts, each with its length before it, as lower-case hex.
pub fn hex_sha256(parts: &[&[u8]]) -> String {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part);
    }
    context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_fault_has_one_fingerprint_whatever_it_happened_to() {
        let first = fingerprint("gone", "evt_01jd answered 503 at 12:00");
        assert_eq!(first, fingerprint("gone", "evt_99zz answered 500 at 13:30"));
        assert_eq!(first.len(), 12);
        for (code, message) in [("lost", "evt_01jd answered 503 at 12:00"), ("gone", "no answer")] {
            assert_ne!(first, fingerprint(code, message));
        }
    }
}
