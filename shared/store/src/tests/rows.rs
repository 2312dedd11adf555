//! Idempotency records, inbox rows, leases.

use super::engine::{Engine, Fault};
use super::*;
use crate::idempotency::{self, Record, Replay, StoredAnswer};
use crate::inbox::{self, InboxKey, InboxRow, Meaning, State};
use crate::{Change, Consistency, Item, NotCommitted, Query, Store, Token, Written, lease};
use kernel::EventId;
use std::time::Duration;

fn answer(body: &str) -> StoredAnswer {
    let headers = [("location".to_owned(), "/v1/x".to_owned())].into();
    StoredAnswer { status: 201, headers, body: body.to_owned() }
}

fn record(key: &str, hash: &str, body: &str, at: Timestamp) -> Record {
    Record::new(&tenant(), "payment.create", "usr_1", key, hash, answer(body), at)
}

async fn refused_record(store: &Store, change: Change, token: &Token) -> Record {
    match store.commit(change, token).await {
        Err(NotCommitted::Refused { label: Some(idempotency::LABEL), old: Some(old), .. }) => {
            Record::from_item(old).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeated_request_finds_its_answer_and_has_no_second_effect() {
    let (_, store) = Engine::start();
    let request = |hash: &str, body: &str| {
        let mut change = Change::new();
        change.update(credit("a", 5));
        change.append(record("k#1%", hash, body, NOON).into_change())
    };
    store.commit(request("h1", "first"), &Token::of(b"1", 1)).await.unwrap();
    let found = refused_record(&store, request("h1", "again"), &Token::of(b"2", 1)).await;
    assert_eq!(found.replay("h1"), Replay::Same(answer("first")));
    assert_eq!(found.replay("h2"), Replay::OtherRequest);
    let stored = Record::key_of(&tenant(), "payment.create", "usr_1", "k#1%");
    let read: Record = store.get(&stored, Consistency::Strong).await.unwrap().unwrap();
    assert_eq!(read.replay("h1"), Replay::Same(answer("first")));
    let wallet = store.get_item(&WALLETS, &key("a"), Consistency::Strong).await.unwrap().unwrap();
    assert_eq!(wallet.number("available"), Some(5));
}

#[tokio::test(start_paused = true)]
async fn keys_with_separators_do_not_meet() {
    let scope = tenant();
    let one = Record::key_of(&scope, "f", "usr_1", "a#b");
    let table = [("usr_1#a", "b"), ("usr_1", "a%23b"), ("usr_1", "a"), ("usr_2", "a#b")];
    for (principal, key) in table {
        assert_ne!(Record::key_of(&scope, "f", principal, key), one, "{principal} {key}");
    }
    assert!(one.texts().is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_expired_record_gives_way_and_a_live_one_does_not() {
    let (_, store) = Engine::start();
    let at = |hours: u64| NOON.plus(Duration::from_secs(hours * 3600));
    let first = record("k", "h", "first", NOON);
    store.commit(first.clone().into_change(), &Token::of(b"1", 1)).await.unwrap();
    assert_eq!((first.is_live(at(47)), first.is_live(at(48))), (true, false));
    let early = record("k", "h", "early", at(47)).into_change();
    refused_record(&store, early, &Token::of(b"2", 1)).await;
    let late = record("k", "h", "late", at(48)).kept_for(Duration::from_secs(30 * 86400));
    assert!(late.is_live(at(48 + 719)) && !late.is_live(at(48 + 720)));
    store.commit(late.into_change(), &Token::of(b"3", 1)).await.unwrap();
}

fn delivery() -> InboxKey {
    InboxKey::new(&tenant(), "chat.on_user_purged", EventId::from_bytes([3; 16]), None)
}

async fn inbox_row(store: &Store) -> InboxRow {
    store.get(delivery().key(), Consistency::Strong).await.unwrap().unwrap()
}

fn failure() -> inbox::Failure {
    let (code, fingerprint) = ("provider_down".to_owned(), "f1".to_owned());
    inbox::Failure { code, fingerprint, trace_id: None }
}

#[tokio::test(start_paused = true)]
async fn an_event_delivered_twice_has_one_effect() {
    let (_, store) = Engine::start();
    for (attempt, expected) in [(1, true), (2, false)] {
        let mut change = Change::new();
        change.update(credit("a", 5));
        let change = change.append(inbox::done(&delivery(), 1, None, NOON));
        match store.commit(change, &Token::of(b"i", attempt)).await {
            Ok(_) => assert!(expected),
            Err(NotCommitted::Refused { label, old, .. }) => {
                assert!(!expected);
                assert_eq!(label, Some(inbox::LABEL));
                let row: InboxRow = old.unwrap().decode().unwrap();
                assert_eq!(inbox::meaning(Some(&row), NOON), Meaning::Duplicate);
            }
            other => panic!("{other:?}"),
        }
    }
    let wallet = store.get_item(&WALLETS, &key("a"), Consistency::Strong).await.unwrap().unwrap();
    assert_eq!(wallet.number("available"), Some(5));
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_is_followed_by_another_and_the_last_is_kept_with_its_cause() {
    let (_, store) = Engine::start();
    let noted = store.update(inbox::retry(&delivery(), 1, None, &failure())).await.unwrap();
    assert!(noted.done().is_some());
    let row = inbox_row(&store).await;
    assert_eq!((row.state, row.attempts), (State::Retry, 1));
    assert_eq!(inbox::meaning(Some(&row), NOON), Meaning::Free { attempts: 1, waits: 0 });
    let given_up = inbox::failed(&delivery(), 2, None, &failure(), &key("source"), NOON);
    assert!(store.update(given_up).await.unwrap().done().is_some());
    let dead = store.query_items(&inbox::dead_of("chat.on_user_purged")).await.unwrap();
    assert_eq!(
        dead.items.iter().filter_map(Item::key).collect::<Vec<_>>(),
        [inbox_row(&store).await.key]
    );
    assert_eq!(inbox_row(&store).await.source, Some(key("source")));
    let late = inbox::done(&delivery(), 3, None, NOON);
    let late = store.commit(late, &Token::of(b"i", 1)).await;
    assert!(matches!(late, Err(NotCommitted::Refused { label: Some(inbox::LABEL), .. })));
}

#[tokio::test(start_paused = true)]
async fn a_claim_keeps_others_out_until_its_holder_must_be_dead() {
    let (_, store) = Engine::start();
    let until = NOON.plus(Duration::from_secs(30));
    let claim = |token, now: Timestamp| {
        inbox::claim(&delivery(), token, now, now.plus(Duration::from_secs(30)))
    };
    assert!(store.update(claim("one", NOON)).await.unwrap().done().is_some());
    let Written::Refused(Some(held)) = store.update(claim("two", NOON)).await.unwrap() else {
        panic!("claimed twice");
    };
    let held: InboxRow = held.decode().unwrap();
    assert_eq!(inbox::meaning(Some(&held), NOON), Meaning::HeldUntil(until));
    assert!(store.update(claim("two", until)).await.unwrap().done().is_some());
    let dead_man = inbox::done(&delivery(), 1, Some("one"), until);
    let dead_man = store.commit(dead_man, &Token::of(b"i", 1)).await;
    assert!(matches!(dead_man, Err(NotCommitted::Refused { label: Some(inbox::LABEL), .. })));
    let alive = inbox::skipped(&delivery(), 2, Some("two"), "expired", until);
    store.commit(alive, &Token::of(b"i", 2)).await.unwrap();
    let row = inbox_row(&store).await;
    assert_eq!((row.state, row.skip_reason.as_deref()), (State::Done, Some("expired")));
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_slept_past_its_lease_cannot_write() {
    let (_, store) = Engine::start();
    let span = Duration::from_secs(55);
    let grant = |holder, now| lease::acquire(&store, "sweep", holder, span, now);
    let first = grant("one", NOON).await.unwrap().unwrap();
    assert_eq!(grant("two", NOON).await, Ok(None));
    assert_eq!(grant("one", NOON).await.unwrap().unwrap().fence(), 2);
    let second = grant("two", first.until()).await.unwrap().unwrap();
    assert!(second.fence() > first.fence());
    for (lease, expected) in [(&first, false), (&second, true)] {
        let mut change = Change::new();
        change.update(credit("a", 1));
        lease.guard(&mut change);
        let outcome = store.commit(change, &Token::of(b"l", u16::from(expected))).await;
        match outcome {
            Ok(_) => assert!(expected),
            Err(refused) => {
                assert!(!expected);
                assert!(matches!(refused, NotCommitted::Refused { label: Some(lease::LABEL), .. }));
            }
        }
    }
    first.release(&store).await.unwrap();
    assert_eq!(grant("three", second.until().minus(span)).await, Ok(None));
    second.release(&store).await.unwrap();
    assert!(grant("three", NOON).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_lease_whose_answer_was_lost_is_had_by_asking_again() {
    let (engine, store) = Engine::start();
    engine.next([Fault::ReplyLost]);
    let grant = || lease::acquire(&store, "sweep", "one", Duration::from_secs(55), NOON);
    assert_eq!(grant().await, Err(crate::StoreError::Unknown));
    assert_eq!(grant().await.unwrap().unwrap().fence(), 2);
}

#[test]
fn rows_never_show_their_contents_in_logs() {
    let item = Item::row(&record("k", "h", "secret-body", NOON)).unwrap();
    let shown = format!("{item:?} {:?}", record("k", "h", "secret-body", NOON));
    assert!(!shown.contains("secret-body") && shown.contains("body"), "{shown}");
    let update = Update::of(WALLETS, key("a")).set("note", "secret-note");
    assert!(!format!("{update:?}").contains("secret-note"));
    let query = Query::table(WALLETS, tenant().partition("W", "a"));
    assert!(format!("{query:?}").contains("wallet"));
}
