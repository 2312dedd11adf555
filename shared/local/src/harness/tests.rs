use kernel::{KeyId, UserId};
use serde_json::json;

use super::*;
use crate::echo::{self, TWICE, UPDATED, Updated, Word};

async fn platform() -> Harness {
    Harness::of(vec![echo::module()]).await
}

fn ada() -> Caller {
    Caller::person(UserId::from_bytes([7; 16]))
}

#[tokio::test(start_paused = true)]
async fn whoever_a_caller_is_the_module_sees_them_so() {
    let platform = platform().await;
    let acme = platform.found("acme").await;
    let key = Caller::key(KeyId::from_bytes([8; 16])).of(acme);
    for (word, caller, tenant) in [("a", ada(), platform.tenant()), ("b", key, acme)] {
        let path = format!("/v1/echo/{word}");
        let answer = platform.ask(http::Method::POST, &path).by(&caller).send().await;
        assert_eq!(answer.expect(200).text_at("/tenant"), tenant.to_string());
    }
    let publishable = Caller::publishable(KeyId::from_bytes([9; 16]));
    let ask = || platform.ask(http::Method::POST, "/v1/echo/c");
    ask().by(&publishable).send().await.refused(403, "permission_denied");
    ask().by("nobody").send().await.refused(401, "credential_invalid");
    ask().send().await.refused(401, "credential_missing");
}

#[tokio::test(start_paused = true)]
async fn what_is_announced_is_heard_once_the_platform_has_settled() {
    let platform = platform().await;
    let user = UserId::from_bytes([7; 16]);
    for word in ["one", "two"] {
        platform.announce(&UPDATED, user, &Updated { word: word.to_owned() }).await;
    }
    platform.settle().await;
    let mails = platform.mailbox().mails().into_iter();
    let mut subjects: Vec<String> = mails.map(|mail| mail.subject).collect();
    subjects.sort();
    assert_eq!(subjects, ["oneone", "twotwo"]);
    let subject = kernel::EntityRef::new(kernel::EntityKind::Profile, user);
    assert_eq!(platform.events_of(&subject).await.len(), 2);
    assert!(platform.within(platform.found("acme").await).events_of(&subject).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_message_delivered_by_hand_twice_has_one_effect() {
    let platform = platform().await;
    platform.mappings().enable("echo.on_updated", false);
    platform.announce(&UPDATED, "usr_1", &Updated { word: "one".to_owned() }).await;
    platform.settle().await;
    let body = platform.waiting("echo.on_updated").remove(0).body;
    let before = platform.dump();
    assert!(platform.deliver("echo.on_updated", &[&body]).await);
    let once = platform.dump();
    assert_ne!(before.changes_until(&once), Vec::<String>::new());
    assert!(platform.deliver("echo.on_updated", &[&body]).await);
    assert_eq!(once.changes_until(&platform.dump()), Vec::<String>::new());
    assert!(platform.dead_letters("echo.on_updated").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_typed_call_is_answered_in_the_tenant_it_is_made_in() {
    let acme = platform().await;
    let acme = acme.within(acme.found("acme").await);
    let answer = acme.call(&TWICE, &Word { word: "ab".to_owned() }).await.unwrap();
    assert_eq!((answer.word.as_str(), answer.tenant), ("abab", acme.tenant().to_string()));
}

#[test]
fn a_dump_tells_what_is_new_gone_and_different() {
    let dump = |items: &[(&str, Value)]| Dump {
        items: items.iter().map(|(key, item)| ((*key).to_owned(), item.clone())).collect(),
    };
    let before = dump(&[("a", json!({ "n": 1, "m": 1 })), ("b", json!({})), ("c", json!({}))]);
    let after = dump(&[("a", json!({ "n": 2, "m": 1 })), ("b", json!({})), ("d", json!({}))]);
    assert_eq!(before.changes_until(&after), ["a: n", "c: gone", "d: new"]);
}
