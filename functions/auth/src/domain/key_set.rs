//! Which keys may verify, and which one a header names (RFC 7517 §4, RFC 8725 §3.1).

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ParsedPublicKey,
};
use jsonwebtoken::DecodingKey;

use super::algorithm::{Algorithm, KeyShape};
use super::jwk::{Curve, Jwk, Material};

/// The least size of an RSA modulus (RFC 7518 §3.3), in bits.
const RSA_MIN_BITS: usize = 2048;

/// Why a key that can be read may not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// `use` is present and not `sig`.
    Purpose,
    /// `key_ops` is present and does not contain `verify`.
    Operations,
    /// `alg` is unknown, does not fit the key, or is absent where the key alone does not settle it.
    Algorithm,
    /// An RSA modulus below 2,048 bits, or an exponent that is even or below 3.
    Rsa,
    /// The point is not on its curve.
    NotOnCurve,
    /// A shared secret shorter than the hash it is used with.
    ShortSecret,
}

/// A key that may verify, with the algorithms it settles.
pub struct VerifyingKey {
    kid: Option<String>,
    algorithms: Vec<(String, &'static Algorithm)>,
    signature_bytes: usize,
    key: DecodingKey,
}

impl VerifyingKey {
    /// Admits a key for verification, or says why not.
    pub fn admit(jwk: &Jwk) -> Result<Self, Unusable> {
        if jwk.purpose.as_deref().is_some_and(|purpose| purpose != "sig") {
            return Err(Unusable::Purpose);
        }
        if jwk.operations.as_ref().is_some_and(|names| !names.iter().any(|name| name == "verify")) {
            return Err(Unusable::Operations);
        }
        let algorithms = settled_algorithms(jwk)?;
        let hash_bytes = algorithms.iter().find_map(|(_, algorithm)| match algorithm.key_shape() {
            KeyShape::Secret { hash_bytes } => Some(hash_bytes),
            _ => None,
        });
        let fixed = algorithms.iter().find_map(|(_, algorithm)| algorithm.signature_bytes());
        let (key, signature_bytes) = match &jwk.material {
            Material::Ec { curve, x, y } => (point(*curve, x, y)?, fixed),
            Material::Rsa { n, e } => (rsa(n, e)?, Some(n.len())),
            Material::Ed25519 { x } => (DecodingKey::from_ed_der(x), fixed),
            Material::Secret(secret) => {
                if hash_bytes.is_none_or(|least| secret.expose().len() < least) {
                    return Err(Unusable::ShortSecret);
                }
                (DecodingKey::from_secret(secret.expose()), fixed)
            }
        };
        Ok(Self {
            kid: jwk.kid.clone(),
            algorithms,
            signature_bytes: signature_bytes.ok_or(Unusable::Algorithm)?,
            key,
        })
    }

    /// The algorithm a header's `alg` stands for with this key: the key decides, the header can
    /// only agree, case-sensitively (RFC 8725 §3.1). `None` when they differ.
    pub fn algorithm(&self, alg: &str) -> Option<&'static Algorithm> {
        self.algorithms.iter().find(|(name, _)| name == alg).map(|(_, algorithm)| *algorithm)
    }

    /// Whether `signature` is this key's signature of `message`, of exactly the right length.
    pub fn verifies(&self, algorithm: &Algorithm, message: &[u8], signature: &[u8]) -> bool {
        signature.len() == self.signature_bytes && algorithm.verifies(&self.key, message, signature)
    }
}

/// The keys a token may have been signed with. Keys that may not verify are left out.
#[derive(Default)]
pub struct KeySet {
    keys: Vec<VerifyingKey>,
}

impl KeySet {
    /// Keeps the usable ones of `keys`.
    pub fn of<'a>(keys: impl IntoIterator<Item = &'a Jwk>) -> Self {
        Self { keys: keys.into_iter().filter_map(|jwk| VerifyingKey::admit(jwk).ok()).collect() }
    }

    /// The one key a header names: by `kid` byte for byte, or, without `kid`, the only usable key.
    ///
    /// `None` for no match and for several.
    pub fn named(&self, kid: Option<&str>) -> Option<&VerifyingKey> {
        let mut candidates =
            self.keys.iter().filter(|key| kid.is_none() || key.kid.as_deref() == kid);
        match (candidates.next(), candidates.next()) {
            (Some(key), None) => Some(key),
            _ => None,
        }
    }
}

/// The `alg` values the key allows: its own, or those its curve implies.
fn settled_algorithms(jwk: &Jwk) -> Result<Vec<(String, &'static Algorithm)>, Unusable> {
    let names: Vec<&str> = match (&jwk.alg, &jwk.material) {
        (Some(alg), _) => vec![alg],
        (None, Material::Ec { curve: Curve::P256, .. }) => vec!["ES256"],
        (None, Material::Ec { curve: Curve::P384, .. }) => vec!["ES384"],
        (None, Material::Ec { curve: Curve::P521, .. }) => vec!["ES512"],
        (None, Material::Ed25519 { .. }) => vec!["Ed25519", "EdDSA"],
        (None, Material::Rsa { .. } | Material::Secret(_)) => return Err(Unusable::Algorithm),
    };
    names
        .into_iter()
        .map(|name| {
            Algorithm::named(name)
                .filter(|algorithm| fits(algorithm.key_shape(), &jwk.material))
                .map(|algorithm| (name.to_owned(), algorithm))
                .ok_or(Unusable::Algorithm)
        })
        .collect()
}

fn fits(shape: KeyShape, material: &Material) -> bool {
    matches!(
        (shape, material),
        (KeyShape::Secret { .. }, Material::Secret(_))
            | (KeyShape::Rsa, Material::Rsa { .. })
            | (KeyShape::P256, Material::Ec { curve: Curve::P256, .. })
            | (KeyShape::P384, Material::Ec { curve: Curve::P384, .. })
            | (KeyShape::P521, Material::Ec { curve: Curve::P521, .. })
            | (KeyShape::Ed25519, Material::Ed25519 { .. })
    )
}

fn point(curve: Curve, x: &[u8], y: &[u8]) -> Result<DecodingKey, Unusable> {
    let uncompressed = [&[0x04], x, y].concat();
    let parsed = match curve {
        Curve::P256 => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &uncompressed),
        Curve::P384 => ParsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, &uncompressed),
        Curve::P521 => ParsedPublicKey::new(&ECDSA_P521_SHA512_FIXED, &uncompressed),
    };
    parsed.map_err(|_| Unusable::NotOnCurve)?;
    Ok(DecodingKey::from_ec_der(&uncompressed))
}

fn rsa(n: &[u8], e: &[u8]) -> Result<DecodingKey, Unusable> {
    let leading_zero_bits = n.first().map_or(0, |byte| byte.leading_zeros() as usize);
    let modulus_bits = n.len() * 8 - leading_zero_bits;
    let odd = e.last().is_some_and(|byte| byte % 2 == 1);
    if modulus_bits < RSA_MIN_BITS || !odd || e == [1] {
        return Err(Unusable::Rsa);
    }
    Ok(DecodingKey::from_rsa_raw_components(n, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EC: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;
    const ED: &str =
        r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;

    fn jwk(members: &str) -> Jwk {
        Jwk::parse(format!("{{{members}}}").as_bytes()).unwrap()
    }

    fn rsa_members(bits: usize, e: &str, alg: &str) -> String {
        let mut modulus = vec![0xff; bits.div_ceil(8)];
        if !bits.is_multiple_of(8) {
            modulus[0] = (1 << (bits % 8)) - 1;
        }
        let n = kernel::codec::encode(&modulus);
        format!(r#""kty":"RSA","n":"{n}","e":"{e}"{alg}"#)
    }

    fn secret(bytes: usize, alg: &str) -> String {
        let k = kernel::codec::encode(&vec![7; bytes]);
        format!(r#""kty":"oct","k":"{k}"{alg}"#)
    }

    #[test]
    fn a_key_verifies_only_where_purpose_kind_and_strength_allow() {
        let rs256 = r#","alg":"RS256""#;
        let table = [
            (EC.to_owned(), None),
            (format!(r#"{EC},"use":"sig","key_ops":["sign","verify"],"alg":"ES256""#), None),
            (format!(r#"{EC},"use":"enc""#), Some(Unusable::Purpose)),
            (format!(r#"{EC},"use":"SIG""#), Some(Unusable::Purpose)),
            (format!(r#"{EC},"key_ops":["sign"]"#), Some(Unusable::Operations)),
            (format!(r#"{EC},"key_ops":[]"#), Some(Unusable::Operations)),
            (format!(r#"{EC},"alg":"ES384""#), Some(Unusable::Algorithm)),
            (format!(r#"{EC},"alg":"RS256""#), Some(Unusable::Algorithm)),
            (format!(r#"{EC},"alg":"HS256""#), Some(Unusable::Algorithm)),
            (format!(r#"{EC},"alg":"none""#), Some(Unusable::Algorithm)),
            (EC.replace("f83OJ3", "e83OJ3"), Some(Unusable::NotOnCurve)),
            (ED.to_owned(), None),
            (format!(r#"{ED},"alg":"EdDSA""#), None),
            (format!(r#"{ED},"alg":"ES256""#), Some(Unusable::Algorithm)),
            (rsa_members(2048, "AQAB", rs256), None),
            (rsa_members(2048, "Aw", rs256), None),
            (rsa_members(2048, "AQAB", ""), Some(Unusable::Algorithm)),
            (rsa_members(2048, "AQAB", r#","alg":"HS256""#), Some(Unusable::Algorithm)),
            (rsa_members(2047, "AQAB", rs256), Some(Unusable::Rsa)),
            (rsa_members(1024, "AQAB", rs256), Some(Unusable::Rsa)),
            (rsa_members(2048, "AQ", rs256), Some(Unusable::Rsa)),
            (rsa_members(2048, "AQAA", rs256), Some(Unusable::Rsa)),
            (secret(32, r#","alg":"HS256""#), None),
            (secret(31, r#","alg":"HS256""#), Some(Unusable::ShortSecret)),
            (secret(63, r#","alg":"HS512""#), Some(Unusable::ShortSecret)),
            (secret(64, ""), Some(Unusable::Algorithm)),
        ];
        for (members, expected) in table {
            assert_eq!(VerifyingKey::admit(&jwk(&members)).err(), expected, "{members}");
        }
    }

    #[test]
    fn the_key_decides_the_algorithm_and_the_header_can_only_agree() {
        let table = [
            (EC.to_owned(), vec!["ES256"]),
            (ED.to_owned(), vec!["Ed25519", "EdDSA"]),
            (format!(r#"{ED},"alg":"Ed25519""#), vec!["Ed25519"]),
            (format!(r#"{ED},"alg":"EdDSA""#), vec!["EdDSA"]),
            (rsa_members(2048, "AQAB", r#","alg":"PS256""#), vec!["PS256"]),
        ];
        let names = [
            "HS256", "HS384", "HS512", "RS256", "PS256", "ES256", "ES384", "ES512", "Ed25519",
            "EdDSA", "es256", "none", "",
        ];
        for (members, allowed) in table {
            let key = VerifyingKey::admit(&jwk(&members)).unwrap();
            for name in names {
                assert_eq!(key.algorithm(name).is_some(), allowed.contains(&name), "{name}");
            }
        }
    }

    #[test]
    fn a_header_names_exactly_one_key_or_none() {
        let a = jwk(&format!(r#"{EC},"kid":"a""#));
        let b = jwk(&format!(r#"{ED},"kid":"b""#));
        let second_b = jwk(&format!(r#"{EC},"kid":"b""#));
        let unusable = jwk(&format!(r#"{EC},"kid":"c","use":"enc""#));
        let anonymous = jwk(EC);
        let table: [(Vec<&Jwk>, Option<&str>, bool); 9] = [
            (vec![&a, &b], Some("a"), true),
            (vec![&a, &b], Some("A"), false),
            (vec![&a, &b], Some(""), false),
            (vec![&a, &b], None, false),
            (vec![&a, &unusable], None, true),
            (vec![&a, &unusable], Some("c"), false),
            (vec![&b, &second_b], Some("b"), false),
            (vec![&anonymous], None, true),
            (vec![], None, false),
        ];
        for (keys, kid, found) in table {
            assert_eq!(KeySet::of(keys).named(kid).is_some(), found, "{kid:?}");
        }
    }
}
