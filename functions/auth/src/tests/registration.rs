use serde_json::{Value, json};

use super::{ADA, Door, PASSWORD};

const EVE: &str = "another long password";

#[tokio::test]
async fn opening_a_link_changes_nothing_and_posting_its_form_verifies() {
    let door = Door::open().await;
    door.register(ADA, PASSWORD).await.expect(202);
    let token = door.mailed(ADA).await.remove(0);
    let path = format!("/v1/auth/links/verify?token={token}");
    for _ in 0..2 {
        let page = door.get(&path).send().await;
        assert!(page.expect(200).text.contains(&token), "{}", page.text);
        assert!(page.header("content-type").starts_with("text/html"));
    }
    door.login(ADA, PASSWORD).await.refused(403, "email_not_verified");

    let form = |path: &str, body: &str| door.ask(http::Method::POST, path).form(body);
    let posted = form("/v1/auth/email/verify", &format!("token={token}"));
    let posted = posted.header("origin", "null").send().await;
    assert_eq!(posted.expect(303).header("location"), "/v1/auth/links/verified");
    let page = door.get(posted.header("location")).send().await;
    assert!(page.expect(200).text.contains("confirmed"));
    door.login(ADA, PASSWORD).await.expect(200);
    door.verify(&token).await.refused(401, "handle_invalid");
    let login = form("/v1/auth/login", "tenant=demo").send().await;
    login.refused(415, "unsupported_media_type");
}

#[tokio::test]
async fn nobody_learns_from_registering_who_has_an_account() {
    let door = Door::open().await;
    door.person("active@example.com").await;
    door.register("pending@example.com", PASSWORD).await.expect(202);
    door.settle().await;
    door.minutes(2).await;
    let unknown = door.register("unknown@example.com", PASSWORD).await.as_seen();
    for email in ["pending@example.com", "active@example.com", "active@example.com"] {
        assert_eq!(door.register(email, EVE).await.as_seen(), unknown, "{email}");
    }
    let unknown = door.resend("nobody@example.com").await.as_seen();
    for email in ["pending@example.com", "active@example.com"] {
        assert_eq!(door.resend(email).await.as_seen(), unknown, "{email}");
    }
    door.settle().await;
    let told = door.mailbox().to("active@example.com");
    let notices = told.iter().filter(|mail| mail.subject.contains("already")).count();
    assert_eq!(notices, 1, "the owner is told once a day");
    assert!(door.mailbox().to("nobody@example.com").is_empty());
    assert!(door.cloud().violations().is_empty());
}

#[tokio::test]
async fn whoever_holds_the_mailbox_and_registered_last_wins() {
    let door = Door::open().await;
    door.register(ADA, EVE).await.expect(202);
    let eves = door.mailed(ADA).await.remove(0);
    door.register("ADA@EXAMPLE.COM", PASSWORD).await.expect(202);
    let adas = door.mailed("ADA@example.com").await.remove(0);
    assert_ne!(eves, adas);
    door.verify(&eves).await.refused(401, "handle_invalid");
    door.verify(&adas).await.expect(200);
    door.login(ADA, EVE).await.refused(401, "invalid_credentials");
    door.login(ADA, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_new_link_replaces_the_old_one_and_a_day_ends_both() {
    let door = Door::open().await;
    door.register(ADA, PASSWORD).await.expect(202);
    let first = door.mailed(ADA).await.remove(0);
    door.resend(ADA).await.expect(202);
    let tokens = door.mailed(ADA).await;
    assert_eq!(tokens.len(), 2);
    door.verify(&first).await.refused(401, "handle_invalid");
    door.minutes(24 * 60).await;
    for token in tokens {
        door.verify(&token).await.refused(401, "handle_invalid");
    }
    door.resend(ADA).await.expect(202);
    let fresh = door.mailed(ADA).await;
    let worked = [door.verify(&fresh[0]).await, door.verify(&fresh[fresh.len() - 1]).await];
    assert_eq!(worked.iter().filter(|answer| answer.status == 200).count(), 1);
}

#[tokio::test]
async fn a_key_makes_registering_twice_one_registration() {
    let door = Door::open().await;
    let body = json!({"tenant": "demo", "email": ADA, "password": PASSWORD, "name": "Ada"});
    for replayed in ["", "true"] {
        let answer = door.post("/v1/auth/register", body.clone()).key("k1").send().await;
        assert_eq!(answer.expect(202).header("idempotent-replayed"), replayed);
    }
    assert_eq!(door.mailed(ADA).await.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_registered_is_refused_in_order() {
    let door = Door::open().await;
    let register = "/v1/auth/register";
    let unknown = door.post(register, ask("nowhere", ADA, PASSWORD)).send().await;
    unknown.refused(404, "tenant_unknown");
    let unknown = ask("cli_01arz3ndektsv4rrffq69g5fav", ADA, PASSWORD);
    let unknown = door.post(register, unknown).send().await;
    unknown.refused(404, "tenant_unknown");
    let closed = door.post(register, ask("platform", ADA, "short")).send().await;
    closed.refused(403, "registration_closed");
    let faults = [
        (ask("demo", ADA, "short"), "/password", "too_short"),
        (ask("demo", ADA, "ada@ada@ada@ada@"), "/password", "blocked_password"),
        (ask("demo", "ada@localhost", PASSWORD), "/email", "invalid_format"),
    ];
    for (body, param, code) in faults {
        let refused = door.post(register, body).send().await;
        refused.refused(422, "validation_failed");
        let fault = (refused.text_at("/errors/0/param"), refused.text_at("/errors/0/code"));
        assert_eq!(fault, (param, code), "{}", refused.text);
    }
}

fn ask(tenant: &str, email: &str, password: &str) -> Value {
    json!({"tenant": tenant, "email": email, "password": password, "name": "Ada"})
}
