//! Replays of ranges that only the archive still keeps.

use std::io::{Read, Write};
use std::time::Duration;

use contracts::platform::{self as api, DeadLetter, Plan, ReplayState, ReplayView};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use kernel::{EventId, Page, TenantId, Timestamp};
use local::Options;
use local::fault::Fault;
use serde_json::{Value, json};
use store::{Consistency, OUTBOX, Scope};

use super::demo::{HAPPENED, LISTENER, MOVED, ORDERED, PATIENT, QUIET};
use super::desk::{Desk, REASON, TENANT};

const BUCKET: &str = "talaria-local-archive";
const JOB: &str = "platform.replay_run";
const DAY: Duration = Duration::from_secs(24 * 3600);
const HOUR: Duration = Duration::from_secs(3600);

/// A platform with an archive, at noon.
async fn archiving() -> Desk {
    Desk::start(Options::in_memory().archiving()).await
}

/// Days go by, and what expires is gone.
async fn days_pass(desk: &Desk, count: u32) {
    desk.pass(count * DAY).await;
    assert_eq!(desk.cloud().violations(), []);
}

/// A range of an hour before and after this instant.
fn around(at: Timestamp, only: &str) -> Value {
    around_for(LISTENER, at, only)
}

fn around_for(listener: &str, at: Timestamp, only: &str) -> Value {
    json!({
        "listener": listener, "from": at.minus(HOUR), "to": at.plus(HOUR), "tenant_id": TENANT,
        "only": only,
    })
}

/// The range is replayed to its end.
async fn replayed(desk: &Desk, request: Value, key: &str) -> ReplayView {
    let plan: Plan = desk.does(&api::REPLAY_START, request, key).await;
    let request = json!({ "replay_id": plan.replay_id });
    for _ in 0..30 {
        desk.minutes_pass(1).await;
        let view: ReplayView = desk.asks(&api::REPLAY_GET, request.clone()).await;
        if view.state.is_over() {
            assert_eq!(view.state, ReplayState::Done);
            return view;
        }
    }
    panic!("the replay does not end");
}

fn sorted(mut words: Vec<String>) -> Vec<String> {
    words.sort();
    words
}

/// The lines of what happened in the archive of the first day.
fn lines(desk: &Desk) -> Vec<Value> {
    let objects = desk.cloud().objects();
    let mut found = Vec::new();
    for name in objects.keys(BUCKET, "archive/dt=2030-06-01/") {
        let file = objects.get(BUCKET, &name).unwrap();
        let mut text = String::new();
        GzDecoder::new(file.as_ref()).read_to_string(&mut text).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        found.extend(lines.filter(|line| line["envelope"]["type"] == HAPPENED.spec.name));
    }
    found
}

/// The line of another event of the same kind, a moment later.
fn another(line: &Value, what: &str) -> Value {
    let mut line = line.clone();
    let id: EventId = line["envelope"]["id"].as_str().unwrap().parse().unwrap();
    let entropy = [what.len() as u8; 10];
    line["envelope"]["id"] = json!(EventId::new(id.created_at().plus(HOUR / 2), entropy));
    line["envelope"]["data"]["what"] = json!(what);
    line
}

fn packed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// Puts a file into the archive.
async fn put(desk: &Desk, name: &str, file: Vec<u8>) {
    let sdk = desk.ports().sdk_config("");
    let config = aws_sdk_s3::config::Builder::from(&sdk).force_path_style(true).build();
    let client = aws_sdk_s3::Client::from_conf(config);
    let put = client.put_object().bucket(BUCKET).key(format!("archive/{name}"));
    put.body(file.into()).send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_range_the_outbox_has_forgotten_is_replayed_from_the_archive() {
    let desk = archiving().await;
    let noon = desk.now();
    desk.many(3).await;
    days_pass(&desk, 40).await;
    let outbox = store::outbox::of_day(&Scope::tenant(TENANT).mode(true), &noon.day(), false);
    assert_eq!(desk.items(outbox).await.len(), 0);
    desk.handled().await;
    for key in ["k1", "k2"] {
        let view = replayed(&desk, around(noon, "all"), key).await;
        assert_eq!((view.seen, view.sent, view.passed_over, view.unreadable), (3, 3, 0, 0));
        assert_eq!(sorted(desk.handled().await), ["n0", "n1", "n2"]);
    }
    let view = replayed(&desk, around(noon.plus(3 * HOUR), "all"), "k3").await;
    assert_eq!((view.seen, view.sent), (0, 0), "out of the range");
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_from_the_archive_is_what_was_published() {
    let desk = archiving().await;
    let noon = desk.now();
    desk.happens("ä \"quoted\" \\ line").await;
    let outbox = store::outbox::of_day(&Scope::tenant(TENANT).mode(true), &noon.day(), false);
    let key = desk.items(outbox).await.remove(0).key().unwrap();
    let store = &desk.ports().store;
    let row = store.get_item(&OUTBOX, &key, Consistency::Strong).await.unwrap().unwrap();
    let envelope = row.text("envelope").unwrap().to_owned();
    days_pass(&desk, 40).await;
    desk.mappings().enable(LISTENER, false);
    replayed(&desk, around(noon, "all"), "k").await;
    let messages = desk.waiting(LISTENER);
    assert_eq!((messages.len(), &messages[0].body), (1, &envelope));
}

#[tokio::test(start_paused = true)]
async fn a_range_across_the_border_is_read_from_both() {
    let desk = archiving().await;
    let noon = desk.now();
    desk.happens("old").await;
    days_pass(&desk, 10).await;
    desk.happens("middle").await;
    days_pass(&desk, 25).await;
    desk.handled().await;
    let mut request = around(noon, "all");
    request["to"] = json!(noon.plus(30 * DAY));
    let tried: Plan = desk.tries(&api::REPLAY_START, request.clone()).await;
    assert!(tried.steps[0].change.contains("before 2030-06-09"), "{tried:?}");
    let view = replayed(&desk, request, "k").await;
    assert_eq!((view.seen, view.sent), (2, 2));
    assert_eq!(desk.handled().await, ["old", "middle"]);
}

#[tokio::test(start_paused = true)]
async fn without_an_archive_a_range_that_needs_one_is_refused() {
    let desk = Desk::new().await;
    let noon = desk.now();
    desk.happens("one").await;
    desk.handled().await;
    days_pass(&desk, 26).await;
    let view = replayed(&desk, around(noon, "all"), "k").await;
    assert_eq!((view.sent, desk.handled().await.len()), (1, 1));
    days_pass(&desk, 2).await;
    let code = desk.refuses(&api::REPLAY_START, around(noon, "all"), Some(REASON)).await;
    assert_eq!(code, "no_archive");
}

#[tokio::test(start_paused = true)]
async fn a_range_older_than_the_archive_is_refused() {
    let desk = archiving().await;
    let range = around(desk.now().minus(400 * DAY), "all");
    let code = desk.refuses(&api::REPLAY_START, range, Some(REASON)).await;
    assert_eq!(code, "validation_failed");
}

#[tokio::test(start_paused = true)]
async fn a_chunk_that_stops_anywhere_loses_nothing_and_repeats_nothing() {
    let faults = [
        (2, Fault::ErrorBefore),
        (4, Fault::CrashBefore),
        (9, Fault::ReplyLost),
        (60, Fault::CrashAfter),
        (109, Fault::ReplyLost),
        (112, Fault::CrashAfter),
    ];
    for (n, fault) in faults {
        let desk = archiving().await;
        let noon = desk.now();
        desk.happens("one").await;
        let line = lines(&desk).remove(0);
        for (name, numbers) in [("0", 1..90), ("1", 90..130)] {
            let lines = numbers.map(|n| format!("{}\n", another(&line, &"x".repeat(n))));
            let file = packed(&lines.collect::<String>());
            put(&desk, &format!("dt=2030-06-01/{name}.jsonl.gz"), file).await;
        }
        days_pass(&desk, 40).await;
        desk.handled().await;
        desk.cloud().faults().reset();
        desk.breaks(JOB, n, fault);
        let view = replayed(&desk, around(noon, "all"), "k").await;
        assert_eq!((view.seen, view.sent, view.unreadable), (130, 130, 0), "{n} {fault:?}");
        assert_eq!(view.chunks, 2, "{n} {fault:?}");
        assert_eq!(desk.handled().await.len(), 130, "{n} {fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn more_files_than_one_chunk_opens_are_read_by_several() {
    let desk = archiving().await;
    let noon = desk.now();
    desk.happens("one").await;
    let line = lines(&desk).remove(0);
    for n in 0..60 {
        let what = "x".repeat(n + 1);
        let file = packed(&(another(&line, &what).to_string() + "\n"));
        put(&desk, &format!("dt=2030-06-01/{n:03}.jsonl.gz"), file).await;
    }
    days_pass(&desk, 40).await;
    desk.handled().await;
    let view = replayed(&desk, around(noon, "all"), "k").await;
    assert_eq!((view.sent, view.chunks), (61, 3));
    assert_eq!(desk.handled().await.len(), 61);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_stands_twice_is_handled_once() {
    let desk = archiving().await;
    let noon = desk.now();
    desk.happens("one").await;
    let line = lines(&desk).remove(0).to_string() + "\n";
    put(&desk, "dt=2030-06-01/again.jsonl.gz", packed(&(line.clone() + &line))).await;
    put(&desk, "dt=2030-06-02/again.jsonl.gz", packed(&line)).await;
    days_pass(&desk, 40).await;
    desk.handled().await;
    replayed(&desk, around(noon, "all"), "k").await;
    assert_eq!(desk.handled().await, ["one"]);
}

#[tokio::test(start_paused = true)]
async fn a_file_of_repeats_that_fills_a_chunk_hides_nothing_behind_it() {
    let desk = archiving().await;
    let noon = desk.now();
    desk.happens("one").await;
    let line = lines(&desk).remove(0);
    let repeats = format!("{line}\n").repeat(150);
    let file = packed(&format!("{repeats}{}\n", another(&line, "behind")));
    put(&desk, "dt=2030-06-01/0.jsonl.gz", file).await;
    days_pass(&desk, 40).await;
    desk.handled().await;
    let view = replayed(&desk, around(noon, "all"), "k").await;
    assert_eq!((view.seen, view.chunks), (152, 2));
    assert_eq!(sorted(desk.handled().await), ["behind", "one"]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_counted_and_named_and_the_rest_is_sent() {
    let desk = archiving().await;
    let noon = desk.now();
    desk.happens("one").await;
    let line = lines(&desk).remove(0);
    put(&desk, "dt=2030-06-01/0.jsonl.gz", b"no file of ours".to_vec()).await;
    let mixed = format!("no line\n{}\n", another(&line, "two"));
    put(&desk, "dt=2030-06-01/1.jsonl.gz", packed(&mixed)).await;
    days_pass(&desk, 40).await;
    desk.handled().await;
    let view = replayed(&desk, around(noon, "all"), "k").await;
    assert_eq!((view.sent, view.unreadable), (2, 2));
    assert_eq!(sorted(desk.handled().await), ["one", "two"]);
    let named: Vec<String> = desk
        .errors()
        .iter()
        .filter(|line| line["call"] == JOB)
        .map(|line| format!("{} {}", line["file"].as_str().unwrap(), line["line"]))
        .collect();
    let expected = ["archive/dt=2030-06-01/0.jsonl.gz 1", "archive/dt=2030-06-01/1.jsonl.gz 1"];
    assert_eq!(named, expected);
}

#[tokio::test(start_paused = true)]
async fn an_archive_that_never_answers_ends_the_replay() {
    let desk = archiving().await;
    let noon = desk.now();
    days_pass(&desk, 40).await;
    // Every chunk's second request is that of its list.
    for n in 1..400 {
        desk.breaks(JOB, 2 * n, Fault::ErrorBefore);
    }
    let plan: Plan = desk.does(&api::REPLAY_START, around(noon, "all"), "k").await;
    desk.minutes_pass(90).await;
    let request = json!({ "replay_id": plan.replay_id });
    let view: ReplayView = desk.asks(&api::REPLAY_GET, request).await;
    assert_eq!((view.state, view.chunks), (ReplayState::Failed, 0));
}

#[tokio::test(start_paused = true)]
async fn a_line_of_another_tenant_or_mode_is_never_sent() {
    let desk = archiving().await;
    let noon = desk.now();
    desk.happens("own").await;
    let line = lines(&desk).remove(0);
    let (mut foreign, mut test) = (another(&line, "foreign"), another(&line, "test"));
    foreign["envelope"]["tenantid"] = json!(TenantId::from_bytes([9; 16]));
    test["envelope"]["livemode"] = json!(false);
    let file = packed(&format!("{foreign}\n{test}\n"));
    put(&desk, "dt=2030-06-01/0.jsonl.gz", file).await;
    days_pass(&desk, 40).await;
    desk.mappings().enable(LISTENER, false);
    let mut request = around(noon, "all");
    let view = replayed(&desk, request.clone(), "live").await;
    assert_eq!((view.seen, view.sent), (1, 1));
    let messages = desk.waiting(LISTENER);
    assert!(messages.len() == 1 && messages[0].body.contains("\"own\""), "{messages:?}");
    request["livemode"] = json!(false);
    let view = replayed(&desk, request, "test").await;
    assert_eq!((view.seen, view.sent), (1, 1));
    let messages = desk.waiting(LISTENER);
    assert!(messages.len() == 2 && messages[1].body.contains("\"test\""), "{messages:?}");
    assert_eq!(desk.cloud().violations(), []);
}

#[tokio::test(start_paused = true)]
async fn an_event_published_up_to_a_day_late_is_found_and_a_later_one_is_not() {
    let desk = archiving().await;
    let noon = desk.now();
    desk.happens("one").await;
    let line = lines(&desk).remove(0);
    for (day, what) in [("2030-06-02", "late"), ("2030-06-03", "too late")] {
        let file = packed(&(another(&line, what).to_string() + "\n"));
        put(&desk, &format!("dt={day}/0.jsonl.gz"), file).await;
    }
    days_pass(&desk, 40).await;
    desk.handled().await;
    replayed(&desk, around(noon, "all"), "k").await;
    assert_eq!(sorted(desk.handled().await), ["late", "one"]);
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_the_outbox_has_forgotten_is_handed_out_by_a_range() {
    let desk = archiving().await;
    let noon = desk.now();
    desk.happens("fine").await;
    desk.fails(true);
    desk.happens("broken").await;
    desk.fails(false);
    days_pass(&desk, 40).await;
    desk.handled().await;
    let retry = json!({ "listener": LISTENER });
    assert_eq!(desk.refuses(&api::DLQ_RETRY, retry, Some(REASON)).await, "not_failed");
    let view = replayed(&desk, around(noon, "failed"), "k").await;
    assert_eq!((view.seen, view.sent), (2, 1));
    assert_eq!(desk.handled().await, ["broken"]);
    let dead: Page<DeadLetter> = desk.asks(&api::DLQ_LIST, json!({ "listener": LISTENER })).await;
    assert_eq!(dead.data, []);
}

#[tokio::test(start_paused = true)]
async fn what_was_handled_is_not_missing_and_nobody_can_ask_once_it_is_on_record_no_more() {
    let desk = archiving().await;
    let noon = desk.now();
    desk.happens("one").await;
    days_pass(&desk, 32).await;
    desk.handled().await;
    let view = replayed(&desk, around(noon, "missing"), "k").await;
    assert_eq!((view.seen, view.sent, desk.handled().await.len()), (1, 0, 0));
    days_pass(&desk, 2).await;
    let late = around(noon, "missing");
    assert_eq!(desk.refuses(&api::REPLAY_START, late, Some(REASON)).await, "no_record");
}

#[tokio::test(start_paused = true)]
async fn an_ordered_listener_handles_old_events_without_waiting_for_what_is_gone() {
    let desk = archiving().await;
    let noon = desk.now();
    for (sequence, what) in ["first", "second", "third"].into_iter().enumerate() {
        desk.moves(what, sequence as u64 + 1).await;
    }
    days_pass(&desk, 40).await;
    desk.handled().await;
    let request = around_for(ORDERED, noon, "all");
    assert_eq!(replayed(&desk, request, "k").await.sent, 3);
    assert_eq!(sorted(desk.handled().await), ["first", "second", "third"]);
    desk.moves("fourth", 4).await;
    assert_eq!(desk.handled().await, ["fourth"]);
}

/// What an entity did, of which its listener never heard, and which the archive holds in another
/// order: the first move was published a day late, and more files than one chunk opens lie between.
async fn unheard_moves(desk: &Desk) {
    desk.mappings().enable(ORDERED, false);
    for (sequence, what) in ["first", "second", "third"].into_iter().enumerate() {
        desk.moves(what, sequence as u64 + 1).await;
    }
    let objects = desk.cloud().objects();
    let (mut first, mut names) = (None, Vec::new());
    for name in objects.keys(BUCKET, "archive/dt=2030-06-01/") {
        let file = objects.get(BUCKET, &name).unwrap();
        let mut text = String::new();
        GzDecoder::new(file.as_ref()).read_to_string(&mut text).unwrap();
        let (early, rest): (Vec<&str>, Vec<&str>) =
            text.lines().partition(|line| line.contains("\"what\":\"first\""));
        first = first.or(early.first().map(|line| format!("{line}\n")));
        names.push((name, rest.iter().map(|line| format!("{line}\n")).collect::<String>()));
    }
    for (name, text) in names {
        put(desk, name.strip_prefix("archive/").unwrap(), packed(&text)).await;
    }
    for n in 0..30 {
        put(desk, &format!("dt=2030-06-01/z{n:02}.jsonl.gz"), packed("")).await;
    }
    put(desk, "dt=2030-06-02/0.jsonl.gz", packed(&first.unwrap())).await;
}

#[tokio::test(start_paused = true)]
async fn an_ordered_listener_that_never_heard_of_an_entity_misses_none_of_it() {
    let desk = archiving().await;
    let noon = desk.now();
    unheard_moves(&desk).await;
    days_pass(&desk, 32).await;
    desk.mappings().enable(ORDERED, true);
    desk.settle().await;
    assert_eq!(desk.handled().await.len(), 0, "the queue has forgotten them");
    desk.mappings().enable(ORDERED, false);
    let request = around_for(ORDERED, noon, "missing");
    let view = replayed(&desk, request, "k").await;
    assert_eq!((view.sent, view.chunks), (3, 2));
    // All of them wait when the listener gets to see the first.
    desk.mappings().enable(ORDERED, true);
    desk.minutes_pass(1).await;
    assert_eq!(desk.handled().await, ["second", "third", "first"]);
    desk.moves("fourth", 4).await;
    assert_eq!(desk.handled().await, ["fourth"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_parked_for_longer_than_the_outbox_keeps_follows_from_the_archive() {
    let desk = archiving().await;
    let noon = desk.now();
    desk.moves("first", 1).await;
    desk.fails(true);
    desk.moves("second", 2).await;
    desk.fails(false);
    desk.moves("third", 3).await;
    desk.moves("fourth", 4).await;
    assert_eq!(desk.handled().await, ["first"]);
    assert_eq!(desk.events(MOVED.spec.name).await.len(), 4);
    days_pass(&desk, 40).await;
    let request = around_for(ORDERED, noon, "failed");
    replayed(&desk, request, "k").await;
    assert_eq!(desk.handled().await, ["second", "third", "fourth"]);
    desk.moves("fifth", 5).await;
    assert_eq!(desk.handled().await, ["fifth"]);
}

#[tokio::test(start_paused = true)]
async fn an_old_event_that_is_tried_again_later_is_not_lost() {
    let desk = archiving().await;
    let noon = desk.now();
    desk.happens("wait").await;
    days_pass(&desk, 40).await;
    desk.handled().await;
    let request = around_for(PATIENT, noon, "all");
    desk.fails(true);
    assert_eq!(replayed(&desk, request, "k").await.sent, 1);
    desk.fails(false);
    assert_eq!(desk.handled().await.len(), 0);
    desk.minutes_pass(40).await;
    assert_eq!(desk.handled().await, ["wait"]);
}

#[tokio::test(start_paused = true)]
async fn an_old_event_that_is_put_off_until_its_entity_is_quiet_is_not_lost() {
    let desk = archiving().await;
    let noon = desk.now();
    desk.mappings().enable(QUIET, false);
    desk.happens("wait").await;
    days_pass(&desk, 32).await;
    desk.mappings().enable(QUIET, true);
    desk.handled().await;
    let request = around_for(QUIET, noon, "missing");
    assert_eq!(replayed(&desk, request, "k").await.sent, 1);
    desk.minutes_pass(5).await;
    assert_eq!(desk.handled().await, ["wait"]);
}

#[test]
fn the_border_knows_how_long_the_outbox_keeps_an_event() {
    assert_eq!(crate::domain::walk::OUTBOX_KEPT, store::transition::KEPT);
    assert_eq!(crate::domain::replay::REMEMBERED, store::inbox::REMEMBERED);
}
