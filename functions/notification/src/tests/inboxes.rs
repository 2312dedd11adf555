//! The in-app inbox as its owner sees it.

use local::harness::FAULTS;
use serde_json::{Value, json};
use store::Query;

use super::world::World;
use crate::store::keys::NOTIFICATION;

fn counters(head: &Value) -> [u64; 5] {
    ["last_seq", "unseen", "unread", "seen_upto", "read_upto"]
        .map(|name| head[name].as_u64().unwrap())
}

fn numbers(page: &Value) -> Vec<u64> {
    page["data"].as_array().unwrap().iter().map(|item| item["seq"].as_u64().unwrap()).collect()
}

/// Where the next page begins.
fn next(page: &Value) -> &str {
    page["next_cursor"].as_str().unwrap()
}

/// An inbox of so many items.
async fn world_of(items: u64) -> World {
    let world = World::new().await;
    for _ in 0..items {
        world.registers().await;
    }
    world.settle().await;
    // Rows that lost too many races for the counters come back after their pause.
    world.minutes_pass(3).await;
    world
}

#[tokio::test(start_paused = true)]
async fn an_inbox_is_listed_marked_and_changed() {
    let world = world_of(3).await;
    let page = world.inbox("?limit=2").await;
    assert_eq!((numbers(&page), &page["has_more"]), (vec![3, 2], &json!(true)));
    assert_eq!(counters(&world.badge().await), [3, 3, 3, 0, 0]);
    let item = &page["data"][0];
    assert_eq!((&item["title"], &item["category"]), (&json!("Welcome"), &json!("account")));
    assert_eq!((&item["read"], &item["archived"]), (&json!(false), &json!(false)));

    let rest = world.inbox(&format!("?cursor={}", next(&page))).await;
    assert_eq!((numbers(&rest), &rest["has_more"]), (vec![1], &json!(false)));
    assert_eq!(rest["next_cursor"], Value::Null);

    let marks = json!({ "seen_upto": 3, "read_upto": 1 });
    let head = world.marks(marks.clone()).await;
    assert_eq!(counters(&head), [3, 0, 2, 3, 1]);
    assert_eq!(world.marks(marks).await, head);

    let changed = world.changes("3", json!({ "archived": true })).await;
    let item = &changed.expect(200).json;
    assert_eq!((&item["read"], &item["archived"]), (&json!(true), &json!(true)));
    let current = world.inbox("").await;
    assert_eq!((numbers(&current), counters(&world.badge().await)), (vec![2, 1], [3, 0, 1, 3, 1]));
    assert_eq!(numbers(&world.inbox("?filter=archived").await), [3]);
    world.changes("1", json!({ "read": false })).await.expect(200);
    let unread = world.inbox("?filter=unread").await;
    assert_eq!((numbers(&unread), counters(&world.badge().await)[2]), (vec![2, 1], 2));
    assert_eq!(world.cloud().violations(), []);
}

#[tokio::test(start_paused = true)]
async fn pages_of_an_inbox_are_the_inbox_while_more_arrives() {
    for (limit, arriving) in [(1, 1), (2, 3), (3, 0), (7, 2), (100, 1)] {
        let world = world_of(7).await;
        let mut page = world.inbox(&format!("?limit={limit}")).await;
        let mut seen = numbers(&page);
        while page["has_more"] == json!(true) {
            for _ in 0..arriving {
                world.registered().await;
            }
            page = world.inbox(&format!("?limit={limit}&cursor={}", next(&page))).await;
            seen.extend(numbers(&page));
        }
        assert_eq!(page["next_cursor"], Value::Null);
        assert_eq!(seen, [7, 6, 5, 4, 3, 2, 1], "{limit} a page, {arriving} arriving");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cursor_of_another_part_of_the_inbox_is_refused() {
    let world = world_of(3).await;
    let page = world.inbox("?limit=1&filter=unread").await;
    let cursor = next(&page);
    world.inbox(&format!("?cursor={cursor}&filter=unread")).await;
    for other in ["&filter=archived", ""] {
        let answer = world.try_inbox(&format!("?cursor={cursor}{other}")).await;
        answer.refused(400, "cursor_invalid");
    }
}

#[tokio::test(start_paused = true)]
async fn reading_an_item_marks_its_notification_seen() {
    let world = world_of(1).await;
    let [notification] = world.notifications().await[..] else { panic!("one notification") };
    let seen = || async {
        let partition = world.scope().partition("N", &notification);
        let items = world.items(Query::table(NOTIFICATION, partition)).await;
        items.iter().find_map(|item| item.number("seen_at_ms"))
    };
    assert_eq!(seen().await, None);
    world.changes("1", json!({ "read": true })).await.expect(200);
    assert!(seen().await.is_some());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_asked_of_an_inbox_is_refused() {
    let world = world_of(1).await;
    for query in ["?limit=0", "?limit=101", "?filter=starred"] {
        world.try_inbox(query).await.refused(422, "validation_failed");
    }
    world.try_inbox("?before_seq=2").await.refused(400, "malformed_request");
    world.try_inbox("?cursor=2").await.refused(400, "cursor_invalid");
    for seq in ["2", "0", "one"] {
        world.changes(seq, json!({ "read": true })).await.refused(404, "not_found");
    }
    let both = world.changes("1", json!({ "read": false, "archived": true })).await;
    both.refused(422, "validation_failed");
    let starred = world.changes("1", json!({ "starred": true })).await;
    starred.refused(400, "malformed_request");
    world.try_mark(json!({ "seen_upto": -1 })).await.refused(422, "validation_failed");
}

#[tokio::test(start_paused = true)]
async fn an_empty_inbox_has_nothing_to_mark() {
    let world = World::new().await;
    let page = world.inbox("").await;
    assert_eq!((numbers(&page), counters(&world.badge().await)), (vec![], [0; 5]));
    let head = world.marks(json!({ "seen_upto": 9, "read_upto": 9 })).await;
    assert_eq!(counters(&head), [0; 5]);
}

#[tokio::test(start_paused = true)]
async fn a_burst_lands_whole_and_in_one_dense_order() {
    let world = world_of(60).await;
    let page = world.inbox("?limit=100").await;
    assert_eq!(numbers(&page), (1..=60).rev().collect::<Vec<_>>());
    assert_eq!(
        (counters(&world.badge().await), world.waiting_rows().await),
        ([60, 60, 60, 0, 0], 0)
    );
}

#[tokio::test(start_paused = true)]
async fn whatever_breaks_an_item_is_there_exactly_once() {
    for fault in FAULTS {
        for n in 1..=4 {
            let world = World::new().await;
            world.breaks("notification.dispatch_inbox", n, fault);
            world.registered().await;
            world.dust_settles().await;
            let page = world.inbox("").await;
            let (rows, events) = world.story().await;
            let told = format!("{fault:?} at call {n}");
            assert_eq!(
                (numbers(&page), rows[0].as_str()),
                (vec![1], "database sent accepted"),
                "{told}"
            );
            assert_eq!(events.len(), 4, "{told}");
        }
    }
}
