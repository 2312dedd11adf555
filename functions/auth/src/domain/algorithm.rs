//! The registry of signature algorithms (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2) and the one
//! place where a signature is checked over bytes. The arithmetic is `jsonwebtoken`'s aws-lc
//! backend; ES512, which that crate does not know, goes to aws-lc directly.

use aws_lc_rs::signature::{ECDSA_P521_SHA512_FIXED, VerificationAlgorithm};
use jsonwebtoken::{Algorithm as Primitive, DecodingKey};

/// The algorithm our access tokens are signed with.
pub const ISSUED: &str = "ES256";

/// What a key must be for an algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyShape {
    /// A shared secret at least as long as the hash (RFC 7518 §3.2).
    Secret {
        /// Length of the hash and least length of the key, in bytes.
        hash_bytes: usize,
    },
    /// An RSA public key.
    Rsa,
    /// A point on P-256.
    P256,
    /// A point on P-384.
    P384,
    /// A point on P-521.
    P521,
    /// An Ed25519 public key.
    Ed25519,
}

/// A signature algorithm this code can verify: a row of the registry, which has no `none`.
#[derive(Debug)]
pub struct Algorithm {
    name: &'static str,
    key_shape: KeyShape,
    /// `None`: as long as the RSA modulus.
    signature_bytes: Option<usize>,
    /// `None`: not known to `jsonwebtoken`.
    primitive: Option<Primitive>,
}

static REGISTRY: [Algorithm; 14] = [
    row("HS256", KeyShape::Secret { hash_bytes: 32 }, Some(32), Some(Primitive::HS256)),
    row("HS384", KeyShape::Secret { hash_bytes: 48 }, Some(48), Some(Primitive::HS384)),
    row("HS512", KeyShape::Secret { hash_bytes: 64 }, Some(64), Some(Primitive::HS512)),
    row("RS256", KeyShape::Rsa, None, Some(Primitive::RS256)),
    row("RS384", KeyShape::Rsa, None, Some(Primitive::RS384)),
    row("RS512", KeyShape::Rsa, None, Some(Primitive::RS512)),
    row("PS256", KeyShape::Rsa, None, Some(Primitive::PS256)),
    row("PS384", KeyShape::Rsa, None, Some(Primitive::PS384)),
    row("PS512", KeyShape::Rsa, None, Some(Primitive::PS512)),
    row("ES256", KeyShape::P256, Some(64), Some(Primitive::ES256)),
    row("ES384", KeyShape::P384, Some(96), Some(Primitive::ES384)),
    row("ES512", KeyShape::P521, Some(132), None),
    row("Ed25519", KeyShape::Ed25519, Some(64), Some(Primitive::EdDSA)),
    row("EdDSA", KeyShape::Ed25519, Some(64), Some(Primitive::EdDSA)),
];

const fn row(
    name: &'static str,
    key_shape: KeyShape,
    signature_bytes: Option<usize>,
    primitive: Option<Primitive>,
) -> Algorithm {
    Algorithm { name, key_shape, signature_bytes, primitive }
}

impl Algorithm {
    /// The algorithm with this `alg` value, compared case-sensitively. `none` in any spelling and
    /// every name outside the registry give `None`.
    pub fn named(name: &str) -> Option<&'static Self> {
        REGISTRY.iter().find(|algorithm| algorithm.name == name)
    }

    /// The kind of key this algorithm is used with.
    pub fn key_shape(&self) -> KeyShape {
        self.key_shape
    }

    /// The exact length of a signature in bytes; `None` for RSA, where it is the modulus length.
    pub fn signature_bytes(&self) -> Option<usize> {
        self.signature_bytes
    }

    /// Whether `signature` is this algorithm's signature of `message` under `key`.
    ///
    /// ECDSA takes the raw r‖s with both in [1, n−1] (RFC 7518 §3.4), PKCS#1 v1.5 compares the
    /// whole encoding, HMAC compares in constant time. A key of another family gives `false`.
    pub fn verifies(&self, key: &DecodingKey, message: &[u8], signature: &[u8]) -> bool {
        match self.primitive {
            Some(primitive) => {
                let text = kernel::codec::encode(signature);
                jsonwebtoken::crypto::verify(&text, message, key, primitive).unwrap_or(false)
            }
            None => key.try_get_as_bytes().is_ok_and(|point| {
                ECDSA_P521_SHA512_FIXED.verify_sig(point, message, signature).is_ok()
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_registry_finds_its_own_row() {
        for algorithm in &REGISTRY {
            let found = Algorithm::named(algorithm.name).unwrap();
            assert!(std::ptr::eq(found, algorithm), "{}", algorithm.name);
        }
    }

    #[test]
    fn none_and_other_spellings_do_not_exist() {
        for name in ["none", "None", "NONE", "nOnE", "", "es256", "HS256 ", "ES256K", "RSA1_5"] {
            assert!(Algorithm::named(name).is_none(), "{name}");
        }
    }
}
