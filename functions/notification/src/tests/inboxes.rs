//! The in-app inbox as its owner sees it.

use http::Method;
use serde_json::{Value, json};

use super::world::World;

fn counters(head: &Value) -> [u64; 5] {
    ["last_seq", "unseen", "unread", "seen_upto", "read_upto"]
        .map(|name| head[name].as_u64().unwrap())
}

fn numbers(page: &Value) -> Vec<u64> {
    page["data"].as_array().unwrap().iter().map(|item| item["seq"].as_u64().unwrap()).collect()
}

async fn badge(world: &World) -> Value {
    world.asks(Method::GET, "/v1/inbox/head", None).await.1
}

/// An inbox of so many items.
async fn world_of(items: u64) -> World {
    let world = World::new().await;
    for _ in 0..items {
        world.registers().await;
    }
    world.platform.settle().await;
    // Rows that lost too many races for the counters come back after their pause.
    world.minutes_pass(3).await;
    world
}

#[tokio::test(start_paused = true)]
async fn an_inbox_is_listed_marked_and_changed() {
    let world = world_of(3).await;
    let (status, page) = world.asks(Method::GET, "/v1/inbox?limit=2", None).await;
    assert_eq!((status, numbers(&page), &page["has_more"]), (200, vec![3, 2], &json!(true)));
    assert_eq!(counters(&badge(&world).await), [3, 3, 3, 0, 0]);
    let item = &page["data"][0];
    assert_eq!((&item["title"], &item["category"]), (&json!("Welcome"), &json!("account")));
    assert_eq!((&item["read"], &item["archived"]), (&json!(false), &json!(false)));

    let next = format!("/v1/inbox?cursor={}", page["next_cursor"].as_str().unwrap());
    let (_, rest) = world.asks(Method::GET, &next, None).await;
    assert_eq!((numbers(&rest), &rest["has_more"]), (vec![1], &json!(false)));
    assert_eq!(rest["next_cursor"], Value::Null);

    let marks = Some(json!({ "seen_upto": 3, "read_upto": 1 }));
    let (status, head) = world.asks(Method::POST, "/v1/inbox/marks", marks.clone()).await;
    assert_eq!((status, counters(&head)), (200, [3, 0, 2, 3, 1]));
    let (_, again) = world.asks(Method::POST, "/v1/inbox/marks", marks).await;
    assert_eq!(again, head);

    let (status, item) =
        world.asks(Method::PATCH, "/v1/inbox/3", Some(json!({ "archived": true }))).await;
    assert_eq!((status, &item["read"], &item["archived"]), (200, &json!(true), &json!(true)));
    let (_, current) = world.asks(Method::GET, "/v1/inbox", None).await;
    assert_eq!((numbers(&current), counters(&badge(&world).await)), (vec![2, 1], [3, 0, 1, 3, 1]));
    let (_, archived) = world.asks(Method::GET, "/v1/inbox?filter=archived", None).await;
    assert_eq!(numbers(&archived), [3]);
    world.asks(Method::PATCH, "/v1/inbox/1", Some(json!({ "read": false }))).await;
    let (_, unread) = world.asks(Method::GET, "/v1/inbox?filter=unread", None).await;
    assert_eq!((numbers(&unread), counters(&badge(&world).await)[2]), (vec![2, 1], 2));
    assert_eq!(world.platform.cloud().violations(), []);
}

#[tokio::test(start_paused = true)]
async fn pages_of_an_inbox_are_the_inbox_while_more_arrives() {
    for (limit, arriving) in [(1, 1), (2, 3), (3, 0), (7, 2), (100, 1)] {
        let world = world_of(7).await;
        let (mut seen, mut next) = (Vec::new(), String::new());
        loop {
            let path = format!("/v1/inbox?limit={limit}{next}");
            let (status, page) = world.asks(Method::GET, &path, None).await;
            assert_eq!(status, 200, "{page}");
            seen.extend(numbers(&page));
            for _ in 0..arriving {
                world.registered().await;
            }
            match page["next_cursor"].as_str() {
                Some(cursor) => next = format!("&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(seen, [7, 6, 5, 4, 3, 2, 1], "{limit} a page, {arriving} arriving");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cursor_of_another_part_of_the_inbox_is_refused() {
    let world = world_of(3).await;
    let (_, page) = world.asks(Method::GET, "/v1/inbox?limit=1&filter=unread", None).await;
    let cursor = page["next_cursor"].as_str().unwrap();
    for (filter, expected) in [("&filter=unread", 200), ("&filter=archived", 400), ("", 400)] {
        let path = format!("/v1/inbox?cursor={cursor}{filter}");
        let (status, answer) = world.asks(Method::GET, &path, None).await;
        assert_eq!(status, expected, "{filter}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn reading_an_item_marks_its_notification_seen() {
    let world = world_of(1).await;
    let [notification] = world.notifications().await[..] else { panic!("one notification") };
    let seen = || async {
        let items = world
            .items(crate::store::keys::NOTIFICATION, world.scope().partition("N", &notification))
            .await;
        items.iter().find_map(|item| item.number("seen_at_ms"))
    };
    assert_eq!(seen().await, None);
    world.asks(Method::PATCH, "/v1/inbox/1", Some(json!({ "read": true }))).await;
    assert!(seen().await.is_some());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_asked_of_an_inbox_is_refused() {
    let world = world_of(1).await;
    let table = [
        (Method::GET, "/v1/inbox?limit=0", None, 422),
        (Method::GET, "/v1/inbox?limit=101", None, 422),
        (Method::GET, "/v1/inbox?before_seq=2", None, 400),
        (Method::GET, "/v1/inbox?cursor=2", None, 400),
        (Method::GET, "/v1/inbox?filter=starred", None, 422),
        (Method::PATCH, "/v1/inbox/2", Some(json!({ "read": true })), 404),
        (Method::PATCH, "/v1/inbox/0", Some(json!({ "read": true })), 404),
        (Method::PATCH, "/v1/inbox/one", Some(json!({ "read": true })), 404),
        (Method::PATCH, "/v1/inbox/1", Some(json!({ "read": false, "archived": true })), 422),
        (Method::PATCH, "/v1/inbox/1", Some(json!({ "starred": true })), 400),
        (Method::POST, "/v1/inbox/marks", Some(json!({ "seen_upto": -1 })), 422),
    ];
    for (method, path, body, expected) in table {
        let (status, answer) = world.asks(method, path, body).await;
        assert_eq!(status, expected, "{path}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_inbox_has_nothing_to_mark() {
    let world = World::new().await;
    let (_, page) = world.asks(Method::GET, "/v1/inbox", None).await;
    assert_eq!((numbers(&page), counters(&badge(&world).await)), (vec![], [0; 5]));
    let marks = Some(json!({ "seen_upto": 9, "read_upto": 9 }));
    let (status, head) = world.asks(Method::POST, "/v1/inbox/marks", marks).await;
    assert_eq!((status, counters(&head)), (200, [0; 5]));
}

#[tokio::test(start_paused = true)]
async fn a_burst_lands_whole_and_in_one_dense_order() {
    let world = world_of(60).await;
    let (_, page) = world.asks(Method::GET, "/v1/inbox?limit=100", None).await;
    assert_eq!(numbers(&page), (1..=60).rev().collect::<Vec<_>>());
    assert_eq!((counters(&badge(&world).await), world.waiting().await), ([60, 60, 60, 0, 0], 0));
}

#[tokio::test(start_paused = true)]
async fn whatever_breaks_an_item_is_there_exactly_once() {
    for fault in World::FAULTS {
        for n in 1..=4 {
            let world = World::new().await;
            world.breaks("notification.dispatch_inbox", n, fault);
            world.registered().await;
            world.dust_settles().await;
            let (_, page) = world.asks(Method::GET, "/v1/inbox", None).await;
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
