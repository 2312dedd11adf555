//! The life of a timer's row, whatever order its writers come in.

use std::time::Duration;

use kernel::ScheduleId;
use kernel::cron::Recurrence;

use super::engine::Engine;
use super::*;
use crate::planted::{self, Bug};
use crate::schedule::{self, Ending, Misfire, Plan, ScheduledEvent, Step, TimerKey};
use crate::{Consistency, Store, Written};

const MINUTE: u64 = 60;

fn timer() -> TimerKey {
    TimerKey::new(TenantId::from_bytes([7; 16]), true, "billing", "remind #1")
}

fn plan(envelope: &str) -> Plan {
    Plan {
        kind: "billing.reminder.came_due".to_owned(),
        major: 1,
        priority: "normal".to_owned(),
        public: false,
        envelope: envelope.to_owned(),
        recurrence: None,
        misfire: Misfire::FireOnce,
        precise: false,
    }
}

fn id(n: u8) -> ScheduleId {
    ScheduleId::from_bytes([n; 16])
}

fn later(seconds: u64) -> Timestamp {
    NOON.plus(Duration::from_secs(seconds))
}

async fn read(store: &Store) -> ScheduledEvent {
    store.get(&timer().key(), Consistency::Strong).await.unwrap().unwrap()
}

async fn done(store: &Store, update: Update) -> bool {
    matches!(store.update(update).await.unwrap(), Written::Done(_))
}

/// How many rows a sweep would find.
async fn due(store: &Store, now: Timestamp) -> usize {
    let mut rows = 0;
    for shard in 0..crate::outbox::DUE_SHARDS {
        rows += store.query_items(&schedule::due(shard, now)).await.unwrap().items.len();
    }
    rows
}

const FIRE_ONCE: Step = Step::Fire { events: 1, next: None };

#[tokio::test(start_paused = true)]
async fn a_timer_is_due_at_its_time_and_over_once_fired() {
    let (_, store) = Engine::start();
    assert!(done(&store, timer().put(id(1), &plan("a"), later(60))).await);
    let row = read(&store).await;
    assert_eq!((row.id, row.version, row.due_at()), (id(1), 1, Some(later(60))));
    assert_eq!((row.module.as_str(), row.name.as_str()), ("billing", "remind #1"));
    assert!(row.key.pk.text().unwrap().ends_with("#l#SCH#billing#remind %231"));
    assert_eq!((due(&store, later(59)).await, due(&store, later(60)).await), (0, 1));
    assert_eq!((row.step(later(59)), row.step(later(60))), (Step::Wait(later(60)), FIRE_ONCE));
    assert!(done(&store, row.fire(1, None, later(60))).await);
    let over = read(&store).await;
    assert_eq!((over.ended, over.ended_at, over.fired), (Some(Ending::Fired), Some(later(60)), 1));
    assert_eq!((over.plan.as_ref(), over.due_at(), over.step(later(90))), (None, None, Step::Over));
    assert_eq!(due(&store, later(90)).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_double_sweep_fires_once() {
    let (_, store) = Engine::start();
    assert!(done(&store, timer().put(id(1), &plan("a"), later(60))).await);
    let (one, other) = (read(&store).await, read(&store).await);
    assert!(done(&store, one.fire(1, None, later(61))).await);
    assert!(!done(&store, other.fire(1, None, later(62))).await);
}

#[tokio::test(start_paused = true)]
async fn a_put_leaves_a_scheduled_timer_alone_and_revives_one_that_is_over() {
    let (_, store) = Engine::start();
    assert!(done(&store, timer().put(id(1), &plan("a"), later(60))).await);
    assert!(done(&store, timer().put(id(2), &plan("b"), later(30))).await);
    let row = read(&store).await;
    assert_eq!((row.id, row.due_at(), row.plan.clone()), (id(1), Some(later(60)), Some(plan("a"))));
    assert!(done(&store, row.fire(1, None, later(60))).await);
    assert!(done(&store, timer().put(id(3), &plan("c"), later(90))).await);
    let row = read(&store).await;
    // One timer keeps its id and counts on: its events are one dense sequence.
    assert_eq!((row.id, row.fired, row.ended), (id(1), 1, None));
    assert_eq!((row.due_at(), row.plan), (Some(later(90)), Some(plan("c"))));
    let item = store.get_item(&crate::PLATFORM, &timer().key(), Consistency::Strong).await;
    assert!(item.unwrap().unwrap().get("expires_at").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_replacement_takes_the_place_of_whatever_is_scheduled() {
    let (_, store) = Engine::start();
    let debounce = timer().debounce(id(1), &plan("a"), later(30), later(40));
    assert!(done(&store, debounce).await);
    assert!(done(&store, timer().replace(id(2), &plan("b"), later(90))).await);
    let row = read(&store).await;
    assert_eq!((row.due_at(), row.max_due_at, row.plan), (Some(later(90)), None, Some(plan("b"))));
    assert_eq!((due(&store, later(89)).await, due(&store, later(90)).await), (0, 1));
}

/// Seconds of each call, and when the timer with a wait of 30 s and at most 100 s is due.
#[tokio::test(start_paused = true)]
async fn a_debounced_timer_is_put_off_up_to_its_latest() {
    let rows: [(&[u64], u64); 5] = [
        (&[0], 30),
        (&[0, 29], 59),
        (&[0, 25, 50], 80),
        (&[0, 25, 50, 75], 100),
        (&[0, 25, 50, 75, 99], 100),
    ];
    for (calls, expected) in rows {
        let (_, store) = Engine::start();
        for at in calls {
            let plan = plan(&at.to_string());
            let update = timer().debounce(id(1), &plan, later(at + 30), later(at + 100));
            assert!(done(&store, update).await);
        }
        let row = read(&store).await;
        assert_eq!(row.due_at(), Some(later(expected)), "{calls:?}");
        assert_eq!(row.plan.clone().unwrap().envelope, calls.last().unwrap().to_string());
        // The index still says when the first call was due: the sweep of then has it look again.
        assert_eq!((due(&store, later(29)).await, due(&store, later(30)).await), (0, 1));
        if expected > 30 {
            assert_eq!(row.step(later(30)), Step::Wait(later(expected)));
            assert!(done(&store, row.look_again(later(expected))).await);
            assert_eq!(due(&store, later(expected - 1)).await, 0);
        }
        assert_eq!(due(&store, later(expected)).await, 1);
        let row = read(&store).await;
        assert_eq!(row.step(later(expected)), FIRE_ONCE);
        assert!(done(&store, row.fire(1, None, later(expected))).await);
        // The next call starts anew.
        let update = timer().debounce(id(2), &plan("z"), later(330), later(400));
        assert!(done(&store, update).await);
        assert_eq!(read(&store).await.due_at(), Some(later(330)));
    }
}

#[tokio::test(start_paused = true)]
async fn whichever_commits_first_of_cancelling_and_firing_wins() {
    let (_, store) = Engine::start();
    assert!(done(&store, timer().put(id(1), &plan("a"), later(60))).await);
    let read_before = read(&store).await;
    assert!(done(&store, timer().cancel(id(2), later(60))).await);
    assert!(!done(&store, read_before.fire(1, None, later(61))).await);
    let row = read(&store).await;
    assert_eq!((row.ended, row.step(later(61)), due(&store, later(61)).await), CANCELLED);
    assert!(done(&store, timer().put(id(3), &plan("b"), later(90))).await);
    let row = read(&store).await;
    assert!(done(&store, row.fire(1, None, later(90))).await);
    assert!(done(&store, timer().cancel(id(4), later(91))).await);
    let row = read(&store).await;
    assert_eq!((row.ended, row.ended_at), (Some(Ending::Fired), Some(later(90))));
}

const CANCELLED: (Option<Ending>, Step, usize) = (Some(Ending::Cancelled), Step::Over, 0);

#[tokio::test(start_paused = true)]
async fn cancelling_what_never_was_leaves_a_row_that_says_so() {
    let (_, store) = Engine::start();
    assert!(done(&store, timer().cancel(id(1), NOON)).await);
    let row = read(&store).await;
    assert_eq!((row.ended, row.step(later(61)), due(&store, later(61)).await), CANCELLED);
    assert!(done(&store, timer().put(id(2), &plan("a"), later(60))).await);
    assert_eq!(read(&store).await.due_at(), Some(later(60)));
}

#[tokio::test(start_paused = true)]
async fn a_debounce_between_read_and_firing_is_not_lost() {
    let (_, store) = Engine::start();
    let call = |at: u64| timer().debounce(id(1), &plan("a"), later(at + 30), later(at + 300));
    assert!(done(&store, call(0)).await);
    let read_before = read(&store).await;
    assert!(done(&store, call(30)).await);
    assert!(!done(&store, read_before.fire(1, None, later(31))).await);
    assert!(!done(&store, read_before.look_again(later(500))).await);
    assert_eq!(read(&store).await.step(later(31)), Step::Wait(later(60)));
}

#[tokio::test(start_paused = true)]
async fn a_recurring_timer_is_armed_for_its_next_run_by_the_write_that_fires_it() {
    let (_, store) = Engine::start();
    let times = Recurrence::utc("0/5 * * * ? *").unwrap();
    let plan = Plan { recurrence: Some(times), ..plan("a") };
    assert!(done(&store, timer().put(id(1), &plan, later(5 * MINUTE))).await);
    let row = read(&store).await;
    let now = later(5 * MINUTE + 7);
    let Step::Fire { events: 1, next } = row.step(now) else { panic!("it is due") };
    assert_eq!(next, Some(later(10 * MINUTE)));
    assert!(done(&store, row.fire(1, next, now)).await);
    assert!(!done(&store, row.fire(1, next, now)).await);
    let row = read(&store).await;
    assert_eq!((row.due_at(), row.fired, row.ended), (next, 1, None));
    assert_eq!((due(&store, later(599)).await, due(&store, later(600)).await), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_precise_timer_is_looked_at_early() {
    let (_, store) = Engine::start();
    let plan = Plan { precise: true, ..plan("a") };
    assert!(done(&store, timer().put(id(1), &plan, later(600))).await);
    assert_eq!((due(&store, later(524)).await, due(&store, later(525)).await), (0, 1));
    assert_eq!(read(&store).await.step(later(525)), Step::Wait(later(600)));
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_cannot_be_fired_is_given_up_after_its_attempts() {
    let (_, store) = Engine::start();
    assert!(done(&store, timer().put(id(1), &plan("a"), later(60))).await);
    for attempt in 1..=schedule::ATTEMPTS_MAX {
        let row = read(&store).await;
        assert_eq!((row.attempts, row.ended), (attempt - 1, None));
        assert!(done(&store, row.fail("unreadable_event", later(60))).await);
    }
    let row = read(&store).await;
    assert_eq!(
        (row.ended, row.last_error_code.as_deref()),
        (Some(Ending::Failed), Some("unreadable_event"))
    );
    assert_eq!(due(&store, later(61)).await, 0);
    assert!(done(&store, timer().put(id(2), &plan("b"), later(90))).await);
    let row = read(&store).await;
    assert_eq!((row.ended, row.attempts, row.last_error_code), (None, 0, None));
}

#[tokio::test(start_paused = true)]
async fn the_planted_bug_fires_what_was_cancelled() {
    let (_, store) = Engine::start();
    assert!(done(&store, timer().put(id(1), &plan("a"), later(60))).await);
    let read_before = read(&store).await;
    assert!(done(&store, timer().cancel(id(2), later(60))).await);
    let _bug = planted::plant(Bug::CancelledTimerFires);
    assert!(done(&store, read_before.fire(1, None, later(61))).await);
}
