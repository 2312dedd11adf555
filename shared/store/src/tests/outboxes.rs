//! The life of an outbox row, and the run a relay publishes.

use super::engine::Engine;
use super::*;
use crate::outbox::{self, Bell, Birth, OutboxRow, Status};
use crate::transition::{self, Refusal};
use crate::{Change, Consistency, Item, NotCommitted, SortKey, Store, Token, Written};
use kernel::{EntityKind, EntityRef, EventId};
use std::time::Duration;

fn birth(sequence: u64) -> Birth {
    Birth {
        scope: tenant(),
        subject: EntityRef::new(EntityKind::Payment, "pi_1"),
        sequence,
        event_id: EventId::from_bytes(u128::from(sequence).to_be_bytes()),
        kind: "payment.created".to_owned(),
        major: 1,
        module: "payment".to_owned(),
        ordered: true,
        priority: "normal".to_owned(),
        public: true,
        facet: None,
        envelope: "{}".to_owned(),
        traceparent: None,
    }
}

async fn born(store: &Store, sequences: std::ops::RangeInclusive<u64>) -> Vec<OutboxRow> {
    let rows: Vec<_> = sequences.map(|n| OutboxRow::born(&birth(n), NOON)).collect();
    for row in &rows {
        let change = row.clone().into_change();
        store.commit(change, &Token::of(&row.sequence.to_be_bytes(), 1)).await.unwrap();
    }
    rows
}

async fn read(store: &Store, row: &OutboxRow) -> OutboxRow {
    store.get(&row.key, Consistency::Strong).await.unwrap().unwrap()
}

async fn due(store: &Store, now: Timestamp) -> usize {
    let mut rows = 0;
    for shard in 0..outbox::DUE_SHARDS {
        rows += store.query_items(&outbox::due(shard, now)).await.unwrap().items.len();
    }
    rows
}

async fn done(store: &Store, update: Update) -> bool {
    matches!(store.update(update).await.unwrap(), Written::Done(_))
}

fn later(seconds: u64) -> Timestamp {
    NOON.plus(Duration::from_secs(seconds))
}

fn refusal() -> Refusal {
    Refusal { code: "throttled".to_owned(), fingerprint: "f1".to_owned() }
}

#[tokio::test(start_paused = true)]
async fn a_row_is_born_pending_due_in_30_s_and_left_to_the_committer_for_500_ms() {
    let (_, store) = Engine::start();
    let row = born(&store, 1..=1).await.remove(0);
    assert_eq!(read(&store, &row).await, row);
    assert_eq!(row.key.sk, SortKey::sequence(1));
    assert!(row.key.pk.text().unwrap().ends_with("#l#AGG#payment#pi_1"));
    assert_eq!(row.partitionkey, format!("{}/l/payment/pi_1", row.tenant()));
    assert_eq!((due(&store, later(29)).await, due(&store, later(30)).await), (0, 1));
    let claim = |ms| transition::claim(&row.key, "r1", NOON.plus(Duration::from_millis(ms)));
    assert!(!done(&store, claim(499)).await);
    assert!(done(&store, claim(500)).await);
    let day = outbox::of_day(&tenant(), "2030-06-01", true);
    let listed = store.query_items(&day).await.unwrap();
    assert_eq!(listed.items.iter().filter_map(Item::key).collect::<Vec<_>>(), [row.key]);
}

#[tokio::test(start_paused = true)]
async fn a_sequence_is_taken_once() {
    let (_, store) = Engine::start();
    born(&store, 1..=1).await;
    let other = Birth { event_id: EventId::from_bytes([9; 16]), ..birth(1) };
    let change = OutboxRow::born(&other, NOON).into_change();
    let outcome = store.commit(change, &Token::of(b"other", 1)).await;
    assert!(matches!(outcome, Err(NotCommitted::Refused { .. })), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_publication_waits_and_is_claimed_again() {
    let (_, store) = Engine::start();
    let row = born(&store, 1..=1).await.remove(0);
    let key = &row.key;
    assert!(done(&store, transition::claim(key, "r1", later(1))).await);
    assert!(!done(&store, transition::claim(key, "r2", later(15))).await);
    let wait = Duration::from_secs(2);
    assert!(!done(&store, transition::back_off(key, "r2", wait, &refusal(), later(2))).await);
    assert!(done(&store, transition::back_off(key, "r1", wait, &refusal(), later(2))).await);
    let waiting = read(&store, &row).await;
    assert_eq!((waiting.status, waiting.attempts), (Status::Pending, 1));
    assert_eq!((waiting.next_attempt_at, waiting.due_at), (Some(later(4)), Some(later(4))));
    assert_eq!((due(&store, later(3)).await, due(&store, later(4)).await), (0, 1));
    assert!(done(&store, transition::claim(key, "r2", later(4))).await);
    // The first relay died while it held its claim; the second takes over.
    assert!(done(&store, transition::claim(key, "r3", later(19))).await);
    assert_eq!(read(&store, &row).await.attempts, 3);
}

#[tokio::test(start_paused = true)]
async fn a_sent_row_is_settled_once_and_no_longer_due() {
    let (_, store) = Engine::start();
    let row = born(&store, 1..=1).await.remove(0);
    assert!(done(&store, transition::mark_sent(&row, Bell::Inline, later(1))).await);
    assert!(!done(&store, transition::mark_sent(&row, Bell::Stream, later(2))).await);
    assert!(!done(&store, transition::claim(&row.key, "r1", later(60))).await);
    let sent = read(&store, &row).await;
    assert_eq!(
        (sent.status, sent.bell, sent.published_at),
        (Status::Sent, Some(Bell::Inline), Some(later(1)))
    );
    assert_eq!(due(&store, later(9999)).await, 0);
    let mut nowhere = row.clone();
    nowhere.key = outbox::key_of(&tenant(), &row.subject, 2);
    assert!(!done(&store, transition::mark_sent(&nowhere, Bell::Inline, later(1))).await);
    // Whoever published before a replay says nothing about it.
    assert!(done(&store, transition::reset(&row.key, Status::Sent, later(3))).await);
    assert!(!done(&store, transition::mark_sent(&row, Bell::Stream, later(4))).await);
}

#[tokio::test(start_paused = true)]
async fn a_failed_row_waits_for_an_operator() {
    let (_, store) = Engine::start();
    let rows = born(&store, 1..=3).await;
    let failed = store.clone();
    let fail = async |row: &OutboxRow| {
        assert!(done(&failed, transition::claim(&row.key, "r1", later(1))).await);
        let fail = transition::fail(&row.key, "r1", &row.kind, &refusal(), later(2));
        assert!(done(&failed, fail).await);
    };
    fail(&rows[0]).await;
    fail(&rows[1]).await;
    let listed = || outbox::failed_of("payment.created");
    assert_eq!(store.query_items(&listed()).await.unwrap().items.len(), 2);
    assert_eq!(due(&store, later(9999)).await, 1);
    assert!(done(&store, transition::reset(&rows[0].key, Status::Failed, later(3))).await);
    assert!(done(&store, transition::skip_failed(&rows[1].key, "known", later(3))).await);
    assert!(!done(&store, transition::skip_failed(&rows[2].key, "no", later(3))).await);
    let (first, second) = (read(&store, &rows[0]).await, read(&store, &rows[1]).await);
    assert_eq!((first.status, first.attempts, first.replay_no), (Status::Pending, 0, 1));
    assert_eq!((second.status, second.status.is_settled()), (Status::Skipped, true));
    assert_eq!(store.query_items(&listed()).await.unwrap().items.len(), 0);
    assert_eq!(due(&store, later(33)).await, 2);
    assert!(done(&store, transition::claim(&rows[2].key, "r1", later(4))).await);
    let skip = transition::skip_exhausted(&rows[2].key, "r1", &refusal(), later(5));
    assert!(done(&store, skip).await);
    let skipped = read(&store, &rows[2]).await;
    assert_eq!(skipped.last_error_code.as_deref(), Some("throttled"));
    assert_eq!(skipped.skip_reason.as_deref(), Some("throttled"));
}

#[tokio::test(start_paused = true)]
async fn a_run_begins_at_the_first_unsettled_row_and_goes_to_the_end() {
    let (_, store) = Engine::start();
    let rows = born(&store, 1..=60).await;
    for row in &rows[..3] {
        assert!(done(&store, transition::mark_sent(row, Bell::Inline, later(1))).await);
    }
    // A row published out of order by a replay is passed over.
    assert!(done(&store, transition::mark_sent(&rows[49], Bell::Inline, later(1))).await);
    let expected: Vec<u64> = (4..=60).filter(|sequence| *sequence != 50).collect();
    for around in [4, 5, 30, 40] {
        let run = outbox::unsettled_run(&store, &rows[0].key.pk, around).await.unwrap();
        assert_eq!(run.iter().map(|row| row.sequence).collect::<Vec<_>>(), expected, "{around}");
    }
    let nothing = outbox::unsettled_run(&store, &tenant().partition("AGG", "none"), 1).await;
    assert_eq!(nothing, Ok(Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_row_far_behind_the_first_unsettled_one_is_no_beginning() {
    let (_, store) = Engine::start();
    let most = outbox::RUN_MAX as u64;
    let rows = born(&store, 1..=most + 1).await;
    let run = |around| outbox::unsettled_run(&store, &rows[0].key.pk, around);
    assert_eq!(run(most + 1).await.unwrap(), []);
    assert_eq!(run(2).await.unwrap().len(), outbox::RUN_MAX);
}

#[tokio::test(start_paused = true)]
async fn rows_of_one_transaction_carry_snapshot_and_clock() {
    let (_, store) = Engine::start();
    let row = OutboxRow::born(&birth(1), NOON)
        .with_snapshot("{\"id\":\"pi_1\"}".to_owned())
        .on_clock("clock_1".to_owned());
    let change = Change::new().append(row.clone().into_change());
    store.commit(change, &Token::of(b"x", 1)).await.unwrap();
    assert_eq!(read(&store, &row).await, row);
}
