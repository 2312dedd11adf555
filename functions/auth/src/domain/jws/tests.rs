use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING,
    ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RsaEncoding, RsaKeyPair,
    RsaPublicKeyComponents,
};
use aws_lc_rs::{digest, hmac};

use super::*;
use crate::domain::jwk::Jwk;

/// The order n of P-256: r and s must be below it (FIPS 186-5 §6.4.2).
const P256_ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

fn encode(bytes: &[u8]) -> String {
    codec::encode(bytes)
}

fn set(jwks: &[String]) -> KeySet {
    let keys: Vec<Jwk> = jwks.iter().map(|jwk| Jwk::parse(jwk.as_bytes()).unwrap()).collect();
    KeySet::of(&keys)
}

fn verify(token: &str, jwk: &str) -> Result<(Header, Vec<u8>), JwsError> {
    verify_compact(token, &set(&[jwk.to_owned()]))
}

/// A P-256 key with the means to sign anything, right or wrong.
struct P256 {
    pair: EcdsaKeyPair,
    jwk: String,
}

impl P256 {
    fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let jwk = ec_jwk("P-256", pair.public_key().as_ref(), "");
        Self { pair, jwk }
    }

    fn sign(&self, header: &str, payload: &[u8]) -> String {
        let input = format!("{}.{}", encode(header.as_bytes()), encode(payload));
        let signature = self.pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        format!("{input}.{}", encode(signature.as_ref()))
    }
}

fn ec_jwk(curve: &str, point: &[u8], extra: &str) -> String {
    let (x, y) = point[1..].split_at(point.len() / 2);
    format!(r#"{{"kty":"EC","crv":"{curve}","x":"{}","y":"{}"{extra}}}"#, encode(x), encode(y))
}

#[test]
fn the_examples_of_rfc_7515_and_rfc_8037_verify() {
    const JOE: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let joe = b"{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
    let table: [(&str, &str, String, &[u8]); 5] = [
        (
            "RFC 7515 A.1",
            r#"{"kty":"oct","alg":"HS256","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#,
            format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{JOE}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            joe,
        ),
        (
            "RFC 7515 A.2",
            r#"{"kty":"RSA","alg":"RS256","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#,
            format!("eyJhbGciOiJSUzI1NiJ9.{JOE}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"),
            joe,
        ),
        (
            "RFC 7515 A.3",
            r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
            format!("eyJhbGciOiJFUzI1NiJ9.{JOE}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"),
            joe,
        ),
        (
            "RFC 7515 A.4",
            r#"{"kty":"EC","crv":"P-521","x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk","y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"}"#,
            "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn".into(),
            b"Payload",
        ),
        (
            "RFC 8037 A.4",
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg".into(),
            b"Example of Ed25519 signing",
        ),
    ];
    for (name, jwk, token, payload) in table {
        let (_, verified) = verify(&token, jwk).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(verified, payload, "{name}");
        let (header, rest) = token.split_once('.').unwrap();
        let altered = format!("{header}.{}", rest.replacen(&rest[4..8], "AAAA", 1));
        assert_eq!(verify(&altered, jwk), Err(JwsError::Signature), "{name} altered");
    }
}

#[test]
fn the_unsecured_example_of_rfc_7515_a_5_is_refused() {
    let token = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
    assert_eq!(verify(token, &P256::new().jwk), Err(JwsError::Segments));
}

#[test]
fn hmac_rsa_and_edwards_algorithms_verify_their_own_signatures_only() {
    let secret = [9; 64];
    let hmacs =
        [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)];
    for (alg, algorithm) in hmacs {
        let jwk = format!(r#"{{"kty":"oct","alg":"{alg}","k":"{}"}}"#, encode(&secret));
        let key = hmac::Key::new(algorithm, &secret);
        assert_verifies(alg, &jwk, |input| hmac::sign(&key, input).as_ref().to_vec());
    }

    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    let rsas: [(&str, &'static dyn RsaEncoding); 6] = [
        ("RS256", &signature::RSA_PKCS1_SHA256),
        ("RS384", &signature::RSA_PKCS1_SHA384),
        ("RS512", &signature::RSA_PKCS1_SHA512),
        ("PS256", &signature::RSA_PSS_SHA256),
        ("PS384", &signature::RSA_PSS_SHA384),
        ("PS512", &signature::RSA_PSS_SHA512),
    ];
    for (alg, encoding) in rsas {
        let jwk = format!(
            r#"{{"kty":"RSA","alg":"{alg}","n":"{}","e":"{}"}}"#,
            encode(&public.n),
            encode(&public.e)
        );
        assert_verifies(alg, &jwk, |input| {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(encoding, &SystemRandom::new(), input, &mut signature).unwrap();
            signature
        });
    }

    let pair = Ed25519KeyPair::from_seed_unchecked(&[3; 32]).unwrap();
    let x = encode(pair.public_key().as_ref());
    for alg in ["Ed25519", "EdDSA"] {
        let jwk = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}"#);
        assert_verifies(alg, &jwk, |input| pair.sign(input).as_ref().to_vec());
    }
}

#[test]
fn elliptic_curve_algorithms_verify_their_own_signatures_only() {
    let curves: [(&str, &str, &'static EcdsaSigningAlgorithm); 3] = [
        ("ES256", "P-256", &ECDSA_P256_SHA256_FIXED_SIGNING),
        ("ES384", "P-384", &ECDSA_P384_SHA384_FIXED_SIGNING),
        ("ES512", "P-521", &ECDSA_P521_SHA512_FIXED_SIGNING),
    ];
    for (alg, curve, algorithm) in curves {
        let pair = EcdsaKeyPair::generate(algorithm).unwrap();
        let jwk = ec_jwk(curve, pair.public_key().as_ref(), "");
        assert_verifies(alg, &jwk, |input| {
            pair.sign(&SystemRandom::new(), input).unwrap().as_ref().to_vec()
        });
    }
}

/// A right signature verifies; one bit, one byte less, one byte more or another message does not.
fn assert_verifies(alg: &str, jwk: &str, sign: impl Fn(&[u8]) -> Vec<u8>) {
    let input = format!("{}.{}", encode(format!(r#"{{"alg":"{alg}"}}"#).as_bytes()), encode(b"{}"));
    let signature = sign(input.as_bytes());
    let verify = |input: &str, signature: &[u8]| {
        verify(&format!("{input}.{}", encode(signature)), jwk).map(|_| ())
    };
    assert_eq!(verify(&input, &signature), Ok(()), "{alg}");

    let mut flipped = signature.clone();
    flipped[signature.len() / 2] ^= 1;
    let shorter = &signature[..signature.len() - 1];
    let longer = [signature.as_slice(), &[0]].concat();
    for wrong in [flipped.as_slice(), shorter, longer.as_slice(), &[0]] {
        assert_eq!(verify(&input, wrong), Err(JwsError::Signature), "{alg}");
    }
    let other = input.replace(&encode(b"{}"), &encode(b"[]"));
    assert_eq!(verify(&other, &signature), Err(JwsError::Signature), "{alg}");
}

#[test]
fn a_token_of_any_other_shape_is_refused_before_its_header_is_read() {
    let key = P256::new();
    let good = key.sign(r#"{"alg":"ES256"}"#, b"{}");
    let (input, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = input.split_once('.').unwrap();
    let last = signature.chars().last().unwrap();
    let table = [
        (String::new(), JwsError::Segments),
        ("..".into(), JwsError::Segments),
        (header.into(), JwsError::Segments),
        (input.into(), JwsError::Segments),
        (format!("{good}."), JwsError::Segments),
        (format!("{good}.a.b"), JwsError::Segments),
        (format!(".{payload}.{signature}"), JwsError::Segments),
        (format!("{header}.{payload}."), JwsError::Segments),
        (r#"{"payload":"","signatures":[]}"#.into(), JwsError::Segments),
        (format!("{header}.{payload}.{signature}="), JwsError::Encoding),
        (format!("{header}=.{payload}.{signature}"), JwsError::Encoding),
        (format!("{header}.{payload}=.{signature}"), JwsError::Encoding),
        (format!(" {good}"), JwsError::Encoding),
        (format!("{good}\n"), JwsError::Encoding),
        (format!("{header}.{payload}.{}+{last}", &signature[2..]), JwsError::Encoding),
        (format!("{header}.e3\u{e9}.{signature}"), JwsError::Encoding),
        (format!("{header}.AB.{signature}"), JwsError::Encoding),
        (format!("{header}.A.{signature}"), JwsError::Encoding),
    ];
    for (token, expected) in table {
        assert_eq!(verify(&token, &key.jwk), Err(expected), "{token}");
    }
}

#[test]
fn a_signature_with_other_trailing_bits_is_not_a_second_spelling() {
    let key = P256::new();
    let good = key.sign(r#"{"alg":"ES256"}"#, b"{}");
    // 64 bytes are 86 characters; the last holds 2 bits of data and 4 that must be zero.
    let last = "AQgw".find(good.chars().last().unwrap()).unwrap();
    let respelled = format!("{}{}", &good[..good.len() - 1], &"BRhx"[last..=last]);
    assert!(verify(&good, &key.jwk).is_ok());
    assert_eq!(verify(&respelled, &key.jwk), Err(JwsError::Encoding));
}

#[test]
fn headers_are_refused_in_the_order_of_the_checks() {
    let key = P256::new();
    let with_kid = key.jwk.replacen('{', r#"{"kid":"a","#, 1);
    let table = [
        ("[]", JwsError::Header),
        ("not json", JwsError::Header),
        (r#"{"alg":"ES256","alg":"ES256"}"#, JwsError::Header),
        (r#"{"alg":"ES256","x":{"y":1,"y":1}}"#, JwsError::Header),
        ("{}", JwsError::Header),
        (r#"{"alg":null}"#, JwsError::Header),
        (r#"{"alg":["ES256"]}"#, JwsError::Header),
        (r#"{"ALG":"ES256"}"#, JwsError::Header),
        (r#"{"alg":"ES256","kid":1}"#, JwsError::Header),
        (r#"{"alg":"ES256","kid":1,"crit":[]}"#, JwsError::Header),
        (r#"{"alg":"ES256","crit":["exp"]}"#, JwsError::Extension),
        (r#"{"alg":"ES256","crit":[]}"#, JwsError::Extension),
        (r#"{"alg":"ES256","b64":true}"#, JwsError::Extension),
        (r#"{"alg":"none","crit":[]}"#, JwsError::Extension),
        (r#"{"alg":"ES256","kid":"b"}"#, JwsError::UnknownKey(Some("b".into()))),
        (r#"{"alg":"none","kid":"b"}"#, JwsError::UnknownKey(Some("b".into()))),
        (r#"{"alg":"ES256","kid":"../a"}"#, JwsError::UnknownKey(Some("../a".into()))),
        (r#"{"alg":"none"}"#, JwsError::Algorithm),
        (r#"{"alg":"None","kid":"a"}"#, JwsError::Algorithm),
        (r#"{"alg":"nOnE"}"#, JwsError::Algorithm),
        (r#"{"alg":""}"#, JwsError::Algorithm),
        (r#"{"alg":"es256"}"#, JwsError::Algorithm),
        (r#"{"alg":"ES384"}"#, JwsError::Algorithm),
        (r#"{"alg":"HS256"}"#, JwsError::Algorithm),
    ];
    for (header, expected) in table {
        assert_eq!(verify(&key.sign(header, b"{}"), &with_kid), Err(expected), "{header}");
    }
}

#[test]
fn keys_and_locations_inside_the_header_are_never_used() {
    let (trusted, attacker) = (P256::new(), P256::new());
    let header = format!(
        r#"{{"alg":"ES256","jwk":{},"jku":"https://attacker.example/keys","x5u":"https://attacker.example/c","x5c":["AA=="],"x5t":"AA"}}"#,
        attacker.jwk
    );
    assert_eq!(verify(&attacker.sign(&header, b"{}"), &trusted.jwk), Err(JwsError::Signature));
    assert!(verify(&trusted.sign(&header, b"{}"), &trusted.jwk).is_ok());
}

#[test]
fn a_public_rsa_key_does_not_serve_as_an_hmac_secret() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    let jwk = format!(
        r#"{{"kty":"RSA","alg":"RS256","n":"{}","e":"{}"}}"#,
        encode(&public.n),
        encode(&public.e)
    );
    let input = format!("{}.{}", encode(br#"{"alg":"HS256"}"#), encode(b"{}"));
    for secret in [public.n.as_slice(), pair.public_key().as_ref(), jwk.as_bytes()] {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
        let token = format!("{input}.{}", encode(tag.as_ref()));
        assert_eq!(verify(&token, &jwk), Err(JwsError::Algorithm));
    }
}

#[test]
fn signatures_out_of_range_or_in_another_encoding_are_refused() {
    let key = P256::new();
    let token = key.sign(r#"{"alg":"ES256"}"#, b"{}");
    let (input, signature) = token.rsplit_once('.').unwrap();
    let signature = codec::decode(signature).unwrap();
    let (r, s) = signature.split_at(32);
    let order = data_encoding::HEXLOWER.decode(P256_ORDER.as_bytes()).unwrap();
    let der_pair = EcdsaKeyPair::from_pkcs8(
        &ECDSA_P256_SHA256_ASN1_SIGNING,
        key.pair.to_pkcs8v1().unwrap().as_ref(),
    )
    .unwrap();
    let der = der_pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
    let table: [(&str, Vec<u8>); 10] = [
        ("all zero", vec![0; 64]),
        ("r zero", [&[0; 32], s].concat()),
        ("s zero", [r, &[0; 32]].concat()),
        ("r = n", [order.as_slice(), s].concat()),
        ("s = n", [r, order.as_slice()].concat()),
        ("both one", [[0; 31].as_slice(), &[1], &[0; 31], &[1]].concat()),
        ("halves swapped", [s, r].concat()),
        ("DER", der.as_ref().to_vec()),
        ("leading zeros in both halves", [&[0], r, &[0], s].concat()),
        ("hash alone", digest::digest(&digest::SHA256, input.as_bytes()).as_ref().to_vec()),
    ];
    for (name, wrong) in table {
        let token = format!("{input}.{}", encode(&wrong));
        assert_eq!(verify(&token, &key.jwk), Err(JwsError::Signature), "{name}");
    }
}

#[test]
fn an_empty_payload_is_legal_and_a_header_keeps_its_members() {
    let key = P256::new();
    let token = key.sign(" {\"alg\":\"ES256\",\r\n \"typ\":\"x\"} ", b"");
    let (header, payload) = verify(&token, &key.jwk).unwrap();
    assert!(payload.is_empty());
    assert_eq!(header.names().collect::<Vec<_>>(), ["alg", "typ"]);
}

#[test]
fn without_a_key_id_only_a_single_usable_key_is_tried() {
    let (a, b) = (P256::new(), P256::new());
    let token = a.sign(r#"{"alg":"ES256"}"#, b"{}");
    assert!(verify_compact(&token, &set(std::slice::from_ref(&a.jwk))).is_ok());
    assert_eq!(verify_compact(&token, &set(&[a.jwk, b.jwk])), Err(JwsError::UnknownKey(None)));
    assert_eq!(verify_compact(&token, &KeySet::default()), Err(JwsError::UnknownKey(None)));
}
