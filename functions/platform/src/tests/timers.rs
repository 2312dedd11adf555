use kernel::{EntityKind, EntityRef, Timestamp};
use runtime::schedule::Misfire;
use store::schedule::Ending;

use super::world::{Order, World};

#[tokio::test(start_paused = true)]
async fn a_timer_fires_once_within_a_minute_of_its_time() {
    let world = World::new().await;
    world.order(Order::at("a", 90, "tea")).await;
    world.pass_s(60).await;
    assert_eq!(world.heard(), [""; 0]);
    world.minutes_pass(1).await;
    assert_eq!((world.heard(), world.heard_at_s()), (vec!["tea".to_owned()], vec![120]));
    world.minutes_pass(5).await;
    assert_eq!(world.events("a").await, ["2030-06-01T12:02:00.000Z"]);
    assert_eq!(world.timer("a").await.ended, Some(Ending::Fired));
    assert_eq!(world.cloud().violations(), []);
}

#[tokio::test(start_paused = true)]
async fn a_late_sweep_fires_what_it_missed_once() {
    let world = World::new().await;
    world.order(Order::at("a", 90, "tea")).await;
    world.order(Order::at("past", 0, "coffee")).await;
    world.pass_s(86_400).await;
    world.sweep().await;
    let mut heard = world.heard();
    heard.sort_unstable();
    assert_eq!(heard, ["coffee", "tea"]);
    assert_eq!(world.events("a").await, ["2030-06-02T12:00:00.000Z"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_of_a_timer_goes_on_with_the_chain_that_scheduled_it() {
    let world = World::new().await;
    world.order(Order::at("a", 60, "tea")).await;
    world.minutes_pass(1).await;
    let id = world.timer("a").await.id;
    let subject = EntityRef::new(EntityKind::Schedule, id);
    let envelope = world.events_of(&subject).await.remove(0);
    assert_eq!(envelope.correlationid, "local");
    assert_eq!((envelope.sequence_number(), envelope.subject.id()), (1, id.to_string().as_str()));
    assert_eq!(envelope.time, Timestamp::from_ms(envelope.id.created_at().ms()));
    assert!(envelope.partitionkey.ends_with(&format!("/l/schedule/{id}")));
    assert_eq!(envelope.source, "/modules/shop");
}

#[tokio::test(start_paused = true)]
async fn a_key_is_put_once_and_replaced_when_told() {
    let world = World::new().await;
    world.order(Order::at("a", 60, "first")).await;
    world.order(Order::at("a", 0, "second")).await;
    world.minutes_pass(1).await;
    assert_eq!(world.heard(), ["first"]);
    world.order(Order::at("a", 180, "third")).await;
    let Order::At { key, word, .. } = Order::at("a", 0, "fourth") else { return };
    world.order(Order::At { key, seconds: 300, word, precise: false, replaces: true }).await;
    world.minutes_pass(3).await;
    assert_eq!(world.heard(), ["first"]);
    world.minutes_pass(1).await;
    assert_eq!(world.heard(), ["first", "fourth"]);
    assert_eq!(world.events("a").await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_timer_never_fires_and_a_fired_one_stays_fired() {
    let world = World::new().await;
    world.order(Order::at("cancelled", 60, "never")).await;
    world.order(Order::precisely("precise", 30)).await;
    world.order(Order::at("fired", 60, "tea")).await;
    world.order(Order::cancel("cancelled")).await;
    // The message that fires it is on its way.
    world.order(Order::cancel("precise")).await;
    world.order(Order::cancel("unknown")).await;
    world.minutes_pass(1).await;
    world.order(Order::cancel("fired")).await;
    world.minutes_pass(3).await;
    assert_eq!(world.heard(), ["tea"]);
    for (key, ending) in
        [("cancelled", Ending::Cancelled), ("precise", Ending::Cancelled), ("fired", Ending::Fired)]
    {
        assert_eq!(world.timer(key).await.ended, Some(ending), "{key}");
    }
    world.order(Order::at("cancelled", 300, "after all")).await;
    world.minutes_pass(2).await;
    assert_eq!(world.heard(), ["tea", "after all"]);
}

#[tokio::test(start_paused = true)]
async fn a_debounced_timer_waits_for_quiet_but_not_for_ever() {
    let world = World::new().await;
    world.order(Order::debounce("quiet", "1")).await;
    world.minutes_pass(1).await;
    world.order(Order::debounce("quiet", "2")).await;
    world.minutes_pass(1).await;
    assert_eq!(world.heard(), [""; 0]);
    world.minutes_pass(1).await;
    assert_eq!((world.heard(), world.heard_at_s()), (vec!["2".to_owned()], vec![180]));
    for n in 3..9 {
        world.order(Order::debounce("quiet", &n.to_string())).await;
        world.minutes_pass(1).await;
    }
    // Called every minute from minute 3 on: due at minute 8, the latest of the first call.
    assert_eq!(world.heard(), ["2", "7"]);
    assert_eq!(world.heard_at_s(), [180, 480]);
    world.minutes_pass(3).await;
    assert_eq!(world.heard(), ["2", "7", "8"]);
    assert_eq!(world.events("quiet").await.len(), 3);
}

/// Berlin puts its clocks forward on 31 March 2030 at 01:00 UTC and back on 27 October 2030.
#[tokio::test(start_paused = true)]
async fn a_recurring_timer_is_armed_again_across_a_change_of_clocks() {
    let rows = [
        ("2030-03-30T00:00:00Z", ["2030-03-30T01:30", "2030-03-31T01:00", "2030-04-01T00:30"]),
        ("2030-10-26T00:00:00Z", ["2030-10-26T00:30", "2030-10-27T00:30", "2030-10-28T01:30"]),
    ];
    for (start, expected) in rows {
        let world = World::starting_at(start.parse().unwrap()).await;
        let order = Order::cron("daily", "30 2 * * ? *", "Europe/Berlin", Misfire::FireOnce);
        world.order(order).await;
        for _ in 0..3 * 48 {
            world.pass_s(1_800).await;
        }
        let times: Vec<String> =
            world.events("daily").await.iter().map(|time| time[..16].to_owned()).collect();
        assert_eq!(times, expected);
    }
}

/// Every five minutes, asleep from 12:06 to 13:01: events until then, and by 13:06.
#[tokio::test(start_paused = true)]
async fn missed_runs_become_what_their_policy_says() {
    let rows = [(Misfire::FireOnce, 2, 3), (Misfire::Skip, 2, 3), (Misfire::CatchUp, 12, 13)];
    for (misfire, woken, next) in rows {
        let world = World::new().await;
        world.order(Order::cron("often", "0/5 * * * ? *", "UTC", misfire)).await;
        world.minutes_pass(6).await;
        world.pass_s(55 * 60).await;
        assert_eq!(world.events("often").await.len(), woken, "{misfire:?}");
        world.minutes_pass(5).await;
        assert_eq!(world.events("often").await.len(), next, "{misfire:?}");
        assert_eq!(world.heard().len(), next, "{misfire:?}");
    }
    let world = World::new().await;
    world.order(Order::cron("often", "0/5 * * * ? *", "UTC", Misfire::Skip)).await;
    world.minutes_pass(6).await;
    // 13:03: the run of 13:00 is more than two sweeps late.
    world.pass_s(57 * 60).await;
    assert_eq!(world.events("often").await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_precise_timer_fires_within_a_second() {
    // Due so soon that the commit sends it, and far off, where a sweep does.
    for seconds in [0, 31, 75, 200, 3_601] {
        let world = World::new().await;
        world.order(Order::precisely("p", seconds)).await;
        for _ in 0..seconds / 60 {
            world.pass_s(60).await;
        }
        world.pass_s(seconds % 60).await;
        assert_eq!(world.heard_at_s(), [seconds], "{seconds}");
        world.minutes_pass(2).await;
        assert_eq!(world.events("p").await.len(), 1, "{seconds}");
    }
}
