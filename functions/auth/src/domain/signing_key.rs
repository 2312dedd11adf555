//! The P-256 keys our tokens are signed with: made, loaded, kept in the secret store, and the
//! states they pass through in public.

use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use jsonwebtoken::EncodingKey;
use kernel::{Secret, codec};
use serde_json::{Map, Value, json};

use super::algorithm::ISSUED;
use super::jwk::{Curve, Jwk, Material};
use super::strict_json;

/// Where a key stands: `next → current → retiring → gone`; any state → `revoked`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Published, not yet signing.
    Next,
    /// Signing.
    Current,
    /// No longer signing; tokens it signed may still be alive.
    Retiring,
    /// Every token it signed has expired.
    Gone,
    /// Withdrawn: its tokens are dead, whatever their expiry.
    Revoked,
}

impl KeyState {
    /// All states, in the order of a key's life.
    pub const ALL: [Self; 5] =
        [Self::Next, Self::Current, Self::Retiring, Self::Gone, Self::Revoked];

    /// The stored spelling.
    pub fn name(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Current => "current",
            Self::Retiring => "retiring",
            Self::Gone => "gone",
            Self::Revoked => "revoked",
        }
    }

    /// The state with this stored spelling.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether tokens signed by a key in this state verify, which is also whether it is published.
    pub fn verifies(self) -> bool {
        match self {
            Self::Next | Self::Current | Self::Retiring => true,
            Self::Gone | Self::Revoked => false,
        }
    }

    /// Whether a key may pass from this state to `to`. Refuses steps back and skipped steps, except
    /// to `revoked`, which is final.
    pub fn may_become(self, to: Self) -> bool {
        match self {
            Self::Next => matches!(to, Self::Current | Self::Revoked),
            Self::Current => matches!(to, Self::Retiring | Self::Revoked),
            Self::Retiring => matches!(to, Self::Gone | Self::Revoked),
            Self::Gone => to == Self::Revoked,
            Self::Revoked => false,
        }
    }
}

/// What a published key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// Access tokens, and ID tokens of applications that ask for the same algorithm.
    Access,
    /// ID tokens alone: never proves an access token.
    IdToken,
}

impl KeyUse {
    /// The stored spelling.
    pub fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::IdToken => "id_token",
        }
    }

    /// The use with this stored spelling.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Access, Self::IdToken].into_iter().find(|key_use| key_use.name() == name)
    }
}

/// A key as everybody may see it: a row of the key directory.
#[derive(Debug)]
pub struct PublicKey {
    /// The key, with `use`, `alg` and `kid`.
    pub jwk: Jwk,
    /// What it is for.
    pub key_use: KeyUse,
    /// Where it stands.
    pub state: KeyState,
}

/// The keys of the JWK Set to publish (RFC 7517 §5): current, next, retiring in that order, public
/// members only.
pub fn key_set<'a>(keys: impl IntoIterator<Item = &'a PublicKey>) -> Vec<Map<String, Value>> {
    let keys: Vec<&PublicKey> = keys.into_iter().collect();
    [KeyState::Current, KeyState::Next, KeyState::Retiring]
        .into_iter()
        .flat_map(|state| keys.iter().filter(move |key| key.state == state))
        .filter_map(|key| key.jwk.published())
        .collect()
}

/// Why a signing key could not be made or loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningKeyError {
    /// The cryptographic library made no key.
    NotGenerated,
    /// Not a PKCS#8 P-256 key pair.
    NotP256,
    /// The secret document has not the form `{current:{kid,pkcs8}, next:{kid,pkcs8}}`.
    Document,
    /// A `kid` in the secret document is not the thumbprint of its key.
    KidMismatch,
}

/// A private P-256 key under its thumbprint. Prints without the key, which is zeroed on drop.
pub struct SigningKey {
    kid: String,
    x: Vec<u8>,
    y: Vec<u8>,
    private: EncodingKey,
}

impl SigningKey {
    /// Makes a fresh key.
    ///
    /// The one place in the domain that draws randomness itself: aws-lc takes none from outside.
    pub fn generate() -> Result<Self, SigningKeyError> {
        let document = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .and_then(|pair| pair.to_pkcs8v1())
            .map_err(|_| SigningKeyError::NotGenerated)?;
        Self::from_pkcs8(document.as_ref())
    }

    /// Loads a key from PKCS#8 (RFC 5208). Refuses other curves and a public half that does not
    /// match.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, SigningKeyError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
            .map_err(|_| SigningKeyError::NotP256)?;
        // SEC 1 §2.3.3: 04 ‖ x ‖ y, both of full length.
        let point = pair.public_key().as_ref();
        let (x, y) = point
            .split_first()
            .and_then(|(_, xy)| xy.split_at_checked(Curve::P256.coordinate_bytes()))
            .ok_or(SigningKeyError::NotP256)?;
        let mut key = Self {
            kid: String::new(),
            x: x.to_vec(),
            y: y.to_vec(),
            private: EncodingKey::from_ec_der(pkcs8),
        };
        key.kid = key.public().thumbprint();
        Ok(key)
    }

    /// The key id: the RFC 7638 thumbprint.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half, as published.
    pub fn public(&self) -> Jwk {
        Jwk {
            kid: Some(self.kid.clone()),
            alg: Some(ISSUED.to_owned()),
            purpose: Some("sig".to_owned()),
            operations: None,
            material: Material::Ec { curve: Curve::P256, x: self.x.clone(), y: self.y.clone() },
        }
    }

    /// The ES256 signature of `message` in base64url, raw r‖s (RFC 7518 §3.4); `None` when the
    /// cryptographic library fails.
    pub(super) fn sign(&self, message: &[u8]) -> Option<String> {
        jsonwebtoken::crypto::sign(message, &self.private, jsonwebtoken::Algorithm::ES256).ok()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// The secret document: the key that signs and the one that will.
#[derive(Debug)]
pub struct SigningSecret {
    /// Signs now.
    pub current: SigningKey,
    /// Signs after the next rotation; already published.
    pub next: SigningKey,
}

impl SigningSecret {
    /// Reads `{current:{kid,pkcs8}, next:{kid,pkcs8}}`, PKCS#8 in base64url.
    ///
    /// Refuses other members, keys of another kind and a `kid` that is not the key's thumbprint.
    pub fn parse(document: &Secret<String>) -> Result<Self, SigningKeyError> {
        let members = strict_json::object(document.expose().as_bytes())
            .map_err(|_| SigningKeyError::Document)?;
        if members.len() != 2 {
            return Err(SigningKeyError::Document);
        }
        Ok(Self { current: member(&members, "current")?, next: member(&members, "next")? })
    }

    /// Writes the document that `parse` reads.
    pub fn document(&self) -> Secret<String> {
        let entry = |key: &SigningKey| {
            let pkcs8 = codec::encode(key.private.as_bytes());
            json!({"kid": key.kid, "pkcs8": pkcs8})
        };
        let document = json!({"current": entry(&self.current), "next": entry(&self.next)});
        Secret::new(document.to_string())
    }
}

fn member(members: &Map<String, Value>, name: &str) -> Result<SigningKey, SigningKeyError> {
    let entry = members.get(name).and_then(Value::as_object).ok_or(SigningKeyError::Document)?;
    let (Some(Value::String(kid)), Some(Value::String(pkcs8)), 2) =
        (entry.get("kid"), entry.get("pkcs8"), entry.len())
    else {
        return Err(SigningKeyError::Document);
    };
    let pkcs8 = codec::decode(pkcs8).map(Secret::new).ok_or(SigningKeyError::Document)?;
    let key = SigningKey::from_pkcs8(pkcs8.expose())?;
    if key.kid == *kid { Ok(key) } else { Err(SigningKeyError::KidMismatch) }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, Ed25519KeyPair};

    use super::*;

    fn public(state: KeyState) -> PublicKey {
        let jwk = SigningKey::generate().unwrap().public();
        PublicKey { jwk, key_use: KeyUse::Access, state }
    }

    #[test]
    fn states_move_forward_one_step_or_to_revoked() {
        use KeyState::{Current, Gone, Next, Retiring, Revoked};
        let allowed = [
            (Next, Current),
            (Current, Retiring),
            (Retiring, Gone),
            (Next, Revoked),
            (Current, Revoked),
            (Retiring, Revoked),
            (Gone, Revoked),
        ];
        for from in KeyState::ALL {
            assert_eq!(KeyState::named(from.name()), Some(from));
            for to in KeyState::ALL {
                assert_eq!(
                    from.may_become(to),
                    allowed.contains(&(from, to)),
                    "{from:?} to {to:?}"
                );
            }
        }
    }

    #[test]
    fn the_key_set_lists_current_next_retiring_and_nothing_else() {
        let keys: Vec<PublicKey> = KeyState::ALL.into_iter().map(public).collect();
        let published = key_set(&keys);
        let kids: Vec<&str> = published.iter().map(|key| key["kid"].as_str().unwrap()).collect();
        let kid = |state| keys.iter().find(|key| key.state == state).unwrap().jwk.kid.clone();
        let expected =
            [KeyState::Current, KeyState::Next, KeyState::Retiring].map(|s| kid(s).unwrap());
        assert_eq!(kids, expected);
    }

    #[test]
    fn published_keys_have_exactly_the_public_members() {
        let published = key_set(&[public(KeyState::Current)]);
        let members: Vec<&String> = published[0].keys().collect();
        assert_eq!(members, ["kty", "use", "alg", "kid", "crv", "x", "y"]);
        assert_eq!(published[0]["use"], "sig");
        assert_eq!(published[0]["alg"], "ES256");
    }

    #[test]
    fn coordinates_are_always_32_bytes() {
        for _ in 0..600 {
            let Material::Ec { x, y, .. } = SigningKey::generate().unwrap().public().material
            else {
                panic!("not an elliptic curve key")
            };
            assert_eq!((x.len(), y.len()), (32, 32));
        }
    }

    #[test]
    fn the_secret_document_survives_a_round_trip() {
        let secret = SigningSecret {
            current: SigningKey::generate().unwrap(),
            next: SigningKey::generate().unwrap(),
        };
        let read = SigningSecret::parse(&secret.document()).unwrap();
        assert_eq!(read.current.kid(), secret.current.kid());
        assert_eq!(read.next.kid(), secret.next.kid());
    }

    #[test]
    fn secret_documents_of_another_form_are_refused() {
        let secret = SigningSecret {
            current: SigningKey::generate().unwrap(),
            next: SigningKey::generate().unwrap(),
        };
        let good = secret.document().expose().clone();
        let (current, next) = (secret.current.kid(), secret.next.kid());
        let table = [
            ("{}".to_owned(), SigningKeyError::Document),
            ("null".to_owned(), SigningKeyError::Document),
            (good.replace("current", "previous"), SigningKeyError::Document),
            (good.replacen('{', r#"{"more":1,"#, 1), SigningKeyError::Document),
            (good.replace("pkcs8", "pem"), SigningKeyError::Document),
            (good.replace(r#""pkcs8":""#, r#""pkcs8":"="#), SigningKeyError::Document),
            (good.replace(r#""pkcs8":""#, r#""pkcs8":"AAAA"#), SigningKeyError::NotP256),
            (good.replace(current, next), SigningKeyError::KidMismatch),
        ];
        for (document, expected) in table {
            let error = SigningSecret::parse(&Secret::new(document)).err();
            assert_eq!(error, Some(expected));
        }
    }

    #[test]
    fn keys_of_other_kinds_are_refused() {
        let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        let edwards = Ed25519KeyPair::generate().unwrap();
        let others = [
            p384.to_pkcs8v1().unwrap().as_ref().to_vec(),
            edwards.to_pkcs8v1().unwrap().as_ref().to_vec(),
            Vec::new(),
        ];
        for pkcs8 in others {
            assert_eq!(SigningKey::from_pkcs8(&pkcs8).err(), Some(SigningKeyError::NotP256));
        }
    }

    #[test]
    fn private_keys_are_not_printed() {
        let secret = SigningSecret {
            current: SigningKey::generate().unwrap(),
            next: SigningKey::generate().unwrap(),
        };
        let printed = format!("{secret:?}");
        let private = codec::encode(secret.current.private.as_bytes());
        assert!(!printed.contains(&private[30..60]));
        assert!(!printed.contains("pkcs8"));
    }
}
