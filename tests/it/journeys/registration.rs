//! A person signs up, is greeted, reads and changes their profile, and leaves.

use http::Method;
use serde_json::json;

use crate::talaria::{PASSWORD, Session, Talaria};

const ADA: &str = "ada@example.com";

#[tokio::test]
async fn a_person_signs_up_is_greeted_and_keeps_a_profile() {
    let talaria = Talaria::start().await;
    let token = talaria.register(ADA).await;
    talaria.login(ADA, PASSWORD).await.refused(403, "email_not_verified");

    talaria.get(&format!("/v1/auth/links/verify?token={token}")).send().await.expect(200);
    talaria.login(ADA, PASSWORD).await.refused(403, "email_not_verified");
    talaria.post("/v1/auth/email/verify", json!({ "token": token })).send().await.expect(200);
    let again = talaria.post("/v1/auth/email/verify", json!({ "token": token })).send().await;
    again.refused(401, "handle_invalid");

    let ada = talaria.sign_in(ADA).await;
    let profile = talaria.get("/v1/profile").bearer(&ada).send().await;
    assert_eq!(profile.expect(200).header("etag"), "\"v0\"");

    let name = json!({ "display_name": "Ada" });
    let changed =
        talaria.patch("/v1/profile", name).header("if-match", "\"v0\"").bearer(&ada).send().await;
    assert_eq!(changed.expect(200).header("etag"), "\"v1\"");
    let bio = json!({ "bio": "Counts." });
    let stale =
        talaria.patch("/v1/profile", bio).header("if-match", "\"v0\"").bearer(&ada).send().await;
    assert_eq!(stale.refused(412, "version_conflict").header("etag"), "\"v1\"");

    talaria.platform.settle().await;
    let greeting =
        talaria.platform.mailbox().to(ADA).into_iter().find(|mail| !mail.text.contains("token="));
    assert!(greeting.is_some(), "a greeting was mailed");
    let inbox = talaria.get("/v1/inbox/head").bearer(&ada).send().await;
    assert_eq!(inbox.expect(200).json["unread"], 1, "{}", inbox.text);
}

#[tokio::test]
async fn a_session_is_refreshed_and_ended() {
    let talaria = Talaria::start().await;
    let first = talaria.sign_up(ADA).await;
    let body = json!({ "refresh_token": first.refresh });
    let rotated = talaria.post("/v1/auth/token/refresh", body.clone()).send().await;
    let second = Session::of(rotated.expect(200));
    assert_ne!(second.refresh, first.refresh);

    let twin = talaria.post("/v1/auth/token/refresh", body).send().await;
    assert_eq!(Session::of(twin.expect(200)).refresh, second.refresh, "a lost answer is repeated");

    talaria.call(Method::POST, "/v1/auth/logout").bearer(&first).send().await.expect(204);
    for session in [&first, &second] {
        let refused = talaria.get("/v1/profile").bearer(session).send().await;
        refused.refused(401, "credential_invalid");
    }
    let body = json!({ "refresh_token": second.refresh });
    talaria.post("/v1/auth/token/refresh", body).send().await.refused(401, "credential_invalid");
}

#[tokio::test]
async fn two_registrations_of_one_address_make_one_account() {
    let talaria = Talaria::start().await;
    let person = json!({ "tenant": "demo", "email": ADA, "password": PASSWORD, "name": "Ada" });
    let twin = json!({ "tenant": "demo", "email": "ADA@example.com", "password": "another long password", "name": "Eve" });
    let (one, other) = tokio::join!(
        talaria.post("/v1/auth/register", person).send(),
        talaria.post("/v1/auth/register", twin).send(),
    );
    assert_eq!((one.status, &one.text), (other.status, &other.text), "nobody learns who was first");
    one.expect(202);
    talaria.platform.settle().await;
    let token = talaria.mailed_token(ADA);
    talaria.post("/v1/auth/email/verify", json!({ "token": token })).send().await.expect(200);
    let mine = talaria.login(ADA, PASSWORD).await.status;
    let hers = talaria.login(ADA, "another long password").await.status;
    assert_eq!([mine, hers].iter().filter(|status| **status == 200).count(), 1, "{mine} {hers}");
}

#[tokio::test]
async fn known_and_unknown_addresses_look_alike() {
    let talaria = Talaria::start().await;
    talaria.sign_up(ADA).await;
    let unknown = talaria.login("nobody@example.com", PASSWORD).await;
    let wrong = talaria.login(ADA, "not the password at all").await;
    unknown.refused(401, "invalid_credentials");
    wrong.refused(401, "invalid_credentials");
    let without_id = |answer: &crate::talaria::Answer| {
        let mut json = answer.json.clone();
        json["instance"] = "".into();
        json
    };
    assert_eq!(without_id(&unknown), without_id(&wrong));
    for email in [ADA, "nobody@example.com"] {
        let resend = json!({ "tenant": "demo", "email": email });
        let answer = talaria.post("/v1/auth/email/verify/resend", resend).send().await;
        assert_eq!(answer.expect(202).json, json!({ "status": "verification_sent" }));
    }
}
