use std::time::Duration;

use local::fault::{Fault, FaultPlan};
use local::harness::FAULTS;
use serde_json::json;
use store::lease;
use store::planted::{self, Bug};

use store::schedule::Ending;

use super::world::{Order, World};

#[tokio::test(start_paused = true)]
async fn two_sweeps_at_once_fire_once() {
    let world = World::new().await;
    world.order(Order::at("a", 30, "tea")).await;
    world.clock().advance(30_000);
    let sweep = || world.invoke("platform.on_due", json!({}));
    let (one, other, third) = tokio::join!(sweep(), sweep(), sweep());
    assert!(one.is_ok() && other.is_ok() && third.is_ok());
    world.settle().await;
    world.sweep().await;
    assert_eq!(world.heard(), ["tea"]);
    assert_eq!(world.events("a").await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_sweep_leaves_the_work_to_whoever_has_the_lease() {
    let world = World::new().await;
    world.order(Order::at("a", 30, "tea")).await;
    world.clock().advance(30_000);
    let now = world.ports().clock.now();
    let store = &world.ports().store;
    let span = Duration::from_secs(55);
    assert!(lease::acquire(store, "on_due", "another", span, now).await.unwrap().is_some());
    world.sweep().await;
    assert_eq!(world.heard(), [""; 0]);
    world.clock().advance(55_000);
    world.sweep().await;
    assert_eq!(world.heard(), ["tea"]);
}

/// Whatever call of a sweep goes wrong, and however: each timer has fired once in the end.
#[tokio::test(start_paused = true)]
async fn a_sweep_may_die_anywhere() {
    for n in 1..=22 {
        for fault in World::SILENT {
            let world = World::new().await;
            world.order(Order::at("a", 30, "tea")).await;
            world.order(Order::at("b", 30, "coffee")).await;
            world.cloud().faults().reset();
            world.breaks("platform.on_due", n, fault);
            world.minutes_pass(3).await;
            for key in ["a", "b"] {
                assert_eq!(world.events(key).await.len(), 1, "{key}: {fault:?} at call {n}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_planted_bug_loses_an_event_between_two_transactions() {
    let _bug = planted::plant(Bug::TimerOutsideTransaction);
    for n in 2..=22 {
        let world = World::new().await;
        world.order(Order::at("a", 30, "tea")).await;
        world.cloud().faults().reset();
        world.breaks("platform.on_due", n, Fault::CrashAfter);
        world.minutes_pass(2).await;
        if world.events("a").await.is_empty() {
            return;
        }
    }
    panic!("no crash showed it");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_fires_a_timer_may_be_lost_or_doubled() {
    for n in 1..=4 {
        for fault in FAULTS {
            let world = World::new().await;
            world.cloud().faults().reset();
            world.breaks("platform.schedule_fire", n, fault);
            world.order(Order::precisely("p", 30)).await;
            world.pass_s(30).await;
            world.pass_s(360).await;
            assert_eq!(world.events("p").await.len(), 1, "{fault:?} at call {n}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn more_timers_than_a_page_all_fire() {
    let world = World::new().await;
    for n in 0..130 {
        // One key prefix, many shards: some pages are full only in the worst case.
        world.order(Order::at(&format!("k{n}"), 60, "tea")).await;
    }
    world.minutes_pass(1).await;
    assert_eq!(world.heard().len(), 130);
}

/// One after the other they would take longer than a sweep may.
#[tokio::test(start_paused = true)]
async fn a_sweep_works_on_many_rows_at_once() {
    let world = World::new().await;
    let keys: Vec<String> = (0..160).map(|n| format!("k{n}")).collect();
    for key in &keys {
        world.order(Order::at(key, 60, "tea")).await;
    }
    let faults = world.cloud().faults();
    faults.inject(FaultPlan::Random { seed: 1, per_mille: 1_000, faults: vec![Fault::Delay(100)] });
    world.clock().advance(60_000);
    world.invoke("platform.on_due", json!({})).await.unwrap();
    faults.stop();
    for key in &keys {
        assert_eq!(world.timer(key).await.ended, Some(Ending::Fired), "{key}");
    }
}
