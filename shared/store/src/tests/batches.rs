//! Collected events and the heads of their batches.

use std::time::Duration;

use kernel::EventId;

use super::engine::Engine;
use super::*;
use crate::collected::{self, Batches, Collected, Head};
use crate::lease::{self, Lease};
use crate::planted::{self, Bug};
use crate::{Change, Consistency, NotCommitted, Store, Token, Written};

fn batches() -> Batches {
    Batches::new(TenantId::from_bytes([7; 16]), true, "stats.on_sale")
}

fn event(n: u8) -> EventId {
    EventId::from_bytes([n; 16])
}

fn later(seconds: u64) -> Timestamp {
    NOON.plus(Duration::from_secs(seconds))
}

async fn commit(store: &Store, change: Change) -> Result<(), NotCommitted> {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let cause = NEXT.fetch_add(1, std::sync::atomic::Ordering::SeqCst).to_be_bytes();
    store.commit(change, &Token::of(&cause, 0)).await.map(|_| ())
}

async fn keep(store: &Store, n: u8, now: Timestamp) {
    let change = batches().keep(event(n), "{}", now.plus(Duration::from_secs(300)), now);
    commit(store, change).await.unwrap();
}

async fn head(store: &Store) -> Head {
    store.get(&batches().head(), Consistency::Strong).await.unwrap().unwrap()
}

async fn waiting(store: &Store, behind: Option<EventId>) -> Vec<Collected> {
    store.query(&batches().behind(behind, 10)).await.unwrap().items
}

async fn done(store: &Store, update: Update) -> bool {
    matches!(store.update(update).await.unwrap(), Written::Done(_))
}

async fn lease(store: &Store, holder: &str, now: Timestamp) -> Lease {
    let span = Duration::from_secs(55);
    lease::acquire(store, "on_due", holder, span, now).await.unwrap().unwrap()
}

#[tokio::test(start_paused = true)]
async fn events_wait_in_order_for_the_tick_of_the_first() {
    let (_, store) = Engine::start();
    keep(&store, 2, NOON).await;
    keep(&store, 1, later(100)).await;
    keep(&store, 2, later(200)).await;
    let ids = |rows: Vec<Collected>| rows.iter().map(|row| row.event_id).collect::<Vec<_>>();
    assert_eq!(ids(waiting(&store, None).await), [event(1), event(2)]);
    assert_eq!(ids(waiting(&store, Some(event(1))).await), [event(2)]);
    let head = head(&store).await;
    assert_eq!((head.due_at, head.version, head.run, head.open), (Some(later(300)), 3, 0, false));
}

#[tokio::test(start_paused = true)]
async fn a_hand_out_is_made_again_unless_it_is_closed() {
    let (_, store) = Engine::start();
    keep(&store, 1, NOON).await;
    let lease = lease(&store, "a", later(300)).await;
    let change = collected::hand_out(&[head(&store).await], &lease, later(300));
    commit(&store, change).await.unwrap();
    let out = head(&store).await;
    assert_eq!((out.run, out.open, out.due_at), (1, true, Some(later(1_200))));
    assert!(out.is_open(1) && !out.is_open(0) && !out.is_open(2));
    assert!(done(&store, out.rest()).await);
    let at_rest = head(&store).await;
    assert_eq!((at_rest.open, at_rest.due_at), (false, None));
    assert!(!at_rest.is_open(1));
    keep(&store, 2, later(400)).await;
    assert_eq!(head(&store).await.due_at, Some(later(700)));
}

#[tokio::test(start_paused = true)]
async fn a_head_finds_no_rest_while_something_new_waits() {
    let (_, store) = Engine::start();
    keep(&store, 1, NOON).await;
    let lease = lease(&store, "a", later(300)).await;
    commit(&store, collected::hand_out(&[head(&store).await], &lease, later(300))).await.unwrap();
    let out = head(&store).await;
    keep(&store, 2, later(301)).await;
    assert!(!done(&store, out.rest()).await);
    assert!(done(&store, out.postpone(later(600))).await);
    let postponed = head(&store).await;
    assert_eq!((postponed.open, postponed.due_at), (false, Some(later(600))));
    commit(&store, collected::hand_out(&[postponed], &lease, later(600))).await.unwrap();
    // The job of the first hand-out comes late: the second is not its own to close.
    assert!(!done(&store, out.postpone(later(900))).await);
}

#[tokio::test(start_paused = true)]
async fn an_event_is_taken_once() {
    let (_, store) = Engine::start();
    keep(&store, 1, NOON).await;
    let rows = waiting(&store, None).await;
    commit(&store, collected::taken(&rows)).await.unwrap();
    let refused = commit(&store, collected::taken(&rows)).await;
    let label = Some(collected::LABEL);
    assert!(matches!(refused, Err(NotCommitted::Refused { label: at, .. }) if at == label));
    assert!(!done(&store, rows[0].failing("late")).await);
}

/// A sweep that slept past its lease and the one that followed it: what each may hand out.
#[tokio::test(start_paused = true)]
async fn a_sweep_that_slept_past_its_lease_hands_out_nothing() {
    for bug in [None, Some(Bug::UnfencedLease)] {
        let (_, store) = Engine::start();
        keep(&store, 1, NOON).await;
        let slept = lease(&store, "a", later(300)).await;
        let read_before = head(&store).await;
        let follower = lease(&store, "b", later(360)).await;
        assert!(follower.fence() > slept.fence());
        let change = collected::hand_out(&[head(&store).await], &follower, later(360));
        commit(&store, change).await.unwrap();
        assert!(done(&store, head(&store).await.rest()).await);
        keep(&store, 2, later(361)).await;
        let _planted = bug.map(planted::plant);
        let late = collected::hand_out(&[read_before], &slept, later(362));
        let outcome = commit(&store, late).await;
        // With the bug a closed batch is open again, before the next one is due.
        assert_eq!(
            (outcome.is_ok(), head(&store).await.is_open(1)),
            (bug.is_some(), bug.is_some())
        );
    }
}
