use contracts::platform as api;
use local::harness::FAULTS;
use serde_json::json;
use store::{INBOX, Item, Query};

use super::world::{COUNTER, World};

fn is_at_rest((head, waiting): &(Item, usize)) -> bool {
    head.get("due_pk").is_none() && *waiting == 0
}

#[tokio::test(start_paused = true)]
async fn events_are_handed_over_together_at_the_next_tick() {
    let world = World::new().await;
    world.sells(&["a", "b"]).await;
    world.minutes_pass(3).await;
    world.sells(&["c"]).await;
    world.minutes_pass(1).await;
    assert_eq!((world.tallies().await.len(), world.collected().await.1), (0, 3));
    world.minutes_pass(1).await;
    assert_eq!(world.tallies().await.len(), 1);
    assert_eq!(world.counted().await, ["a", "b", "c"]);
    assert!(is_at_rest(&world.collected().await));
    world.sells(&["d"]).await;
    world.minutes_pass(4).await;
    assert_eq!(world.tallies().await.len(), 1);
    world.minutes_pass(1).await;
    assert_eq!(world.counted().await, ["a", "b", "c", "d"]);
    assert_eq!(world.cloud().violations(), []);
}

#[tokio::test(start_paused = true)]
async fn a_run_takes_its_batch_and_leaves_the_rest_to_the_next_tick() {
    let world = World::new().await;
    world.sells(&["a", "b", "c", "d", "e", "f"]).await;
    world.minutes_pass(5).await;
    let mut sizes: Vec<usize> = world.tallies().await.iter().map(Vec::len).collect();
    sizes.sort_unstable();
    assert_eq!((sizes, world.collected().await.1), (vec![1, 3], 2));
    world.minutes_pass(4).await;
    assert_eq!(world.counted().await.len(), 4);
    world.minutes_pass(1).await;
    assert_eq!(world.counted().await, ["a", "b", "c", "d", "e", "f"]);
    assert!(is_at_rest(&world.collected().await));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_always_fails_is_put_aside_and_keeps_no_other_waiting() {
    let world = World::new().await;
    world.sells(&["a", "poison", "b"]).await;
    world.minutes_pass(5).await;
    assert_eq!(
        (world.counted().await, world.collected().await.1),
        (vec!["a".into(), "b".into()], 1)
    );
    world.minutes_pass(15).await;
    assert_eq!(world.collected().await.1, 1);
    world.minutes_pass(10).await;
    assert!(is_at_rest(&world.collected().await));
    let dead = world.items(store::inbox::dead_of(COUNTER)).await;
    assert_eq!(world.given_up().await, [("failed".to_owned(), 5, "poison".to_owned())]);
    // An operator has it collected again, once the listener is mended.
    world.takes_poison();
    let request = json!({ "listener": COUNTER });
    world.operate(&api::DLQ_RETRY, request).confirmed().send().await.unwrap();
    world.minutes_pass(5).await;
    assert_eq!(world.counted().await, ["a", "b", "poison"]);
    assert!(is_at_rest(&world.collected().await));
    let handled = Query::table(INBOX, dead[0].key().unwrap().pk);
    let row = world.items(handled).await.remove(0);
    assert_eq!(row.text("state"), Some("done"));
}

#[tokio::test(start_paused = true)]
async fn what_is_passed_over_after_all_keeps_no_other_waiting() {
    let world = World::new().await;
    world.sells(&["poison"]).await;
    world.minutes_pass(30).await;
    world.takes_poison();
    let of_counter = json!({ "listener": COUNTER });
    let list = world.operate(&api::DLQ_LIST, of_counter.clone()).send().await.unwrap();
    world.operate(&api::DLQ_RETRY, of_counter).confirmed().send().await.unwrap();
    world.settle().await;
    let skip = json!({ "listener": COUNTER, "event": list.data[0].event });
    world.operate(&api::DLQ_SKIP, skip).confirmed().send().await.unwrap();
    world.settle().await;
    world.sells(&["a", "b"]).await;
    world.minutes_pass(5).await;
    assert_eq!(world.counted().await, ["a", "b"]);
    assert!(is_at_rest(&world.collected().await));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_kills_its_function_is_put_aside_and_keeps_no_other_waiting() {
    for sold in [&["a", "quicksand", "b"][..], &["quicksand"][..]] {
        let world = World::new().await;
        world.sells(sold).await;
        world.minutes_pass(30).await;
        assert_eq!(world.counted().await.len(), sold.len() - 1);
        let expected = ("failed".to_owned(), 5, "crashed".to_owned());
        assert_eq!(world.given_up().await, [expected]);
        world.sells(&["c"]).await;
        world.minutes_pass(5).await;
        assert_eq!(world.counted().await.len(), sold.len());
        assert!(is_at_rest(&world.collected().await));
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_always_to_wait_is_put_aside_before_it_would_expire() {
    let world = World::new().await;
    world.sells(&["a", "fog", "b"]).await;
    for _ in 0..12 {
        world.pass_s(86_400).await;
        world.minutes_pass(5).await;
    }
    assert_eq!((world.counted().await.len(), world.given_up().await), (0, vec![]));
    world.pass_s(86_400).await;
    world.minutes_pass(5).await;
    assert_eq!(world.counted().await, ["a", "b"]);
    assert_eq!(world.given_up().await, [("failed".to_owned(), 0, "foggy".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn what_could_expire_before_the_next_tick_is_taken_beyond_the_batch() {
    let world = World::new().await;
    let words = ["a", "b", "c", "d", "e", "f", "g"];
    world.sells(&words).await;
    world.pass_s(13 * 86_400 + 600).await;
    assert_eq!(world.counted().await, words);
    assert!(is_at_rest(&world.collected().await));
}

/// Whatever call goes wrong, and however, be it between effect and acknowledgement: each event is counted
/// once in the end.
#[tokio::test(start_paused = true)]
async fn every_event_is_counted_once_whatever_dies() {
    let functions = [
        (COUNTER, 5, &FAULTS[..]),
        ("platform.on_scheduled_event", 3, &World::SILENT[..]),
        ("platform.on_due", 20, &World::SILENT[..1]),
    ];
    for (function, calls, faults) in functions {
        for n in 1..=calls {
            for fault in faults {
                let world = World::new().await;
                world.cloud().faults().reset();
                world.breaks(function, n, *fault);
                world.sells(&["a", "b", "c", "d", "e"]).await;
                // Ticks, claims, visibility and the second hand-out are all multiples of this.
                for _ in 0..7 {
                    world.pass_s(300).await;
                }
                let counted = world.counted().await;
                assert_eq!(counted, ["a", "b", "c", "d", "e"], "{fault:?} at {n} of {function}");
                assert!(is_at_rest(&world.collected().await), "{fault:?} at {n} of {function}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_hand_out_delivered_twice_is_worked_through_once() {
    use local::fault::{DeliveryFault, FaultPlan};
    for fault in [DeliveryFault::Twice, DeliveryFault::EarlyVisibility] {
        let world = World::new().await;
        world.sells(&["a", "b", "c", "d", "e"]).await;
        world.cloud().faults().reset();
        let function = COUNTER.to_owned();
        world.cloud().faults().inject_delivery(FaultPlan::NthOf { function, n: 1, fault });
        world.minutes_pass(5).await;
        assert_eq!(world.counted().await.len(), 4, "{fault:?}: one batch for one tick");
        world.minutes_pass(5).await;
        assert_eq!(world.counted().await, ["a", "b", "c", "d", "e"]);
    }
}
