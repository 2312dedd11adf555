//! JWS Compact Serialization (RFC 7515 §7.1), verified under the rules of RFC 8725: the algorithm
//! comes from the key, everything is checked for form before any cryptography.

use kernel::codec;
use serde_json::{Map, Value};

use super::key_set::KeySet;
use super::strict_json;

/// The JOSE header of a verified token.
#[derive(Clone, Debug, PartialEq)]
pub struct Header(Map<String, Value>);

impl Header {
    /// The value of a member, if present.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The names of all members, in the order of the header.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The key id, if the header has one.
    pub fn kid(&self) -> Option<&str> {
        self.0.get("kid").and_then(Value::as_str)
    }
}

/// Why a token was not verified; variants in the order of the checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JwsError {
    /// Not exactly three segments, or an empty header or signature.
    Segments,
    /// A segment is not strict base64url: foreign character, padding, non-zero trailing bits.
    Encoding,
    /// The header is not a JSON object with unique members, a string `alg` and, if present, a
    /// string `kid`.
    Header,
    /// The header has `crit` or `b64`: extensions this code does not implement (RFC 7515 §4.1.11).
    Extension,
    /// No single usable key fits; carries the `kid` asked for, so that keys can be reloaded.
    UnknownKey(Option<String>),
    /// The key is not for the algorithm the header claims.
    Algorithm,
    /// The signature is not that of this key over these bytes.
    Signature,
}

/// Verifies a compact JWS and gives its header and its payload bytes, which may be empty.
///
/// Refuses in the order of `JwsError`. `jwk`, `jku`, `x5u`, `x5c` and `x5t` are never used as a key
/// or a location (RFC 8725 §3.10).
pub fn verify_compact(token: &str, keys: &KeySet) -> Result<(Header, Vec<u8>), JwsError> {
    let mut segments = token.split('.');
    let (Some(first), Some(second), Some(third), None) =
        (segments.next(), segments.next(), segments.next(), segments.next())
    else {
        return Err(JwsError::Segments);
    };
    if first.is_empty() || third.is_empty() || token.starts_with('{') {
        return Err(JwsError::Segments);
    }
    let (header, payload, signature) = (decode(first)?, decode(second)?, decode(third)?);

    let header = Header(strict_json::object(&header).map_err(|_| JwsError::Header)?);
    let Some(Value::String(alg)) = header.get("alg") else { return Err(JwsError::Header) };
    if header.get("kid").is_some_and(|kid| !kid.is_string()) {
        return Err(JwsError::Header);
    }
    if header.get("crit").is_some() || header.get("b64").is_some() {
        return Err(JwsError::Extension);
    }

    let key = keys
        .named(header.kid())
        .ok_or_else(|| JwsError::UnknownKey(header.kid().map(str::to_owned)))?;
    let algorithm = key.algorithm(alg).ok_or(JwsError::Algorithm)?;
    let signed = token.rsplit_once('.').map_or("", |(signed, _)| signed);
    if !key.verifies(algorithm, signed.as_bytes(), &signature) {
        return Err(JwsError::Signature);
    }
    Ok((header, payload))
}

fn decode(segment: &str) -> Result<Vec<u8>, JwsError> {
    codec::decode(segment).ok_or(JwsError::Encoding)
}

#[cfg(test)]
mod tests;
