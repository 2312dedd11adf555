//! A person signs up, signs in, goes on with another token, and leaves.

use std::time::Duration;

use contracts::auth::{ACCOUNT_CREATE, AccountCreate, AccountOutcome};
use http::Method;
use serde_json::{Value, json};

use crate::talaria::{PASSWORD, Session, Talaria};

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";
const EVE: &str = "eve@example.com";

pub async fn journey(talaria: &Talaria) {
    a_stranger_reads_how_tokens_are_verified(talaria).await;
    a_person_signs_up(talaria).await;
    a_session_is_refreshed_and_ended(talaria).await;
    known_and_unknown_addresses_look_alike(talaria).await;
    talaria.minutes_pass(2).await;
    two_registrations_of_one_address_make_one_account(talaria).await;
    another_module_makes_an_account(talaria).await;
    keys_turn_over_in_the_night(talaria).await;
}

async fn a_stranger_reads_how_tokens_are_verified(talaria: &Talaria) {
    let jwks = talaria.get("/.well-known/jwks.json").send().await;
    let keys = jwks.expect(200).json["keys"].as_array().cloned().unwrap_or_default();
    assert_eq!(keys.len(), 2, "a current and a next key");
    assert!(keys.iter().all(|key| key.get("d").is_none() && key["alg"] == "ES256"), "{keys:?}");

    let provider = talaria.get("/.well-known/openid-configuration").send().await;
    let provider = provider.expect(200).json.clone();
    let issuer = provider["issuer"].as_str().unwrap();
    assert_eq!(provider["jwks_uri"], format!("{issuer}/.well-known/jwks.json"));
    assert!(provider.as_object().unwrap().values().all(|value| *value != Value::Null));
}

async fn a_person_signs_up(talaria: &Talaria) {
    let person = json!({ "tenant": "demo", "email": ADA, "password": PASSWORD, "name": "Ada" });
    for replayed in ["", "true"] {
        let answer = talaria.post("/v1/auth/register", person.clone()).key("sign-up").send().await;
        assert_eq!(answer.expect(202).header("idempotent-replayed"), replayed);
    }
    talaria.login(ADA, PASSWORD).await.refused(403, "email_not_verified");
    talaria.settle().await;

    let again = json!({ "tenant": "demo", "email": ADA });
    let again = talaria.post("/v1/auth/email/verify/resend", again).send().await;
    assert_eq!(again.expect(202).json, json!({ "status": "verification_sent" }));
    talaria.settle().await;
    let token = talaria.mailed_token(ADA);
    // A mail scanner opens the link; only posting it does something.
    for _ in 0..2 {
        talaria.get(&format!("/v1/auth/links/verify?token={token}")).send().await.expect(200);
    }
    talaria.login(ADA, PASSWORD).await.refused(403, "email_not_verified");
    talaria.verify(&token).await.expect(200);
    talaria.verify(&token).await.refused(401, "handle_invalid");

    let ada = talaria.sign_in(ADA).await;
    let me = talaria.get("/v1/auth/me").by(&ada).send().await;
    assert_eq!(me.expect(200).json["roles"], json!(["member"]));
    assert_eq!(me.text_at("/subject_id"), ada.user_id);
}

async fn a_session_is_refreshed_and_ended(talaria: &Talaria) {
    let first = talaria.sign_in(ADA).await;
    let body = json!({ "refresh_token": first.refresh });
    let rotated = talaria.post("/v1/auth/token/refresh", body.clone()).send().await;
    let second = Session::of(rotated.expect(200));
    assert_ne!(second.refresh, first.refresh);

    let twin = talaria.post("/v1/auth/token/refresh", body).send().await;
    assert_eq!(Session::of(twin.expect(200)).refresh, second.refresh, "a lost answer is repeated");

    talaria.ask(Method::POST, "/v1/auth/logout").by(&first).send().await.expect(204);
    for session in [&first, &second] {
        let refused = talaria.get("/v1/auth/me").by(session).send().await;
        refused.refused(401, "credential_invalid");
    }
    let body = json!({ "refresh_token": second.refresh });
    talaria.post("/v1/auth/token/refresh", body).send().await.refused(401, "credential_invalid");
}

async fn known_and_unknown_addresses_look_alike(talaria: &Talaria) {
    let unknown = talaria.login("nobody@example.com", PASSWORD).await;
    let wrong = talaria.login(ADA, "not the password at all").await;
    unknown.refused(401, "invalid_credentials");
    assert_eq!(unknown.as_seen(), wrong.as_seen());
    let unknown = talaria.login(EVE, PASSWORD).await;
    assert_eq!(unknown.as_seen(), wrong.as_seen());
}

async fn two_registrations_of_one_address_make_one_account(talaria: &Talaria) {
    let other = "another long password";
    let person = json!({ "tenant": "demo", "email": BOB, "password": PASSWORD, "name": "Bob" });
    let twin = json!({
        "tenant": "demo", "email": "BOB@example.com", "password": other, "name": "Eve",
    });
    let (one, two) = tokio::join!(
        talaria.post("/v1/auth/register", person).send(),
        talaria.post("/v1/auth/register", twin).send(),
    );
    assert_eq!((one.status, &one.text), (two.status, &two.text), "nobody learns who was first");
    one.expect(202);
    talaria.settle().await;
    talaria.verify(&talaria.mailed_token(BOB)).await.expect(200);
    let mine = talaria.login(BOB, PASSWORD).await.status;
    let hers = talaria.login(BOB, other).await.status;
    assert_eq!([mine, hers].iter().filter(|status| **status == 200).count(), 1, "{mine} {hers}");
}

async fn another_module_makes_an_account(talaria: &Talaria) {
    let invited = |email: &str| AccountCreate {
        email: email.parse().expect("an address"),
        name: "Cleo".parse().expect("a name"),
        locale: None,
        password: None,
    };
    let made = talaria.call(&ACCOUNT_CREATE, &invited("cleo@example.com")).await.unwrap();
    assert_eq!(made.outcome, AccountOutcome::Created);
    let known = talaria.call(&ACCOUNT_CREATE, &invited(ADA)).await.unwrap();
    assert_eq!(known.outcome, AccountOutcome::Exists);
}

async fn keys_turn_over_in_the_night(talaria: &Talaria) {
    talaria.pass(Duration::from_secs(24 * 3_600)).await;
    let jwks = talaria.get("/.well-known/jwks.json").send().await;
    assert_eq!(jwks.expect(200).json["keys"].as_array().map(Vec::len), Some(2), "nothing was due");
}
