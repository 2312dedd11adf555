//! Folding and limits: what is refused before it is sent.

use super::engine::Engine;
use super::*;
use crate::{Change, Condition, Consistency, NotCommitted, Store, StoreError, Token};

async fn refused(store: &Store, change: Change) -> String {
    match store.commit(change, &Token::of(b"f", 1)).await {
        Err(NotCommitted::Failed(StoreError::Invalid(reason))) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_sent_is_refused_with_its_numbers() {
    let (engine, store) = Engine::start();
    let many = |count: usize| {
        let mut change = Change::new();
        for n in 0..count {
            change.save(&wallet(&format!("w{n}")));
        }
        change
    };
    let big = |bytes: usize| Wallet { note: Some("x".repeat(bytes)), ..wallet("big") };
    let mut heavy = Change::new();
    for n in 0..11 {
        heavy.create(&Wallet { id: format!("w{n}"), ..big(390_000) });
    }
    let mut too_big = Change::new();
    too_big.create(&big(410_000));
    let mut float = Change::new();
    float.update(Update::of(WALLETS, key("a")).set("rate", 0.5));
    let mut separator = Change::new();
    separator.save(&wallet("a#b"));
    let table = [
        (Change::new(), "nothing to commit"),
        (many(101), "101 items in one transaction (101 actions declared), at most 100"),
        (heavy, "bytes in one transaction, at most 4194304"),
        (too_big, "for wallet, at most 409600"),
        (float, "store integers only"),
        (separator, "contains `#`"),
    ];
    for (change, expected) in table {
        let reason = refused(&store, change).await;
        assert!(reason.contains(expected), "{reason}");
    }
    assert_eq!(engine.calls(), 0);
    assert!(store.commit(many(100), &Token::of(b"f", 2)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn one_item_twice_is_folded_where_that_means_the_same() {
    let (_, store) = Engine::start();
    let mut change = Change::new();
    change.save(&wallet("a"));
    let once = Head { version: 1, event_seq: 0 };
    change.save(&Wallet { head: once, note: Some("second".to_owned()), ..wallet("a") });
    change.update(credit("b", 5));
    change.update(credit("b", 7).set("note", "x"));
    change.check(WALLETS, key("b"), Condition::absent("frozen"));
    change.check(WALLETS, key("c"), Condition::no_item()).named("c");
    change.update(Update::of(WALLETS, key("c")).add_to_set("tags", ["x"]));
    change.update(Update::of(WALLETS, key("c")).add_to_set("tags", ["x", "y"]));
    store.commit(change, &Token::of(b"f", 1)).await.unwrap();
    let first: Wallet = store.get(&key("a"), Consistency::Strong).await.unwrap().unwrap();
    assert_eq!((first.head.version, first.note.as_deref()), (2, Some("second")));
    let second = store.get_item(&WALLETS, &key("b"), Consistency::Strong).await.unwrap().unwrap();
    assert_eq!((second.number("available"), second.text("note")), (Some(12), Some("x")));
    let third = store.get_item(&WALLETS, &key("c"), Consistency::Strong).await.unwrap().unwrap();
    assert_eq!(third.get("tags").unwrap().as_ss().unwrap().len(), 2);
    let mut again = Change::new();
    again.update(Update::of(WALLETS, key("c")).set("note", "x"));
    again.check(WALLETS, key("c"), Condition::absent("tags")).named("tags");
    let outcome = store.commit(again, &Token::of(b"f", 2)).await;
    assert!(matches!(outcome, Err(NotCommitted::Refused { label: Some("tags"), .. })));
}

#[tokio::test(start_paused = true)]
async fn one_item_twice_is_refused_where_it_is_a_contradiction() {
    let (engine, store) = Engine::start();
    let note = |text: &str| Update::of(WALLETS, key("a")).set("note", text);
    let pairs: [fn(&mut Change); 6] = [
        |change| {
            change.save(&wallet("a"));
            change.save(&wallet("a"));
        },
        |change| {
            change.save(&wallet("a"));
            change.save(&Wallet { head: Head { version: 2, event_seq: 0 }, ..wallet("a") });
        },
        |change| {
            change.create(&wallet("a"));
            change.save(&wallet("a"));
        },
        |change| {
            change.save(&wallet("a"));
            change.update(credit("a", 1));
        },
        |change| {
            change.delete(WALLETS, key("a"));
            change.update(credit("a", 1));
        },
        |change| {
            change.update(Update::of(WALLETS, key("a")).set("a.b", 1));
            change.update(Update::of(WALLETS, key("a")).remove("a"));
        },
    ];
    for pair in pairs {
        let mut change = Change::new();
        pair(&mut change);
        let reason = refused(&store, change).await;
        assert!(reason.contains("of wallet twice"), "{reason}");
    }
    let mut change = Change::new();
    change.update(note("one"));
    change.update(note("two"));
    assert!(refused(&store, change).await.contains("both set `note`"));
    assert_eq!(engine.calls(), 0);
}
