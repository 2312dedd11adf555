//! Reads: batches, pages, cursors, counts.

use super::engine::{Engine, Fault};
use super::*;
use crate::{Change, Consistency, Deadline, Meter, PLATFORM, Query, Rows, StoreError, Token};
use std::sync::Arc;
use std::time::Duration;

async fn saved(store: &crate::Store, wallets: &[Wallet]) {
    let mut change = Change::new();
    for wallet in wallets {
        change.create(wallet);
    }
    store.commit(change, &Token::of(b"setup", 1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_row_reads_back_as_it_was_stored() {
    let (_, store) = Engine::start();
    let stored = Wallet { note: Some("größer".to_owned()), ..wallet("a") };
    saved(&store, std::slice::from_ref(&stored)).await;
    for consistency in [Consistency::Strong, Consistency::Eventual] {
        assert_eq!(store.get::<Wallet>(&key("a"), consistency).await, Ok(Some(stored.clone())));
        assert_eq!(store.get::<Wallet>(&key("b"), consistency).await, Ok(None));
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_of_another_shape_is_corrupt_and_names_its_table() {
    let (_, store) = Engine::start();
    store.update(credit("a", 1)).await.map(|_| ()).unwrap();
    let read = store.get::<Wallet>(&key("a"), Consistency::Strong).await;
    assert!(matches!(read, Err(StoreError::Corrupt { table: "wallet", .. })), "{read:?}");
}

#[tokio::test(start_paused = true)]
async fn a_batch_keeps_the_order_and_asks_again_for_what_was_left_out() {
    let (engine, store) = Engine::start();
    saved(&store, &[wallet("a"), wallet("b"), wallet("c")]).await;
    engine.next([Fault::OneKeyOnly, Fault::OneKeyOnly]);
    let keys = ["c", "x", "a", "b", "a"].map(key);
    let rows = store.get_many::<Wallet>(&keys, Consistency::Strong).await.unwrap();
    let ids: Vec<_> = rows.iter().map(|row| row.as_ref().map(|row| row.id.as_str())).collect();
    assert_eq!(ids, [Some("c"), None, Some("a"), Some("b"), Some("a")]);
    assert_eq!(store.meter().reading().batch_gets, 3);
}

#[tokio::test(start_paused = true)]
async fn a_batch_over_tables_is_one_request() {
    let (engine, store) = Engine::start();
    saved(&store, &[wallet("a")]).await;
    let lease = Key::alone(Scope::system().partition("LEASE", "sweep"));
    let made = Update::of(PLATFORM, lease.clone()).set("holder", "me");
    store.update(made).await.map(|_| ()).unwrap();
    let before = engine.calls();
    let keys = [(PLATFORM, lease), (WALLETS, key("x")), (WALLETS, key("a"))];
    let items = store.get_batch(&keys, Consistency::Strong).await.unwrap();
    let texts: Vec<_> =
        items.iter().map(|item| item.as_ref().map(|one| one.size_bytes() > 0)).collect();
    assert_eq!(texts, [Some(true), None, Some(true)]);
    assert_eq!(items[0].as_ref().unwrap().text("holder"), Some("me"));
    assert_eq!(items[2].as_ref().unwrap().text("id"), Some("a"));
    assert_eq!(engine.calls(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn an_attribute_becomes_the_sum_of_another_and_a_number() {
    let (_, store) = Engine::start();
    saved(&store, &[wallet("a")]).await;
    let sum = Update::of(WALLETS, key("a")).set_sum("until", "age", 41);
    let written = store.update(sum).await.unwrap().done().unwrap();
    assert_eq!(written.number("until"), Some(42));
    let missing = Update::of(WALLETS, key("a")).set_sum("until", "nowhere", 1);
    assert!(store.update(missing).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn keys_left_out_for_ever_are_a_throttle() {
    let (engine, store) = Engine::start();
    engine.always(Fault::OneKeyOnly);
    let keys: Vec<_> = (0..20).map(|n| key(&format!("w{n}"))).collect();
    let read = store.get_many::<Wallet>(&keys, Consistency::Strong).await;
    assert_eq!(read, Err(StoreError::Throttled));
}

#[tokio::test(start_paused = true)]
async fn more_than_100_keys_are_refused_before_anything_is_sent() {
    let (engine, store) = Engine::start();
    let keys: Vec<_> = (0..101).map(|n| key(&format!("w{n}"))).collect();
    let read = store.get_many::<Wallet>(&keys, Consistency::Strong).await;
    assert!(matches!(read, Err(StoreError::Invalid(_))), "{read:?}");
    assert_eq!(engine.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn items_read_together_come_in_order() {
    let (engine, store) = Engine::start();
    saved(&store, &[wallet("a"), wallet("b")]).await;
    engine.next([Fault::Conflict]);
    let keys = ["b", "x", "a"].map(|id| (WALLETS, key(id)));
    let items = store.get_together(&keys).await.unwrap();
    let ids: Vec<_> =
        items.iter().map(|item| item.as_ref().and_then(|item| item.text("id"))).collect();
    assert_eq!(ids, [Some("b"), None, Some("a")]);
}

#[tokio::test(start_paused = true)]
async fn a_reads_transient_faults_are_repeated_and_lasting_ones_reported() {
    let (engine, store) = Engine::start();
    engine.next([Fault::ErrorBefore, Fault::Throttle, Fault::ReplyLost]);
    assert_eq!(store.get::<Wallet>(&key("a"), Consistency::Strong).await, Ok(None));
    engine.always(Fault::Throttle);
    let throttled = store.get::<Wallet>(&key("a"), Consistency::Strong).await;
    assert_eq!(throttled, Err(StoreError::Throttled));
    engine.always(Fault::Hangs);
    let store = store.until(Deadline::after(Duration::from_secs(1)));
    let late = store.get::<Wallet>(&key("a"), Consistency::Strong).await;
    assert_eq!(late, Err(StoreError::Timeout));
}

#[tokio::test(start_paused = true)]
async fn pages_join_without_gap_or_repeat_and_the_last_has_no_next() {
    let (_, store) = Engine::start();
    let wallets: Vec<_> = (0..7).map(|n| wallet(&format!("w{n}"))).collect();
    saved(&store, &wallets).await;
    let open = Query::index(WALLETS, BY_STATUS, tenant().partition("STATUS", "open"));
    for (limit, pages) in [(1, 7), (3, 3), (7, 1), (8, 1)] {
        for descending in [false, true] {
            let query = open.clone().limit(limit);
            let query = if descending { query.descending() } else { query };
            let (mut ids, mut count, mut next) = (Vec::new(), 0, None);
            loop {
                // The position travels as bytes, as in a cursor.
                let bytes = next.as_ref().map(|position| query.encode(position));
                let position = bytes.map(|bytes| query.position(&bytes).unwrap());
                assert_eq!(position, next);
                let page: Rows<Wallet> = store.query(&query.clone().after(position)).await.unwrap();
                ids.extend(page.items.into_iter().map(|row| row.id));
                count += 1;
                match page.next {
                    Some(position) => next = Some(position),
                    None => break,
                }
            }
            let mut expected: Vec<_> = wallets.iter().map(|row| row.id.clone()).collect();
            if descending {
                expected.reverse();
            }
            assert_eq!((ids, count), (expected, pages), "limit {limit}, descending {descending}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_position_of_another_partition_or_of_other_bytes_is_refused() {
    let (_, store) = Engine::start();
    saved(&store, &[wallet("a"), wallet("b")]).await;
    let query = Query::index(WALLETS, BY_STATUS, tenant().partition("STATUS", "open")).limit(1);
    let page: Rows<Wallet> = store.query(&query).await.unwrap();
    let bytes = query.encode(&page.next.unwrap());
    let other = Query::index(WALLETS, BY_STATUS, tenant().partition("STATUS", "shut"));
    assert!(other.position(&bytes).is_err());
    for length in 0..bytes.len() {
        assert!(query.position(&bytes[..length]).is_err(), "{length}");
    }
    assert!(query.position(&[b"\x02", &bytes[1..]].concat()).is_err());
}

#[tokio::test(start_paused = true)]
async fn ranges_select_by_sort_key() {
    let (_, store) = Engine::start();
    let wallets: Vec<_> =
        (1..=4).map(|age| Wallet { age: age * 10, ..wallet(&format!("w{age}")) }).collect();
    saved(&store, &wallets).await;
    let ages = || Query::index(WALLETS, BY_AGE, tenant().partition("AGES", ()));
    let open = || Query::index(WALLETS, BY_STATUS, tenant().partition("STATUS", "open"));
    let table = [
        (ages(), vec![10, 20, 30, 40]),
        (ages().below(20), vec![10]),
        (ages().up_to(20), vec![10, 20]),
        (ages().above(20), vec![30, 40]),
        (ages().from_value(20), vec![20, 30, 40]),
        (ages().between(15, 35), vec![20, 30]),
        (open().prefix("w"), vec![10, 20, 30, 40]),
        (open().prefix("w3"), vec![30]),
        (open().between("w2", "w3"), vec![20, 30]),
    ];
    for (query, expected) in table {
        let rows: Rows<Wallet> = store.query(&query).await.unwrap();
        assert_eq!(rows.items.iter().map(|row| row.age).collect::<Vec<_>>(), expected, "{query:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn queries_that_make_no_sense_are_refused_before_they_are_sent() {
    let (engine, store) = Engine::start();
    let strange = Index::new("strange", "a", "b");
    let ages = tenant().partition("AGES", ());
    for query in [
        Query::index(WALLETS, strange, ages.clone()),
        Query::index(WALLETS, BY_AGE, ages.clone()).prefix("1"),
        Query::index(WALLETS, BY_AGE, ages.clone()).between(1, "2"),
        Query::table(WALLETS, ages).above(1),
        Query::table(WALLETS, tenant().partition("W", "a#b")),
        Query::table(WALLETS, tenant().partition("W", "")),
    ] {
        let refused = store.query_items(&query).await;
        assert!(matches!(refused, Err(StoreError::Invalid(_))), "{query:?}: {refused:?}");
    }
    assert_eq!(engine.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_meter_counts_its_own_calls_only() {
    let (_, store) = Engine::start();
    saved(&store, &[wallet("a"), wallet("b")]).await;
    let meter = Arc::new(Meter::default());
    let metered = store.metered(meter.clone());
    let _ = metered.get::<Wallet>(&key("a"), Consistency::Strong).await.unwrap();
    let open = Query::index(WALLETS, BY_STATUS, tenant().partition("STATUS", "open"));
    let _ = metered.query::<Wallet>(&open).await.unwrap();
    let _ = metered.update(credit("a", 1)).await.unwrap();
    let mut change = Change::new();
    change.update(credit("a", 1));
    change.update(credit("b", 1));
    metered.commit(change, &Token::of(b"m", 1)).await.unwrap();
    let _ = store.get::<Wallet>(&key("a"), Consistency::Strong).await.unwrap();
    let reading = meter.reading();
    assert_eq!((reading.gets, reading.queries, reading.writes, reading.transactions), (1, 1, 1, 1));
    assert_eq!((reading.requests(), reading.items_read, reading.items_written), (4, 3, 3));
    assert!(reading.read_tenths >= 15 && reading.write_tenths >= 50, "{reading:?}");
}
