//! What every endpoint that honours `Idempotency-Key` owes: twice sent, once done, one answer.

use contracts::Idempotency;
use serde_json::{Value, json};

use crate::talaria::{Answer, Call, Talaria};

/// A body each keyed endpoint accepts; a new keyed endpoint without one fails the test.
fn body(id: &str, name: &str) -> Value {
    match id {
        "auth.register" => json!({
            "tenant": "demo",
            "email": "twice@example.com",
            "password": crate::talaria::PASSWORD,
            "name": name,
        }),
        "profile.update" => json!({ "display_name": name }),
        _ => panic!("{id} honours Idempotency-Key: give it a body here"),
    }
}

#[tokio::test]
async fn a_keyed_request_acts_once_and_answers_alike() {
    let talaria = Talaria::start().await;
    let member = talaria.sign_up("member@example.com").await;
    let rows = catalog::modules().into_iter().flat_map(|module| module.rows);
    let keyed = rows.filter_map(|row| row.http().copied());
    let keyed = keyed.filter(|spec| spec.idempotency == Idempotency::Key);
    for spec in keyed {
        let send = async |key: &str, name: &str| -> Answer {
            let method = spec.method.as_str().parse().unwrap();
            let call: Call<'_> = talaria.call(method, spec.path).header("idempotency-key", key);
            let call = if spec.access.needs_credential() { call.bearer(&member) } else { call };
            call.json(&body(spec.id, name)).send().await
        };
        let first = send("key-1", "Ada").await;
        assert!(first.status < 300, "{}: {}", spec.id, first.text);
        let again = send("key-1", "Ada").await;
        assert_eq!((again.status, &again.text), (first.status, &first.text), "{}", spec.id);
        assert_eq!(again.header("idempotent-replayed"), "true", "{}", spec.id);
        assert_eq!(again.header("etag"), first.header("etag"), "{}", spec.id);
        assert_eq!(first.header("idempotent-replayed"), "", "{}", spec.id);
        send("key-1", "Eve").await.refused(400, "idempotency_key_reused");
        send(&"k".repeat(256), "Ada").await.refused(400, "idempotency_key_invalid");
    }
}

#[tokio::test]
async fn a_replay_does_nothing_a_second_time() {
    let talaria = Talaria::start().await;
    let member = talaria.sign_up("member@example.com").await;
    for _ in 0..3 {
        let call = talaria.patch("/v1/profile", json!({ "bio": "Counts." })).bearer(&member);
        let answer = call.header("idempotency-key", "once").send().await;
        assert_eq!(answer.expect(200).json["version"], 1);
    }
    let profile = talaria.get("/v1/profile").bearer(&member).send().await;
    assert_eq!(profile.expect(200).json["version"], 1);
}

#[tokio::test]
async fn keys_of_two_people_never_meet() {
    let talaria = Talaria::start().await;
    let one = talaria.sign_up("one@example.com").await;
    let other = talaria.sign_up("other@example.com").await;
    for (session, name) in [(&one, "Ada"), (&other, "Bob")] {
        let call = talaria.patch("/v1/profile", json!({ "display_name": name })).bearer(session);
        let answer = call.header("idempotency-key", "same").send().await;
        assert_eq!(answer.expect(200).json["display_name"], name);
    }
}
