//! JSON Web Keys (RFC 7517, RFC 7518 §6, RFC 8037 §2): read, thumbprint (RFC 7638), published form.

use std::fmt;

use aws_lc_rs::digest;
use kernel::Secret;
use kernel::codec::{decode, encode};
use serde_json::{Map, Value, json};

/// A curve of RFC 7518 §6.2.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
}

impl Curve {
    /// The `crv` value.
    pub fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// Length of a coordinate in bytes; shorter numbers are padded on the left.
    pub fn coordinate_bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::P256, Self::P384, Self::P521].into_iter().find(|curve| curve.name() == name)
    }
}

/// The mathematical part of a key, as read: lengths and grammar are right, whether it is *usable*
/// is the key set's question.
pub enum Material {
    /// An elliptic curve point.
    Ec {
        /// Named curve.
        curve: Curve,
        /// First coordinate, big-endian, full length.
        x: Vec<u8>,
        /// Second coordinate, big-endian, full length.
        y: Vec<u8>,
    },
    /// An RSA public key.
    Rsa {
        /// Modulus, big-endian, without leading zeros.
        n: Vec<u8>,
        /// Public exponent, big-endian, without leading zeros.
        e: Vec<u8>,
    },
    /// An Ed25519 public key.
    Ed25519 {
        /// The 32 bytes of the public key.
        x: Vec<u8>,
    },
    /// A shared secret.
    Secret(Secret<Vec<u8>>),
}

/// A key as its owner describes it. Members this code has no use for, private ones included, are
/// not kept.
pub struct Jwk {
    /// Key id.
    pub kid: Option<String>,
    /// The one algorithm this key is for.
    pub alg: Option<String>,
    /// Intended use.
    pub purpose: Option<String>,
    /// Permitted operations.
    pub operations: Option<Vec<String>>,
    /// The key itself.
    pub material: Material,
}

/// Why a JSON Web Key could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwkError {
    /// Not a JSON object without repeated members.
    NotAnObject,
    /// `kty` or `crv` is missing or not supported.
    UnknownKind,
    /// The named member is missing, of the wrong type, badly encoded or of the wrong length.
    Member(&'static str),
}

impl Jwk {
    /// Reads a key from JSON text.
    ///
    /// Refuses repeated members, padded or otherwise loose base64url, coordinates that are not of
    /// full length and RSA numbers with leading zeros.
    pub fn parse(text: &[u8]) -> Result<Self, JwkError> {
        Self::from_members(&super::strict_json::object(text).map_err(|_| JwkError::NotAnObject)?)
    }

    /// Reads a key from the members of a JSON object; refuses as `parse` does.
    pub fn from_members(members: &Map<String, Value>) -> Result<Self, JwkError> {
        let material = match text(members, "kty")? {
            Some("EC") => {
                let curve =
                    text(members, "crv")?.and_then(Curve::named).ok_or(JwkError::UnknownKind)?;
                let length = curve.coordinate_bytes();
                Material::Ec {
                    curve,
                    x: bytes(members, "x", |x| x.len() == length)?,
                    y: bytes(members, "y", |y| y.len() == length)?,
                }
            }
            Some("RSA") => Material::Rsa {
                n: bytes(members, "n", has_no_leading_zero)?,
                e: bytes(members, "e", has_no_leading_zero)?,
            },
            Some("OKP") if text(members, "crv")? == Some("Ed25519") => {
                Material::Ed25519 { x: bytes(members, "x", |x| x.len() == 32)? }
            }
            Some("oct") => Material::Secret(Secret::new(bytes(members, "k", |k| !k.is_empty())?)),
            Some(_) | None => return Err(JwkError::UnknownKind),
        };
        Ok(Self {
            kid: text(members, "kid")?.map(str::to_owned),
            alg: text(members, "alg")?.map(str::to_owned),
            purpose: text(members, "use")?.map(str::to_owned),
            operations: texts(members, "key_ops")?,
            material,
        })
    }

    /// The SHA-256 thumbprint in base64url (RFC 7638 §3, RFC 8037 §2): our key ids.
    pub fn thumbprint(&self) -> String {
        // Members in byte order, without white space: the canonical form of RFC 7638 §3.
        let canonical = match &self.material {
            Material::Ec { curve, x, y } => {
                json!({"crv": curve.name(), "kty": "EC", "x": encode(x), "y": encode(y)})
            }
            Material::Rsa { n, e } => json!({"e": encode(e), "kty": "RSA", "n": encode(n)}),
            Material::Ed25519 { x } => json!({"crv": "Ed25519", "kty": "OKP", "x": encode(x)}),
            Material::Secret(k) => json!({"k": encode(k.expose()), "kty": "oct"}),
        };
        encode(digest::digest(&digest::SHA256, canonical.to_string().as_bytes()).as_ref())
    }

    /// The published form: `kty use alg kid` and the public numbers, absent members left out.
    ///
    /// `None` for a shared secret, which has no published form.
    pub fn published(&self) -> Option<Map<String, Value>> {
        let mut members = Map::new();
        let numbers = match &self.material {
            Material::Ec { curve, x, y } => {
                vec![
                    ("kty", "EC".into()),
                    ("crv", curve.name().into()),
                    ("x", encode(x)),
                    ("y", encode(y)),
                ]
            }
            Material::Rsa { n, e } => {
                vec![("kty", "RSA".into()), ("n", encode(n)), ("e", encode(e))]
            }
            Material::Ed25519 { x } => {
                vec![("kty", "OKP".into()), ("crv", "Ed25519".into()), ("x", encode(x))]
            }
            Material::Secret(_) => return None,
        };
        let (kind, numbers) = numbers.split_first()?;
        let described = [("use", &self.purpose), ("alg", &self.alg), ("kid", &self.kid)];
        members.insert(kind.0.to_owned(), Value::from(kind.1.as_str()));
        for (name, value) in described {
            if let Some(value) = value {
                members.insert(name.to_owned(), Value::from(value.as_str()));
            }
        }
        for (name, value) in numbers {
            members.insert((*name).to_owned(), Value::from(value.as_str()));
        }
        Some(members)
    }
}

impl fmt::Debug for Jwk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Jwk").field("kid", &self.kid).field("alg", &self.alg).finish()
    }
}

fn has_no_leading_zero(number: &[u8]) -> bool {
    number.first().is_some_and(|byte| *byte != 0)
}

fn text<'a>(
    members: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, JwkError> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(value)) => Ok(Some(value)),
        Some(_) => Err(JwkError::Member(name)),
    }
}

fn texts(
    members: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<Vec<String>>, JwkError> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .map(Some)
            .ok_or(JwkError::Member(name)),
        Some(_) => Err(JwkError::Member(name)),
    }
}

fn bytes(
    members: &Map<String, Value>,
    name: &'static str,
    fits: impl Fn(&[u8]) -> bool,
) -> Result<Vec<u8>, JwkError> {
    text(members, name)?
        .and_then(decode)
        .filter(|decoded| fits(decoded))
        .ok_or(JwkError::Member(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

    #[test]
    fn the_thumbprint_is_that_of_rfc_7638_section_3_1() {
        let key = Jwk::parse(
            br#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#,
        )
        .unwrap();
        assert_eq!(key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn the_thumbprint_of_an_edwards_key_is_that_of_rfc_8037_appendix_a_3() {
        let key = Jwk::parse(
            br#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        )
        .unwrap();
        assert_eq!(key.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_published_key_has_its_public_members_and_no_others() {
        let text = format!(
            r#"{{"d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI","y":"{Y}","x":"{X}","crv":"P-256","kty":"EC","kid":"k","alg":"ES256","use":"sig","extra":1}}"#
        );
        let key = Jwk::parse(text.as_bytes()).unwrap();
        assert_eq!(
            json!(key.published()).to_string(),
            format!(
                r#"{{"kty":"EC","use":"sig","alg":"ES256","kid":"k","crv":"P-256","x":"{X}","y":"{Y}"}}"#
            )
        );
    }

    #[test]
    fn a_shared_secret_is_neither_published_nor_printed() {
        let key = Jwk::parse(br#"{"kty":"oct","k":"c2VjcmV0LWNhbmFyeQ","kid":"s"}"#).unwrap();
        assert_eq!(key.published(), None);
        assert!(!format!("{key:?}").contains("canary"));
    }

    #[test]
    fn malformed_keys_are_refused_by_the_member_at_fault() {
        let ec = |x: &str, y: &str| format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}"#);
        let rsa = |n: &str, e: &str| format!(r#"{{"kty":"RSA","n":"{n}","e":"{e}"}}"#);
        let table = [
            (String::new(), JwkError::NotAnObject),
            ("[]".into(), JwkError::NotAnObject),
            (r#"{"kty":"EC","kty":"EC"}"#.into(), JwkError::NotAnObject),
            ("{}".into(), JwkError::UnknownKind),
            (r#"{"kty":"ec"}"#.into(), JwkError::UnknownKind),
            (r#"{"kty":"EC","crv":"secp256k1"}"#.into(), JwkError::UnknownKind),
            (r#"{"kty":"OKP","crv":"X25519"}"#.into(), JwkError::UnknownKind),
            (r#"{"kty":1}"#.into(), JwkError::Member("kty")),
            (ec(&X[..42], Y), JwkError::Member("x")),
            (ec(&format!("{X}="), Y), JwkError::Member("x")),
            (ec(X, &Y.replace("a0", "a1")), JwkError::Member("y")),
            (ec(X, "AA"), JwkError::Member("y")),
            (rsa("", "AQAB"), JwkError::Member("n")),
            (rsa("AAEB", "AQAB"), JwkError::Member("n")),
            (rsa("AQEB", "AAEAAQ"), JwkError::Member("e")),
            (r#"{"kty":"oct","k":""}"#.into(), JwkError::Member("k")),
            (r#"{"kty":"oct","k":"AQ","kid":7}"#.into(), JwkError::Member("kid")),
            (r#"{"kty":"oct","k":"AQ","key_ops":"verify"}"#.into(), JwkError::Member("key_ops")),
        ];
        for (text, expected) in table {
            assert_eq!(Jwk::parse(text.as_bytes()).err(), Some(expected), "{text}");
        }
    }
}
