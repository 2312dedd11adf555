//! Base64url without padding (RFC 4648 section 5): strict, so that every value has one spelling.

use data_encoding::BASE64URL_NOPAD;

/// Encodes bytes.
pub fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// Decodes text; refuses padding, other alphabets and non-zero trailing bits.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()
}
