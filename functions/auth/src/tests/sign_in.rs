use serde_json::{Value, json};

use super::{ADA, Answer, Door, PASSWORD, Tokens};

const WRONG: &str = "not the password at all";

#[tokio::test]
async fn a_session_opens_doors_until_it_is_ended() {
    let door = Door::open().await;
    let session = door.signed_in(ADA).await;
    assert_eq!(session.text_at("/status"), "authenticated");
    assert_eq!(session.json["expires_in"], 600);
    let me = door.me(session.access()).await;
    assert_eq!(me.expect(200).json["roles"], json!(["member"]));
    assert_eq!(me.text_at("/session_id"), session.text_at("/session_id"));
    assert_eq!(me.header("x-dynamodb-requests"), "0");

    door.logout(session.access()).await.expect(204);
    door.me(session.access()).await.refused(401, "credential_invalid");
    door.refresh(session.refresh()).await.refused(401, "credential_invalid");
}

#[tokio::test]
async fn calls_keep_to_the_budget_of_their_contracts() {
    use contracts::auth as api;
    let within = |answer: &Answer, spec: contracts::Spec| {
        let requests: u32 = answer.header("x-dynamodb-requests").parse().unwrap();
        assert!(requests <= spec.budget, "{}: {requests} {}", spec.id, answer.text);
    };
    let door = Door::open().await;
    within(&door.register(ADA, PASSWORD).await, api::REGISTER.spec);
    within(&door.resend(ADA).await, api::EMAIL_VERIFY_RESEND.spec);
    let newest = door.mailed(ADA).await;
    let verified = [door.verify(&newest[0]).await, door.verify(&newest[1]).await];
    let verified = verified.iter().find(|answer| answer.status == 200).unwrap();
    within(verified, api::EMAIL_VERIFY.spec);
    let session = door.login(ADA, PASSWORD).await;
    within(&session, api::LOGIN.spec);
    let next = door.refresh(session.refresh()).await;
    within(&next, api::TOKEN_REFRESH.spec);
    within(&door.get("/.well-known/jwks.json").send().await, api::JWKS.spec);
    within(&door.me(next.access()).await, api::ME.spec);
    within(&door.logout(next.access()).await, api::LOGOUT.spec);
}

#[tokio::test]
async fn an_access_token_ends_after_ten_minutes() {
    let door = Door::open().await;
    let session = door.signed_in(ADA).await;
    door.minutes(11).await;
    door.me(session.access()).await.refused(401, "credential_expired");
    door.me("a.b.c").await.refused(401, "credential_invalid");
    door.me(session.refresh()).await.refused(401, "credential_invalid");
}

#[tokio::test]
async fn wrong_passwords_look_alike_for_everybody() {
    let door = Door::open().await;
    door.person("active@example.com").await;
    door.register("pending@example.com", PASSWORD).await.expect(202);
    door.settle().await;
    door.minutes(2).await;
    let unknown = door.login("unknown@example.com", WRONG).await;
    unknown.refused(401, "invalid_credentials");
    for email in ["active@example.com", "pending@example.com"] {
        assert_eq!(door.login(email, WRONG).await.as_seen(), unknown.as_seen(), "{email}");
    }
    for _ in 0..9 {
        let unknown = door.login("unknown@example.com", WRONG).await.as_seen();
        let known = door.login("active@example.com", WRONG).await.as_seen();
        assert_eq!(known, unknown, "also where the counter closes");
    }
    let locked = door.login("active@example.com", PASSWORD).await;
    let unknown = door.login("unknown@example.com", WRONG).await;
    assert_eq!(locked.as_seen(), unknown.as_seen(), "the right password at a closed counter");
    locked.refused(401, "invalid_credentials");
}

#[tokio::test]
async fn parallel_guesses_do_not_pass_the_bound() {
    let door = Door::open().await;
    door.person(ADA).await;
    door.minutes(2).await;
    let guesses = (0..20).map(|_| door.login(ADA, WRONG));
    let refused = futures(guesses.collect()).await;
    assert!(refused.iter().all(|answer| answer.status == 401), "{}", refused[0].text);
    door.login(ADA, PASSWORD).await.refused(401, "invalid_credentials");
    door.minutes(2).await;
    door.login(ADA, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn an_attacker_does_not_lock_out_a_known_device() {
    let door = Door::open().await;
    let session = door.signed_in(ADA).await;
    let device = session.text_at("/device_token").to_owned();
    door.minutes(2).await;
    for _ in 0..11 {
        door.login(ADA, WRONG).await.refused(401, "invalid_credentials");
    }
    door.login(ADA, PASSWORD).await.refused(401, "invalid_credentials");
    let known = door.sign_in(on_device(&device)).await;
    assert_eq!(known.expect(200).text_at("/device_token"), device);
    let forged = door.sign_in(on_device(session.refresh())).await;
    forged.refused(401, "invalid_credentials");
}

#[tokio::test]
async fn the_oldest_session_leaves_where_the_list_is_full() {
    let door = Door::open().await;
    let first = door.signed_in(ADA).await;
    let mut last = None;
    for _ in 0..20 {
        door.minutes(3).await;
        last = Some(door.login(ADA, PASSWORD).await);
    }
    let last = last.unwrap();
    last.expect(200);
    door.me(last.access()).await.expect(200);
    door.refresh(first.refresh()).await.refused(401, "credential_invalid");
    door.refresh(last.refresh()).await.expect(200);
}

#[tokio::test]
async fn sessions_are_for_the_mode_and_time_they_were_asked_for() {
    let door = Door::open().await;
    door.person(ADA).await;
    let body = json!({
        "tenant": "demo", "email": ADA, "password": PASSWORD, "livemode": false, "remember": true,
    });
    let session = door.sign_in(body).await;
    assert_eq!(session.expect(200).json["refresh_expires_in"], 14 * 24 * 3600);
    assert_eq!(door.me(session.access()).await.expect(200).json["livemode"], false);
    let short = door.login(ADA, PASSWORD).await;
    assert_eq!(short.expect(200).json["refresh_expires_in"], 12 * 3600);
}

#[tokio::test]
async fn the_owner_of_the_platform_holds_every_permission() {
    let door = Door::open().await;
    let me = door.me(door.owner().await.access()).await;
    let held = me.expect(200).json["permissions"].as_array().map(Vec::len);
    assert_eq!(held, Some(kernel::Permission::ALL.len()));
}

#[tokio::test]
async fn logs_hold_no_token_and_no_address() {
    let door = Door::open().await;
    door.register(ADA, PASSWORD).await.expect(202);
    let link = door.mailed(ADA).await.remove(0);
    door.verify(&link).await.expect(200);
    let session = door.login(ADA, PASSWORD).await;
    let canaries = [
        link,
        PASSWORD.to_owned(),
        session.access().to_owned(),
        session.refresh().to_owned(),
        session.text_at("/device_token").to_owned(),
    ];
    let lines = door.logs().join("\n");
    for canary in canaries {
        assert!(canary.len() > 20 && !lines.contains(&canary), "{canary}");
    }
    assert!(!lines.contains(ADA), "logs name no addresses");
}

fn on_device(token: &str) -> Value {
    json!({"tenant": "demo", "email": ADA, "password": PASSWORD, "device_token": token})
}

/// All answers of futures that run side by side.
async fn futures<F: Future>(all: Vec<F>) -> Vec<F::Output> {
    let mut pinned: Vec<_> = all.into_iter().map(Box::pin).collect();
    let mut answers = Vec::new();
    std::future::poll_fn(|context| {
        pinned.retain_mut(|one| match one.as_mut().poll(context) {
            std::task::Poll::Ready(answer) => {
                answers.push(answer);
                false
            }
            std::task::Poll::Pending => true,
        });
        if pinned.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    answers
}
