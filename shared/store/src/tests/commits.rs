//! Changes: races, conflicts, lost answers.

use super::engine::{Engine, Fault};
use super::*;
use crate::{
    Change, Committed, Condition, Consistency, Deadline, NotCommitted, Store, StoreError, Token,
    Written,
};
use kernel::{ErrorKind, Problem};
use std::time::Duration;

const WALLET_NOT_OPEN: Problem =
    Problem::new(ErrorKind::Conflict, "wallet_not_open", "the wallet is not open");
const ONCE: Committed = Committed { attempts: 1, found: false };

async fn with_wallet() -> (Engine, Store, Wallet) {
    let (engine, store) = Engine::start();
    let mut change = Change::new();
    change.save(&wallet("a"));
    assert_eq!(store.commit(change, &Token::of(b"setup", 1)).await, Ok(ONCE));
    let read = read(&store, "a").await;
    (engine, store, read)
}

async fn read(store: &Store, id: &str) -> Wallet {
    store.get(&key(id), Consistency::Strong).await.unwrap().unwrap()
}

fn shut(wallet: &Wallet) -> Change {
    let mut change = Change::new();
    change
        .save(&Wallet { status: "shut".to_owned(), ..wallet.clone() })
        .status_in(["open"])
        .named("wallet")
        .refused_as(WALLET_NOT_OPEN.error());
    change
}

#[tokio::test(start_paused = true)]
async fn of_two_writers_one_wins_and_the_other_sees_what_it_lost_to() {
    let (_, store, before) = with_wallet().await;
    let tokens = [Token::of(b"one", 1), Token::of(b"two", 1)];
    let (first, second) = tokio::join!(
        store.commit(shut(&before), &tokens[0]),
        store.commit(shut(&before), &tokens[1]),
    );
    let (won, lost) = if first.is_ok() { (first, second) } else { (second, first) };
    assert_eq!(won, Ok(ONCE));
    let Err(NotCommitted::Refused { label, old, error, others }) = lost else {
        panic!("{lost:?}");
    };
    assert_eq!((label, others.len()), (Some("wallet"), 0));
    assert_eq!(error.unwrap().code(), "wallet_not_open");
    let after: Wallet = old.unwrap().decode().unwrap();
    assert_eq!((after.head.version, after.status.as_str()), (2, "shut"));
    assert_eq!(after, read(&store, "a").await);
}

#[tokio::test(start_paused = true)]
async fn the_first_declared_refusal_decides_and_a_cause_row_comes_before_all() {
    let (_, store, before) = with_wallet().await;
    let refused = async |cause: bool| {
        let mut change =
            shut(&Wallet { head: Head { version: 9, event_seq: 0 }, ..before.clone() });
        let row = change.check(WALLETS, key("cause"), Condition::some_item()).named("cause");
        if cause {
            row.decides_first();
        }
        store.commit(change, &Token::of(b"c", 1)).await
    };
    for (cause, expected) in [(false, ["wallet", "cause"]), (true, ["cause", "wallet"])] {
        let Err(NotCommitted::Refused { label, others, .. }) = refused(cause).await else {
            panic!("not refused");
        };
        assert_eq!([label, others[0].label], expected.map(Some));
    }
}

#[tokio::test(start_paused = true)]
async fn a_blind_change_survives_conflicts_and_throttles() {
    let (engine, store, before) = with_wallet().await;
    engine.next([Fault::Conflict, Fault::Throttle, Fault::Conflict]);
    let mut change = Change::new().blind();
    change.update(credit("a", 5));
    let committed = store.commit(change, &Token::of(b"b", 1)).await;
    assert_eq!(committed, Ok(Committed { attempts: 4, found: false }));
    assert_eq!(read(&store, "a").await.available, before.available + 5);
}

#[tokio::test(start_paused = true)]
async fn a_change_decided_from_a_read_is_returned_to_be_decided_again() {
    let (engine, store, before) = with_wallet().await;
    for (fault, expected) in
        [(Fault::Conflict, NotCommitted::Conflict), (Fault::Throttle, NotCommitted::Throttled)]
    {
        engine.next([fault]);
        assert_eq!(store.commit(shut(&before), &Token::of(b"r", 1)).await, Err(expected));
    }
    assert_eq!(read(&store, "a").await, before);
    assert_eq!(store.commit(shut(&before), &Token::of(b"r", 2)).await, Ok(ONCE));
}

#[tokio::test(start_paused = true)]
async fn conflicts_are_repeated_five_times_and_never_beyond_the_deadline() {
    let (engine, store, before) = with_wallet().await;
    engine.always(Fault::Conflict);
    let blind = || {
        let mut change = Change::new().blind();
        change.update(credit("a", 5));
        change
    };
    let calls = engine.calls();
    assert_eq!(store.commit(blind(), &Token::of(b"f", 1)).await, Err(NotCommitted::Conflict));
    assert_eq!(engine.calls() - calls, 6);
    let hurried = store.until(Deadline::after(Duration::from_millis(20)));
    let calls = engine.calls();
    assert_eq!(hurried.commit(blind(), &Token::of(b"f", 2)).await, Err(NotCommitted::Conflict));
    assert_eq!(engine.calls() - calls, 2);
    engine.always(Fault::None);
    assert_eq!(read(&store, "a").await, before);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_and_the_same_token_are_one_effect() {
    let (engine, store, before) = with_wallet().await;
    engine.next([Fault::ReplyLost, Fault::ReplyLost]);
    let mut change = Change::new();
    change.update(credit("a", 5));
    let committed = store.commit(change, &Token::of(b"l", 1)).await;
    assert_eq!(committed, Ok(Committed { attempts: 3, found: false }));
    assert_eq!(read(&store, "a").await.available, before.available + 5);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_without_tokens_is_found_in_the_stored_rows() {
    let (engine, store, before) = with_wallet().await;
    engine.forget_tokens();
    for (at, mut change) in [shut(&before), Change::new(), Change::new()].into_iter().enumerate() {
        match at {
            0 => {}
            1 => {
                change.save(&wallet("b"));
                change.update(credit("a", 5));
            }
            _ => {
                let raise = Update::of(WALLETS, key("b"))
                    .versioned(Head { version: 1, event_seq: 0 })
                    .set("note", "x");
                change.update(raise);
            }
        }
        engine.next([Fault::ReplyLost]);
        let committed = store.commit(change, &Token::of(b"n", 1)).await;
        assert_eq!(committed, Ok(Committed { attempts: 2, found: true }), "{at}");
    }
    let after = read(&store, "a").await;
    assert_eq!((after.status.as_str(), after.available), ("shut", before.available + 5));
    assert_eq!(read(&store, "b").await.head.version, 2);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_does_not_take_anothers_row_for_its_own() {
    let (engine, store, before) = with_wallet().await;
    engine.forget_tokens();
    let mut change = shut(&before);
    change.save(&Wallet { note: Some("mine".to_owned()), ..wallet("b") });
    // The first attempt fails without effect, and another writer takes the place.
    let racing = store.put_if_absent(&wallet("b")).await.unwrap();
    assert!(matches!(racing, Written::Done(_)));
    engine.next([Fault::ErrorBefore]);
    let refused = store.commit(change, &Token::of(b"o", 1)).await;
    assert!(matches!(refused, Err(NotCommitted::Refused { label: None, .. })), "{refused:?}");
    assert_eq!(read(&store, "a").await, before);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_stays_lost_leaves_the_outcome_unknown() {
    let (engine, store, before) = with_wallet().await;
    engine.always(Fault::ErrorBefore);
    assert_eq!(store.commit(shut(&before), &Token::of(b"u", 1)).await, Err(NotCommitted::Unknown));
    engine.always(Fault::Hangs);
    let hurried = store.until(Deadline::after(Duration::from_secs(1)));
    assert_eq!(
        hurried.commit(shut(&before), &Token::of(b"u", 2)).await,
        Err(NotCommitted::Unknown)
    );
}

#[tokio::test(start_paused = true)]
async fn a_conflict_after_a_lost_answer_is_not_a_certain_refusal() {
    let (engine, store, before) = with_wallet().await;
    engine.next([Fault::ReplyLost, Fault::Conflict]);
    let committed = store.commit(shut(&before), &Token::of(b"s", 1)).await;
    assert_eq!(committed, Ok(Committed { attempts: 3, found: false }));
}

#[tokio::test(start_paused = true)]
async fn a_token_used_with_other_contents_is_a_conflict() {
    let (_, store, before) = with_wallet().await;
    let token = Token::of(b"t", 1);
    assert_eq!(store.commit(shut(&before), &token).await, Ok(ONCE));
    let mut other = Change::new();
    other.update(credit("a", 1));
    assert_eq!(store.commit(other, &token).await, Err(NotCommitted::Conflict));
}

#[tokio::test(start_paused = true)]
async fn single_updates_answer_the_new_item_or_the_one_in_the_way() {
    let (engine, store, before) = with_wallet().await;
    let close = || Update::of(WALLETS, key("a")).versioned(before.head).set("status", "shut");
    engine.next([Fault::Throttle, Fault::Conflict, Fault::ReplyLost]);
    let Ok(Written::Done(item)) = store.update(close()).await else { panic!("refused") };
    assert_eq!((item.text("status"), item.number("v")), (Some("shut"), Some(2)));
    let other = close().set("note", "late");
    assert_eq!(store.update(other).await, Ok(Written::Refused(Some(item))));
    let absent = Update::of(WALLETS, key("x")).set("note", "x").when(Condition::some_item());
    assert_eq!(store.update(absent).await, Ok(Written::Refused(None)));
}

#[tokio::test(start_paused = true)]
async fn an_addition_whose_answer_was_lost_is_not_repeated() {
    let (engine, store, before) = with_wallet().await;
    engine.next([Fault::ReplyLost]);
    assert_eq!(store.update(credit("a", 5)).await, Err(StoreError::Unknown));
    assert_eq!(read(&store, "a").await.available, before.available + 5);
}

#[tokio::test(start_paused = true)]
async fn puts_and_deletions_whose_answers_were_lost_happen_once() {
    let (engine, store, _) = with_wallet().await;
    engine.next([Fault::ReplyLost]);
    assert!(matches!(store.put_if_absent(&wallet("b")).await, Ok(Written::Done(_))));
    let taken = Wallet { note: Some("other".to_owned()), ..wallet("b") };
    assert!(matches!(store.put_if_absent(&taken).await, Ok(Written::Refused(Some(_)))));
    engine.next([Fault::ReplyLost]);
    let some = || Some(Condition::some_item());
    assert!(matches!(store.delete(&WALLETS, &key("b"), some()).await, Ok(Written::Done(_))));
    assert_eq!(store.delete(&WALLETS, &key("b"), some()).await, Ok(Written::Refused(None)));
}

#[tokio::test(start_paused = true)]
async fn announced_events_are_numbered_densely_from_one() {
    let (_, store) = Engine::start();
    let mut change = Change::new();
    let row = change.save(&wallet("a"));
    assert_eq!((row.announce(2), row.announce(1)), (Ok(1), Ok(3)));
    store.commit(change, &Token::of(b"e", 1)).await.unwrap();
    let first = read(&store, "a").await;
    assert_eq!(first.head, Head { version: 1, event_seq: 3 });
    let mut change = Change::new();
    assert_eq!(change.save(&first).announce(1), Ok(4));
    store.commit(change, &Token::of(b"e", 2)).await.unwrap();
    let second = read(&store, "a").await;
    assert_eq!(second.head, Head { version: 2, event_seq: 4 });
    let mut change = Change::new();
    let touched = Update::of(WALLETS, key("a")).versioned(second.head).set("note", "x");
    assert_eq!(change.update(touched).announce(2), Ok(5));
    store.commit(change, &Token::of(b"e", 3)).await.unwrap();
    assert_eq!(read(&store, "a").await.head, Head { version: 3, event_seq: 6 });
    let mut change = Change::new();
    assert!(change.update(credit("a", 1)).announce(1).is_err());
    assert!(change.delete(WALLETS, key("b")).announce(1).is_err());
}

#[tokio::test(start_paused = true)]
async fn commits_run_on_any_thread() {
    let (_, store, before) = with_wallet().await;
    let spawned = tokio::spawn(async move {
        let _ = store.update(credit("a", 1)).await;
        store.commit(shut(&before), &Token::of(b"t", 1)).await
    });
    assert_eq!(spawned.await.unwrap(), Ok(ONCE));
}
