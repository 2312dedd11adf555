use local::fault::Fault;
use serde_json::{Value, json};

use super::{ADA, Door, PASSWORD, Tokens};

/// The published keys: ids in the order of the document.
async fn published(door: &Door) -> Vec<String> {
    let answer = door.get("/.well-known/jwks.json").send().await;
    let keys = answer.expect(200).json["keys"].as_array().cloned().unwrap();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// The key an access token was signed with.
fn signer(token: &str) -> String {
    let header = kernel::codec::decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

async fn run(door: &Door) {
    door.invoke("auth.rotate_signing", json!({})).await.unwrap();
}

#[tokio::test]
async fn starting_twice_makes_one_pair_of_keys() {
    let door = Door::open().await;
    let keys = published(&door).await;
    assert_eq!(keys.len(), 2);
    let (one, two) = tokio::join!(
        door.invoke("auth.rotate_signing", json!({})),
        door.invoke("auth.rotate_signing", json!({})),
    );
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(published(&door).await, keys);
}

#[tokio::test]
async fn keys_turn_over_after_ninety_days_without_a_failed_request() {
    let door = Door::open().await;
    let before = published(&door).await;
    let session = door.signed_in(ADA).await;
    assert_eq!(signer(session.access()), before[0]);
    door.minutes(90 * 24 * 60).await;
    let old = door.login(ADA, PASSWORD).await;
    run(&door).await;
    let turned = published(&door).await;
    assert_eq!(turned.len(), 3);
    assert_eq!((&turned[0], &turned[2]), (&before[1], &before[0]), "next signs, current retires");
    door.me(old.access()).await.expect(200);
    door.minutes(2).await;
    let fresh = door.login(ADA, PASSWORD).await;
    assert_eq!(signer(fresh.access()), before[1]);
    door.me(fresh.access()).await.expect(200);

    run(&door).await;
    assert_eq!(published(&door).await, turned, "nothing is due");
    door.minutes(24 * 60).await;
    run(&door).await;
    assert_eq!(published(&door).await, turned[..2], "the old key has gone");
}

#[tokio::test]
async fn a_run_that_died_at_any_step_is_finished_by_the_next() {
    let function = "auth.rotate_signing";
    let mut died = 0;
    for (fault, n) in [Fault::CrashBefore, Fault::CrashAfter, Fault::ReplyLost]
        .into_iter()
        .flat_map(|fault| (1..20).map(move |n| (fault, n)))
    {
        let door = Door::open().await;
        let before = published(&door).await;
        door.minutes(90 * 24 * 60).await;
        let faults = door.cloud().faults();
        faults.reset();
        door.breaks(function, n, fault);
        let run = door.invoke(function, json!({})).await;
        if faults.fired().is_empty() {
            continue;
        }
        died += u32::from(run.is_err());
        faults.stop();
        // The lease of a run that died ends by itself.
        door.minutes(2).await;
        door.invoke(function, json!({})).await.unwrap();
        let after = published(&door).await;
        assert_eq!(after.first(), before.get(1), "{fault:?} at call {n}: {after:?}");
        let owner = door.owner().await;
        assert_eq!(signer(owner.access()), before[1], "{fault:?} at call {n}");
        door.me(owner.access()).await.expect(200);
    }
    assert!(died >= 16, "{died} runs died");
}

#[tokio::test]
async fn documents_name_what_is_built_and_nothing_else() {
    let door = Door::open().await;
    let path = "/.well-known/openid-configuration";
    let answer = door.get(path).send().await;
    let document = answer.expect(200).json.as_object().cloned().unwrap();
    let names: Vec<&str> = document.keys().map(String::as_str).collect();
    assert_eq!(names, ["issuer", "jwks_uri", "subject_types_supported"]);
    let tag = answer.header("etag").to_owned();
    door.get(path).header("if-none-match", &tag).send().await.expect(304);
}
