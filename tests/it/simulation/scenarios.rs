//! Acceptance scenarios of the backbone, one by one.

use std::time::Duration;

use local::fault::{DeliveryFault, Fault, FaultPlan};
use store::inbox::State;
use store::outbox::{Bell, Status};

use super::course::HIDDEN_MS;
use super::drive::{Stage, live, on_stage};
use super::harm::Harm;
use super::judge::judge;
use super::operator;
use super::plan::{Ask, Plan, Step};
use super::rows::Rows;
use super::world::listener::{COUNT, ENDS, FOLLOW, FOLLOW_SKIPPING, HAND_OFF, MIRROR, PROMPT};
use super::world::outside::{self, Fate, How};

const SETTINGS: &str = "world.advance_settings";
/// What a queue hides a message for: six times the timeout of a listener.
const VISIBILITY: Duration = Duration::from_secs(180);

fn ask(ordered: bool, number: u8, events: u8, key: u32) -> Ask {
    Ask { ordered, tenant: 0, number, events, key }
}

fn plan(asks: Vec<Ask>) -> Plan {
    Plan::calm(3, asks)
}

fn fate(listener: &str, number: u8, step: Option<u64>, how: How) -> Fate {
    Fate { listener: Some(listener.to_owned()), number: Some(number), step, how }
}

/// The third call of the endpoint is its doorbell.
fn silent_inline() -> Harm {
    Harm::CallOf(SETTINGS.to_owned(), 3, Fault::ErrorBefore)
}

/// Asks and waits for whatever can happen now.
async fn happen(stage: &mut Stage, asks: Vec<Ask>) {
    stage.step(Step::Ask(asks)).await;
    stage.answered().await;
}

/// Lets so many seconds pass, with the sweeps of every minute.
async fn pass(stage: &mut Stage, seconds: u64) {
    for _ in 0..seconds {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stage.platform.tick().await;
    }
}

#[test]
fn one_fact_three_doorbells() {
    let rung = |inline: bool, stream: bool, swept: bool| -> Rows {
        let mut plan = plan(Vec::new());
        plan.harms = if inline { Vec::new() } else { vec![silent_inline()] };
        on_stage(&plan, async |mut stage| {
            stage.step(Step::Stream(stream)).await;
            happen(&mut stage, vec![ask(false, 0, 1, 1)]).await;
            pass(&mut stage, if swept { 91 } else { 1 }).await;
            stage.rows().await
        })
    };
    let table = [
        ((true, false, false), Some(Bell::Inline)),
        ((false, true, false), Some(Bell::Stream)),
        ((false, false, true), Some(Bell::Sweeper)),
        ((true, true, true), Some(Bell::Inline)),
        ((false, false, false), None),
    ];
    for ((inline, stream, swept), bell) in table {
        let rows = rung(inline, stream, swept);
        assert_eq!(rows.events("a0")[0].bell, bell, "{inline} {stream} {swept}");
        let expected: &[u64] = if bell.is_some() { &[1] } else { &[] };
        assert_eq!(rows.noted(COUNT, "a0"), expected, "{inline} {stream} {swept}");
    }
}

#[test]
fn rollback_announces_nothing() {
    on_stage(&plan(Vec::new()), async |mut stage| {
        let faults = vec![Fault::Conflict];
        let plan = FaultPlan::Random { seed: 1, per_mille: 1_000, faults };
        stage.platform.cloud().faults().inject(plan);
        happen(&mut stage, vec![ask(true, 0, 3, 1)]).await;
        assert_eq!(stage.last_status(), 409);
        stage.come_to_rest().await;
        let rows = stage.rows().await;
        assert!(rows.things.is_empty() && rows.outbox.is_empty() && rows.inbox.is_empty());
        assert!(rows.heard.iter().all(Vec::is_empty), "nothing is published");
    });
}

#[test]
fn stuck_in_progress_frees_itself() {
    let mut plan = plan(Vec::new());
    plan.harms = vec![Harm::CallOf(HAND_OFF.to_owned(), 1, Fault::CrashAfter)];
    on_stage(&plan, async |mut stage| {
        happen(&mut stage, vec![ask(false, 0, 1, 1)]).await;
        let claimed = stage.rows().await;
        let inbox = claimed.inbox_of(HAND_OFF, "a0", 1).expect("a claim");
        assert_eq!(inbox.state, State::InProgress);
        pass(&mut stage, VISIBILITY.as_secs() + 1).await;
        let freed = stage.rows().await;
        assert_eq!(freed.inbox_of(HAND_OFF, "a0", 1).expect("a row").state, State::Done);
        assert_eq!(freed.noted(HAND_OFF, "a0"), [1]);
    });
}

#[test]
fn outbox_row_never_stuck() {
    let mut plan = plan(Vec::new());
    // The stream's relay reads the row, waits for the grace, reads it again, claims it, and dies.
    let dies = Harm::CallOf("platform.relay_stream".to_owned(), 4, Fault::CrashBefore);
    plan.harms = vec![silent_inline(), dies];
    on_stage(&plan, async |mut stage| {
        happen(&mut stage, vec![ask(false, 0, 1, 1)]).await;
        let claimed = stage.rows().await;
        assert_eq!(claimed.events("a0")[0].status, Status::Processing);
        pass(&mut stage, 90).await;
        let rows = stage.rows().await;
        let row = rows.events("a0")[0];
        assert_eq!(row.status, Status::Sent);
        assert!(row.published_at.is_some_and(|at| at.since(row.created_at).as_secs() <= 90));
    });
}

#[test]
fn concurrent_writers_and_racing_relays_keep_every_aggregate_in_order() {
    for seed in 0..6 {
        let asks = (0..9).map(|n| ask(true, n % 3, 1 + n % 2, u32::from(n))).collect();
        let mut plan = Plan { seed, ..plan(Vec::new()) };
        plan.steps = vec![Step::Ask(asks), Step::Pass(31_000), Step::Tick, Step::Tick];
        let slow = |function: &str, nth| {
            Harm::CallOf(function.to_owned(), nth, Fault::Delay(40 * (seed + nth)))
        };
        plan.harms = (2..9).map(|nth| slow("platform.relay_stream", nth)).collect();
        plan.harms.extend((3..14).map(|nth| slow("world.advance_swap", nth)));
        let life = live(&plan);
        assert_eq!(judge(&life).0, [], "seed {seed}");
        for entity in ["a0", "a1", "a2"] {
            let count = life.rows.events(entity).len() as u64;
            let all: Vec<u64> = (1..=count).collect();
            assert_eq!(life.rows.noted(FOLLOW, entity), all, "seed {seed}");
        }
    }
}

#[test]
fn batch_goes_on_after_failure() {
    let mut plan = plan(Vec::new());
    plan.fates = vec![fate(FOLLOW, 0, Some(2), How::Fails(1))];
    on_stage(&plan, async |mut stage| {
        stage.platform.mappings().enable(FOLLOW, false);
        happen(&mut stage, vec![ask(true, 0, 3, 1)]).await;
        happen(&mut stage, vec![ask(true, 1, 2, 2)]).await;
        stage.platform.mappings().enable(FOLLOW, true);
        stage.platform.settle().await;
        let rows = stage.rows().await;
        assert_eq!(rows.noted(FOLLOW, "a0"), [1], "the rest of its group came back");
        assert_eq!(rows.noted(FOLLOW, "a1"), [1, 2], "another group went on");
        stage.come_to_rest().await;
        assert_eq!(stage.rows().await.noted(FOLLOW, "a0"), [1, 2, 3]);
    });
}

#[test]
fn timeout_is_not_a_multiplier() {
    let mut plan = plan(Vec::new());
    plan.fates = vec![fate(COUNT, 0, None, How::Slow(9_000))];
    on_stage(&plan, async |mut stage| {
        stage.platform.mappings().enable(COUNT, false);
        for key in 0..3 {
            happen(&mut stage, vec![ask(false, 0, 3, key)]).await;
        }
        stage.platform.mappings().enable(COUNT, true);
        assert!(stage.come_to_rest().await);
        let rows = stage.rows().await;
        let mut noted = rows.noted(COUNT, "a0");
        noted.sort_unstable();
        assert_eq!(noted, (1..=9).collect::<Vec<u64>>());
        for row in rows.events("a0") {
            assert_eq!(outside::meetings(COUNT, &row.event_id.to_string()), 1, "{}", row.sequence);
        }
    });
}

#[test]
fn throttled_poll_does_not_kill() {
    let mut plan = plan(vec![ask(false, 0, 1, 1)]);
    let lost = |n| Harm::DeliveryOf(COUNT.to_owned(), n, DeliveryFault::Lost);
    plan.harms = (1..=8).map(lost).collect();
    plan.steps.extend((0..8).map(|_| Step::Pass(HIDDEN_MS)));
    let life = live(&plan);
    assert_eq!(judge(&life).0, []);
    assert_eq!(life.rows.noted(COUNT, "a0"), [1]);
    assert!(life.rows.dead.is_empty(), "{:?}", life.rows.dead);
    assert!(life.span >= 8 * VISIBILITY, "every poll before the last was throttled");
}

#[test]
fn ack_after_effect_no_double() {
    let mut plan = plan(vec![ask(false, 0, 1, 1)]);
    plan.harms = vec![Harm::CallOf(COUNT.to_owned(), 1, Fault::CrashAfter)];
    let life = live(&plan);
    assert_eq!(judge(&life).0, []);
    assert_eq!(life.rows.noted(COUNT, "a0"), [1]);
    assert!(life.span >= VISIBILITY, "the message came a second time");
}

#[test]
fn poison_isolated() {
    let mut plan = plan(vec![ask(true, 0, 3, 1), ask(true, 1, 3, 2)]);
    plan.fates = vec![fate(FOLLOW, 0, Some(1), How::Poison)];
    let life = live(&plan);
    assert_eq!(judge(&life).0, []);
    let state = |nth| life.rows.inbox_of(FOLLOW, "a0", nth).expect("a row").state;
    assert_eq!([state(1), state(2), state(3)], [State::Failed, State::Parked, State::Parked]);
    for row in life.rows.events("a1") {
        let inbox = life.rows.inbox_of(FOLLOW, "a1", row.sequence).expect("a row");
        let done = inbox.consumed_at.expect("it is done");
        assert!(done.since(row.created_at) <= VISIBILITY, "{}", row.sequence);
    }
    let repaired = life.repaired.expect("an operator's work");
    assert_eq!(repaired.noted(FOLLOW, "a0"), [1, 2, 3], "in sequence after the retry");
}

#[test]
fn replay_inside_five_minutes() {
    for (listener, force, times) in
        [(None, false, 1), (Some(MIRROR), false, 1), (Some(MIRROR), true, 2)]
    {
        on_stage(&plan(Vec::new()), async |mut stage| {
            happen(&mut stage, vec![ask(true, 0, 1, 1)]).await;
            pass(&mut stage, 10).await;
            let listener = listener.map(str::to_owned);
            stage.step(Step::Replay { which: 0, listener: listener.clone(), force }).await;
            stage.answered().await;
            stage.come_to_rest().await;
            let rows = stage.rows().await;
            assert_eq!(rows.noted(MIRROR, "a0").len(), times, "{listener:?} {force}");
            let published = rows.heard[1].len();
            assert_eq!(published, if listener.is_none() { 2 } else { 1 }, "{listener:?} {force}");
        });
    }
}

#[test]
fn gap_of_foreign_types() {
    on_stage(&plan(Vec::new()), async |mut stage| {
        happen(&mut stage, vec![ask(true, 0, 3, 1)]).await;
        happen(&mut stage, vec![ask(true, 0, 2, 2)]).await;
        let rows = stage.rows().await;
        assert_eq!(rows.noted(ENDS, "a0"), [1, 4, 5], "without waiting for 2 and 3");
    });
}

#[test]
fn dlq_has_a_way_back() {
    let mut plan = plan(Vec::new());
    plan.fates = vec![fate(COUNT, 0, None, How::Hopeless), fate(FOLLOW, 0, Some(1), How::Hopeless)];
    on_stage(&plan, async |mut stage| {
        happen(&mut stage, vec![ask(false, 0, 1, 1), ask(true, 0, 2, 2)]).await;
        assert!(stage.come_to_rest().await);
        for listener in [COUNT, FOLLOW] {
            let shown = operator::dead(&stage.platform, listener).await;
            assert_eq!(shown.len(), 1, "{listener}");
            assert_eq!(shown[0]["error_code"], "outside_hopeless", "{}", shown[0]);
        }
        let passed = operator::skip_dead(&stage.platform, FOLLOW, "swap/a0/1").await;
        passed.expect("an operator may pass over it");
        stage.repair().await;
        assert!(stage.come_to_rest().await);
        let rows = stage.rows().await;
        assert_eq!(rows.noted(COUNT, "a0"), [1], "sent again");
        assert_eq!(rows.noted(FOLLOW, "a0"), [2], "passed over, and the next one follows");
        let deeds = rows.outbox.iter().filter(|row| row.kind == "ops.action.performed");
        assert_eq!(deeds.count(), 2, "each is announced");
    });
}

#[test]
fn a_fault_of_one_row_leaves_the_others_of_its_sweep() {
    const SWEEP: &str = "platform.relay_sweep";
    let swept = |faulty: Option<u64>| {
        let mut plan = plan(Vec::new());
        // The third call of every request is its doorbell.
        let silent = |nth| Harm::CallOf(SETTINGS.to_owned(), nth, Fault::ErrorBefore);
        plan.harms = [3, 6, 9].map(silent).to_vec();
        plan.harms.extend(faulty.map(|nth| Harm::CallOf(SWEEP.to_owned(), nth, Fault::Throttle)));
        on_stage(&plan, async |mut stage| {
            stage.step(Step::Stream(false)).await;
            for number in 0..3 {
                happen(&mut stage, vec![ask(false, number, 1, number.into())]).await;
            }
            pass(&mut stage, 61).await;
            let rows = stage.rows().await;
            let sent = rows.outbox.iter().filter(|row| row.status == Status::Sent).count();
            (sent, stage.calls_of(SWEEP, "UpdateItem"))
        })
    };
    let (sent, claims) = swept(None);
    assert_eq!((sent, claims.is_empty()), (3, false));
    for claim in claims {
        assert!(swept(Some(claim)).0 >= 2, "call {claim}");
    }
}

#[test]
fn where_the_listener_skips_a_lost_event_holds_its_entity_up_for_a_while_only() {
    on_stage(&plan(Vec::new()), async |mut stage| {
        stage.platform.mappings().enable(FOLLOW_SKIPPING, false);
        happen(&mut stage, vec![ask(true, 0, 1, 1)]).await;
        let queue = "talaria-local-world-follow_skipping.fifo";
        stage.platform.cloud().queues().purge(queue).expect("a queue");
        stage.platform.mappings().enable(FOLLOW_SKIPPING, true);
        happen(&mut stage, vec![ask(true, 0, 2, 2)]).await;
        stage.come_to_rest().await;
        let rows = stage.rows().await;
        let gap = rows.inbox_of(FOLLOW_SKIPPING, "a0", 2).expect("a row");
        assert_eq!(gap.last_error_code.as_deref(), Some("sequence_gap"));
        assert_eq!(rows.noted(FOLLOW_SKIPPING, "a0"), [3], "it goes on without both");
    });
}

#[test]
fn who_loses_a_claim_never_says_that_it_is_done() {
    let mut plan = plan(vec![ask(false, 0, 1, 1)]);
    plan.fates = vec![fate(PROMPT, 0, Some(1), How::Fails(1))];
    // The committing function has claimed the event and fails; its note of that comes late. The queued
    // copy's transaction falls into the claim, and whatever it wrote next would come after the note.
    let late =
        |function: &str, nth, by_ms| Harm::CallOf(function.to_owned(), nth, Fault::Delay(by_ms));
    let copy = Harm::DeliveryOf(PROMPT.to_owned(), 1, DeliveryFault::Late(20));
    plan.harms = vec![copy, late(SETTINGS, 6, 100), late(PROMPT, 2, 100)];
    let life = live(&plan);
    assert_eq!(judge(&life).0, []);
    assert_eq!(life.rows.noted(PROMPT, "a0"), [1]);
}
