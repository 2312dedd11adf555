use std::time::Duration;

use super::*;
use crate::domain::jwk::Jwk;
use crate::domain::jws::JwsError;
use crate::domain::signing_key::{KeyState, KeyUse, PublicKey};

const ISSUER: &str = "https://identity.example.com";
const AUDIENCE: &str = "https://api.example.com";
const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);
const USER: &str = "usr_01arz3ndektsv4rrffq69g5fav";
const APPLICATION: &str = "app_01arz3ndektsv4rrffq69g5fav";

fn expected() -> Expected {
    Expected::new(ISSUER, AUDIENCE, Expected::LEEWAY_S).unwrap()
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn user_claims() -> Claims {
    Claims {
        issuer: ISSUER.into(),
        audience: AUDIENCE.into(),
        id: TokenId::new([7; 16]),
        subject: Subject::User {
            id: USER.parse().unwrap(),
            session: "ses_01arz3ndektsv4rrffq69g5fav".parse().unwrap(),
            home: Some("cli_01bx5zzkbkactav9wevgemmvry".parse().unwrap()),
            authenticated_at: Some(NOW.minus(seconds(100))),
            assurance: Some(Assurance::Aal2),
            methods: vec![Method::Pwd, Method::Otp, Method::Mfa],
        },
        application: APPLICATION.parse().unwrap(),
        tenant: "cli_01arz3ndektsv4rrffq69g5fav".parse().unwrap(),
        livemode: true,
        scope: "openid api".into(),
        issued_at: NOW,
        expires_at: NOW.plus(seconds(600)),
    }
}

fn application_claims() -> Claims {
    Claims { subject: Subject::Application { generation: 3 }, ..user_claims() }
}

fn directory(key: &SigningKey, key_use: KeyUse, state: KeyState) -> Keys {
    Keys::of(&[PublicKey { jwk: key.public(), key_use, state }])
}

fn access_keys(key: &SigningKey) -> Keys {
    directory(key, KeyUse::Access, KeyState::Current)
}

/// A token with any header and payload, rightly signed.
fn sign(key: &SigningKey, header: &str, payload: &str) -> String {
    let input =
        format!("{}.{}", codec::encode(header.as_bytes()), codec::encode(payload.as_bytes()));
    let signature = key.sign(input.as_bytes()).unwrap();
    format!("{input}.{signature}")
}

fn header(key: &SigningKey) -> String {
    format!(r#"{{"alg":"ES256","kid":"{}","typ":"at+jwt"}}"#, key.kid())
}

/// The payload of good claims with members replaced (or, for `null`, removed).
fn altered(claims: &Claims, changes: &Value) -> String {
    let mut members = payload(claims);
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    Value::Object(members).to_string()
}

#[test]
fn what_is_minted_proves_what_was_claimed() {
    let key = SigningKey::generate().unwrap();
    let minimal = Claims {
        subject: Subject::User {
            id: USER.parse().unwrap(),
            session: "ses_01arz3ndektsv4rrffq69g5fav".parse().unwrap(),
            home: None,
            authenticated_at: None,
            assurance: None,
            methods: vec![],
        },
        livemode: false,
        scope: String::new(),
        ..user_claims()
    };
    for claims in [user_claims(), application_claims(), minimal] {
        let token = mint(&claims, &key).unwrap();
        let evidence = verify_access(&token, &access_keys(&key), NOW, &expected()).unwrap();
        assert_eq!(evidence.claims(), &claims);
    }
}

#[test]
fn the_header_is_exactly_algorithm_key_and_type() {
    let key = SigningKey::generate().unwrap();
    let token = mint(&user_claims(), &key).unwrap();
    let (first, _) = token.split_once('.').unwrap();
    assert_eq!(codec::decode(first).unwrap(), header(&key).as_bytes());
}

#[test]
fn tokens_stay_within_1024_bytes_or_are_not_minted() {
    let key = SigningKey::generate().unwrap();
    let token = mint(&user_claims(), &key).unwrap();
    assert!(token.len() <= MAX_ISSUED_BYTES, "{}", token.len());
    let wordy = Claims { scope: "x".repeat(600), ..user_claims() };
    assert_eq!(mint(&wordy, &key), Err(MintError::TooLong));
}

#[test]
fn lives_outside_1_to_900_seconds_are_not_minted() {
    let key = SigningKey::generate().unwrap();
    let table = [
        (NOW, Err(MintError::Life)),
        (NOW.minus(seconds(1)), Err(MintError::Life)),
        (NOW.plus(seconds(1)), Ok(())),
        (NOW.plus(seconds(900)), Ok(())),
        (NOW.plus(seconds(901)), Err(MintError::Life)),
    ];
    for (expires_at, expected) in table {
        let minted = mint(&Claims { expires_at, ..user_claims() }, &key);
        assert_eq!(minted.map(|_| ()), expected, "{expires_at}");
    }
}

#[test]
fn only_keys_that_stand_and_are_for_access_tokens_prove_anything() {
    let key = SigningKey::generate().unwrap();
    let token = mint(&user_claims(), &key).unwrap();
    for state in KeyState::ALL {
        let outcome =
            verify_access(&token, &directory(&key, KeyUse::Access, state), NOW, &expected());
        assert_eq!(outcome.is_ok(), state.verifies(), "{state:?}");
        let id_only = directory(&key, KeyUse::IdToken, state);
        let refused = verify_access(&token, &id_only, NOW, &expected()).unwrap_err();
        let unknown = Why::Jws(JwsError::UnknownKey(Some(key.kid().to_owned())));
        assert_eq!(refused, if state.verifies() { Why::KeyUse } else { unknown });
    }
}

#[test]
fn a_shared_secret_never_proves_an_access_token() {
    let secret = codec::encode(&[9; 32]);
    let text = format!(r#"{{"kty":"oct","alg":"HS256","kid":"s","k":"{secret}"}}"#);
    let jwk = Jwk::parse(text.as_bytes()).unwrap();
    let keys = Keys::of(&[PublicKey { jwk, key_use: KeyUse::Access, state: KeyState::Current }]);
    let input = format!(
        "{}.{}",
        codec::encode(br#"{"alg":"HS256","kid":"s","typ":"at+jwt"}"#),
        codec::encode(Value::Object(payload(&user_claims())).to_string().as_bytes())
    );
    let mac_key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &[9; 32]);
    let mac = aws_lc_rs::hmac::sign(&mac_key, input.as_bytes());
    let token = format!("{input}.{}", codec::encode(mac.as_ref()));
    let refused = verify_access(&token, &keys, NOW, &expected()).unwrap_err();
    assert_eq!(refused, Why::Jws(JwsError::UnknownKey(Some("s".into()))));
}

#[test]
fn other_kinds_of_tokens_are_refused_by_their_header() {
    let key = SigningKey::generate().unwrap();
    let kid = key.kid();
    let good = Value::Object(payload(&user_claims())).to_string();
    let table = [
        (format!(r#"{{"typ":"at+jwt","kid":"{kid}","alg":"ES256"}}"#), None),
        (format!(r#"{{"alg":"ES256","kid":"{kid}","typ":"application/at+jwt"}}"#), None),
        (format!(r#"{{"alg":"ES256","kid":"{kid}","typ":"Application/AT+JWT"}}"#), None),
        (format!(r#"{{"alg":"ES256","kid":"{kid}","typ":"JWT"}}"#), Some(Why::Typ)),
        (format!(r#"{{"alg":"ES256","kid":"{kid}","typ":"logout+jwt"}}"#), Some(Why::Typ)),
        (format!(r#"{{"alg":"ES256","kid":"{kid}","typ":"text/at+jwt"}}"#), Some(Why::Typ)),
        (format!(r#"{{"alg":"ES256","kid":"{kid}","typ":7}}"#), Some(Why::Typ)),
        (format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#), Some(Why::HeaderMembers)),
        (r#"{"alg":"ES256","typ":"at+jwt"}"#.into(), Some(Why::HeaderMembers)),
        (
            format!(r#"{{"alg":"ES256","kid":"{kid}","typ":"at+jwt","cty":"JWT"}}"#),
            Some(Why::HeaderMembers),
        ),
        (
            format!(r#"{{"alg":"ES256","kid":"{kid}","typ":"JWT","cty":"JWT"}}"#),
            Some(Why::HeaderMembers),
        ),
    ];
    for (header, why) in table {
        let token = sign(&key, &header, &good);
        let outcome = verify_access(&token, &access_keys(&key), NOW, &expected());
        assert_eq!(outcome.err(), why, "{header}");
    }
}

#[test]
fn claims_are_refused_one_by_one() {
    let key = SigningKey::generate().unwrap();
    let table = [
        (json!({"iss": null}), Why::Claim("iss")),
        (json!({"iss": 1}), Why::Claim("iss")),
        (json!({"sub": null}), Why::Claim("sub")),
        (json!({"sub": "svc_01arz3ndektsv4rrffq69g5fav"}), Why::Claim("sub")),
        (json!({"sub": USER.to_uppercase()}), Why::Claim("sub")),
        (json!({"sub": "app_01bx5zzkbkactav9wevgemmvry", "gen": 1}), Why::Claim("sub")),
        (json!({"sub": APPLICATION}), Why::Claim("gen")),
        (json!({"sid": null}), Why::Claim("sid")),
        (json!({"sid": "ses_1"}), Why::Claim("sid")),
        (json!({"hid": "usr_01arz3ndektsv4rrffq69g5fav"}), Why::Claim("hid")),
        (json!({"aud": null}), Why::Claim("aud")),
        (json!({"aud": [AUDIENCE, 1]}), Why::Claim("aud")),
        (json!({"exp": null}), Why::Claim("exp")),
        (json!({"exp": "1700000600"}), Why::Claim("exp")),
        (json!({"exp": 1_700_000_600.5}), Why::Claim("exp")),
        (json!({"exp": -1}), Why::Claim("exp")),
        (json!({"exp": 9_007_199_254_740_992_u64}), Why::Claim("exp")),
        (json!({"iat": null}), Why::Claim("iat")),
        (json!({"iat": true}), Why::Claim("iat")),
        (json!({"nbf": "now"}), Why::Claim("nbf")),
        (json!({"auth_time": 1.5}), Why::Claim("auth_time")),
        (json!({"acr": "aal3"}), Why::Claim("acr")),
        (json!({"amr": "pwd"}), Why::Claim("amr")),
        (json!({"amr": ["pwd", "sms"]}), Why::Claim("amr")),
        (json!({"jti": null}), Why::Claim("jti")),
        (json!({"jti": "short"}), Why::Claim("jti")),
        (json!({"client_id": null}), Why::Claim("client_id")),
        (json!({"client_id": "other"}), Why::Claim("client_id")),
        (json!({"tid": null}), Why::Claim("tid")),
        (json!({"livemode": null}), Why::Claim("livemode")),
        (json!({"livemode": "true"}), Why::Claim("livemode")),
        (json!({"scope": ["api"]}), Why::Claim("scope")),
        (json!({"iss": format!("{ISSUER}/")}), Why::Issuer),
        (json!({"iss": ISSUER.to_uppercase()}), Why::Issuer),
        (json!({"aud": APPLICATION}), Why::Audience),
        (json!({"aud": []}), Why::Audience),
        (json!({"aud": [AUDIENCE, "https://else.example"]}), Why::Audience),
        (json!({"nbf": 1_700_000_006}), Why::NotYetValid),
        (json!({"iat": 1_700_000_600}), Why::IssuedInFuture),
        (json!({"exp": 1_700_000_901}), Why::Life),
        (json!({"exp": 1_700_000_000}), Why::Life),
        (json!({"exp": 1_600_000_000}), Why::Life),
        (json!({"cnf": {"jkt": "x"}}), Why::Confirmation),
        (json!({"cnf": false}), Why::Confirmation),
    ];
    for (changes, why) in table {
        let token = sign(&key, &header(&key), &altered(&user_claims(), &changes));
        let refused = verify_access(&token, &access_keys(&key), NOW, &expected()).unwrap_err();
        assert_eq!(refused, why, "{changes}");
        assert_eq!(why.outcome(), Outcome::Invalid);
    }
}

#[test]
fn harmless_differences_are_accepted() {
    let key = SigningKey::generate().unwrap();
    for changes in [
        json!({"aud": [AUDIENCE]}),
        json!({"nbf": 1_700_000_005}),
        json!({"scope": null}),
        json!({"auth_time": null, "acr": null, "amr": null}),
        json!({"roles": ["owner"], "ISS": 7}),
    ] {
        let token = sign(&key, &header(&key), &altered(&user_claims(), &changes));
        let outcome = verify_access(&token, &access_keys(&key), NOW, &expected());
        assert!(outcome.is_ok(), "{changes}: {outcome:?}");
    }
}

#[test]
fn payloads_that_two_readers_could_read_differently_are_refused() {
    let key = SigningKey::generate().unwrap();
    let good = Value::Object(payload(&user_claims())).to_string();
    let table = [
        good.replacen('{', r#"{"sub":"usr_01arz3ndektsv4rrffq69g5fav","#, 1),
        good.replacen('{', r#"{"x":{"y":1,"y":2},"#, 1),
        format!("[{good}]"),
        format!("{good}{good}"),
        String::new(),
        "null".into(),
    ];
    for text in table {
        let token = sign(&key, &header(&key), &text);
        let refused = verify_access(&token, &access_keys(&key), NOW, &expected()).unwrap_err();
        assert_eq!(refused, Why::Payload, "{text}");
    }
    let exponent = good.replace("1700000600", "17000006e2");
    let token = sign(&key, &header(&key), &exponent);
    let refused = verify_access(&token, &access_keys(&key), NOW, &expected()).unwrap_err();
    assert_eq!(refused, Why::Claim("exp"));
}

#[test]
fn a_token_lives_from_its_issue_to_its_end_give_or_take_the_leeway() {
    let key = SigningKey::generate().unwrap();
    let token = mint(&user_claims(), &key).unwrap();
    let table = [
        (0, NOW.minus(seconds(1)), Some(Why::IssuedInFuture)),
        (0, NOW, None),
        (0, NOW.plus(Duration::from_millis(599_999)), None),
        (0, NOW.plus(seconds(600)), Some(Why::Expired)),
        (5, NOW.minus(seconds(6)), Some(Why::IssuedInFuture)),
        (5, NOW.minus(seconds(5)), None),
        (5, NOW.plus(Duration::from_millis(604_999)), None),
        (5, NOW.plus(seconds(605)), Some(Why::Expired)),
        (30, NOW.plus(seconds(629)), None),
        (30, NOW.plus(seconds(630)), Some(Why::Expired)),
    ];
    for (leeway_s, now, why) in table {
        let expected = Expected::new(ISSUER, AUDIENCE, leeway_s).unwrap();
        let outcome = verify_access(&token, &access_keys(&key), now, &expected);
        assert_eq!(outcome.err(), why, "{leeway_s} {now}");
    }
    assert_eq!(Expected::new(ISSUER, AUDIENCE, 31).err(), Some(LeewayTooLong));
    assert_eq!(Why::Expired.outcome(), Outcome::Expired);
}

#[test]
fn a_token_with_several_faults_is_refused_for_the_first() {
    let key = SigningKey::generate().unwrap();
    let old = NOW.plus(seconds(1000));
    let bound = json!({"cnf": {}});
    let foreign = json!({"cnf": {}, "iss": "https://else.example"});
    let long = json!({"cnf": {}, "exp": 1_700_000_901});
    for (changes, why) in [(bound, Why::Expired), (foreign, Why::Issuer), (long, Why::Life)] {
        let token = sign(&key, &header(&key), &altered(&user_claims(), &changes));
        let refused = verify_access(&token, &access_keys(&key), old, &expected()).unwrap_err();
        assert_eq!(refused, why, "{changes}");
    }
}

#[test]
fn tokens_above_4096_bytes_are_not_looked_at() {
    let keys = Keys::default();
    let refused = |length| verify_access(&"a".repeat(length), &keys, NOW, &expected()).unwrap_err();
    assert_eq!(refused(4097), Why::TooLong);
    assert_eq!(refused(4096), Why::Jws(JwsError::Segments));
}

#[test]
fn another_key_under_the_same_id_proves_nothing() {
    let (ours, theirs) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    let token = sign(&theirs, &header(&ours), &Value::Object(payload(&user_claims())).to_string());
    let refused = verify_access(&token, &access_keys(&ours), NOW, &expected()).unwrap_err();
    assert_eq!(refused, Why::Jws(JwsError::Signature));
}
