use std::collections::BTreeMap;
use std::io::Read;

use contracts::platform as api;
use flate2::read::GzDecoder;
use local::Options;
use local::fault::Fault;
use serde_json::{Value, json};

use super::demo::HAPPENED;
use super::desk::Desk;

const FUNCTION: &str = "platform.archive_stream";
const BUCKET: &str = "talaria-local-archive";
const DAY: &str = "archive/dt=2030-06-01/";

async fn archiving() -> Desk {
    Desk::start(Options::in_memory().archiving()).await
}

/// The files of the archive by name, as they are stored.
fn files(desk: &Desk) -> BTreeMap<String, Vec<u8>> {
    let objects = desk.cloud().objects();
    let file = |name: String| (name.clone(), objects.get(BUCKET, &name).unwrap().to_vec());
    objects.keys(BUCKET, "").into_iter().map(file).collect()
}

fn lines_of(file: &[u8]) -> Vec<Value> {
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The archived lines of what happened, by event id and replay.
fn archived(desk: &Desk) -> Vec<(String, u64)> {
    let lines = files(desk).into_values().flat_map(|file| lines_of(&file));
    let own = lines.filter(|line| line["envelope"]["type"] == HAPPENED.spec.name);
    let mut found: Vec<_> = own
        .map(|line| {
            let id = line["envelope"]["id"].as_str().unwrap().to_owned();
            (id, line["replay_no"].as_u64().unwrap())
        })
        .collect();
    found.sort();
    found
}

/// The ids of what happened.
async fn happened(desk: &Desk) -> Vec<String> {
    let events = desk.events(HAPPENED.spec.name).await.into_iter();
    events.map(|address| address.rsplit('/').next().unwrap().to_owned()).collect()
}

/// The stream's records of published rows, as one event.
fn batch(desk: &Desk) -> Value {
    let tables = desk.cloud().tables();
    let records = tables.stream_after("talaria-local-outbox", None, 1_000).unwrap();
    let sent = |event: &Value| event["dynamodb"]["NewImage"]["status"]["S"] == "sent";
    let events: Vec<Value> = records.into_iter().map(|record| record.event).filter(sent).collect();
    json!({ "Records": events })
}

#[tokio::test(start_paused = true)]
async fn every_published_event_stands_once_in_the_file_of_its_day() {
    let desk = archiving().await;
    desk.many(30).await;
    let expected: Vec<_> = happened(&desk).await.into_iter().map(|id| (id, 0)).collect();
    assert_eq!((expected.len(), archived(&desk)), (30, expected));
    let (name, file) = files(&desk).pop_last().unwrap();
    assert!(name.starts_with(DAY) && name.ends_with(".jsonl.gz"), "{name}");
    let line = lines_of(&file).remove(0);
    let members: Vec<&String> = line.as_object().unwrap().keys().collect();
    assert_eq!(members, ["envelope", "status", "published_at", "bell", "replay_no"]);
    assert_eq!((&line["status"], &line["bell"]), (&json!("sent"), &json!("inline")));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_published_again_stands_there_again() {
    let desk = archiving().await;
    desk.happens("one").await;
    let id = happened(&desk).await.remove(0);
    let request = json!({ "event": desk.events(HAPPENED.spec.name).await.remove(0) });
    let _: api::Plan = desk.does(&api::EVENT_REPLAY, request, "k").await;
    assert_eq!(archived(&desk), [(id.clone(), 0), (id, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_comes_twice_leaves_one_file_of_the_same_bytes() {
    let desk = archiving().await;
    desk.mappings().enable(FUNCTION, false);
    let before = files(&desk);
    desk.many(3).await;
    assert_eq!(files(&desk), before, "the reader is switched off");
    let mut seen = Vec::new();
    for _ in 0..2 {
        let answer = desk.invoke(FUNCTION, batch(&desk)).await.unwrap();
        assert_eq!(answer, json!({ "batchItemFailures": [] }));
        let mut now = files(&desk);
        now.retain(|name, file| before.get(name) != Some(file));
        seen.push(now);
    }
    assert_eq!((seen[0].len(), &seen[0]), (1, &seen[1]));
    let (name, file) = seen.remove(0).pop_first().unwrap();
    let first = batch(&desk)["Records"][0].clone();
    let (id, number) = (&first["eventID"], &first["dynamodb"]["SequenceNumber"]);
    let expected = format!("{DAY}{}-{}.jsonl.gz", id.as_str().unwrap(), number.as_str().unwrap());
    assert_eq!(name, expected);
    assert_eq!(lines_of(&file).len(), batch(&desk)["Records"].as_array().unwrap().len());
}

#[tokio::test(start_paused = true)]
async fn a_file_that_could_not_be_written_is_written_when_the_batch_comes_again() {
    let faults = [
        Fault::ErrorBefore,
        Fault::Throttle,
        Fault::ReplyLost,
        Fault::CrashBefore,
        Fault::CrashAfter,
    ];
    for fault in faults {
        let desk = archiving().await;
        desk.cloud().faults().reset();
        desk.breaks(FUNCTION, 1, fault);
        desk.happens("one").await;
        let expected: Vec<_> = happened(&desk).await.into_iter().map(|id| (id, 0)).collect();
        assert_eq!((expected.len(), archived(&desk)), (1, expected), "{fault:?}");
        assert_eq!(desk.cloud().faults().schedule().calls.len(), 1, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn archiving_makes_no_request_of_dynamodb() {
    let desk = archiving().await;
    desk.happens("one").await;
    let mut done = desk.lines_of(FUNCTION);
    done.retain(|line| line["msg"] == "done");
    assert!(!done.is_empty());
    for line in done {
        assert_eq!(line["dynamodb_requests"].as_u64().unwrap_or(0), 0, "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_bucket_events_are_acknowledged_and_written_nowhere() {
    let desk = Desk::new().await;
    desk.happens("one").await;
    assert_eq!(files(&desk), BTreeMap::new());
    assert_eq!(desk.mappings().discarded(), []);
}

#[tokio::test(start_paused = true)]
async fn a_row_that_cannot_be_read_is_left_out_and_named() {
    let desk = archiving().await;
    desk.mappings().enable(FUNCTION, false);
    desk.many(2).await;
    let mut event = batch(&desk);
    event["Records"][0]["dynamodb"]["NewImage"]["envelope"]["S"] = json!("no envelope");
    let number = event["Records"][0]["dynamodb"]["SequenceNumber"].clone();
    let count = event["Records"].as_array().unwrap().len();
    let answer = desk.invoke(FUNCTION, event).await.unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    let (_, file) = files(&desk).pop_last().unwrap();
    assert_eq!(lines_of(&file).len(), count - 1);
    let named = desk.errors();
    assert_eq!((named.len(), &named[0]["sequence_number"]), (1, &number));
}

#[tokio::test(start_paused = true)]
async fn a_client_of_the_sdk_lists_and_reads_the_archive() {
    let desk = archiving().await;
    desk.happens("one").await;
    let sdk = desk.ports().sdk_config("");
    let config = aws_sdk_s3::config::Builder::from(&sdk).force_path_style(true).build();
    let client = aws_sdk_s3::Client::from_conf(config);
    let listed = client.list_objects_v2().bucket(BUCKET).prefix(DAY).send().await.unwrap();
    let keys: Vec<&str> = listed.contents().iter().filter_map(|object| object.key()).collect();
    assert_eq!(keys, files(&desk).keys().map(String::as_str).collect::<Vec<_>>());
    let got = client.get_object().bucket(BUCKET).key(keys[0]).send().await.unwrap();
    let body = got.body.collect().await.unwrap().to_vec();
    assert_eq!(body, files(&desk)[keys[0]]);
}
