//! The payloads under `events/`: those of endpoints and listeners are requests and messages that succeeded
//! in a journey. `TALARIA_SAMPLES=write cargo test -p tests --test it samples` writes them anew.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use events::Envelope;
use kernel::{TenantId, Timestamp};
use serde_json::{Value, json};

use super::scene::{Scene, envelopes, header, rows, scenes};
use crate::laptop::root;
use crate::talaria::Talaria;

/// The environment variable that has the samples written instead of compared.
const WRITE: &str = "TALARIA_SAMPLES";
/// The instant of every sample: 2026-11-21T12:00:00.000Z.
const INSTANT: Timestamp = Timestamp::from_ms(1_795_262_400_000);
const CLF_TIME: &str = "21/Nov/2026:12:00:00 +0000";
/// Members of payloads that tell a time, an address in a queue, or what is left of a quota.
const OF_THE_MOMENT: [(&str, &str); 8] = [
    ("time", CLF_TIME),
    ("requestId", "sample="),
    ("messageId", "00000000-0000-4000-8000-000000000001"),
    ("receiptHandle", "sample"),
    ("md5OfBody", ""),
    ("md5OfMessageAttributes", ""),
    ("rate", ""),
    ("authorization", "Bearer sample"),
];
/// The part of a typed id behind its prefix, and of a token behind its own.
const ID_CHARS: usize = 26;
const TOKEN_CHARS: usize = 40;

/// A folder of samples: file name without its ending, and payload.
type Samples = BTreeMap<String, Value>;

fn folder(kind: &str) -> PathBuf {
    root().join("events").join(kind)
}

fn read(kind: &str) -> Samples {
    let files = std::fs::read_dir(folder(kind)).expect("samples").flatten();
    files
        .map(|file| {
            let name = file.path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(file.path()).expect("a sample");
            (name, serde_json::from_str(&text).expect("JSON"))
        })
        .collect()
}

fn write(kind: &str, samples: &Samples) {
    for name in read(kind).keys().filter(|name| !samples.contains_key(*name)) {
        std::fs::remove_file(folder(kind).join(format!("{name}.json"))).expect("a sample goes");
    }
    for (name, payload) in samples {
        let text = serde_json::to_string_pretty(payload).expect("JSON") + "\n";
        std::fs::write(folder(kind).join(format!("{name}.json")), text).expect("a sample is kept");
    }
}

/// The first success of each endpoint.
fn requests() -> Samples {
    let mut samples = Samples::new();
    for scene in preferred().iter().filter(|scene| scene.spec().is_some()) {
        let sample = || Plain::default().value(&scene.invoked.event);
        samples.entry(scene.row.id.to_owned()).or_insert_with(sample);
    }
    samples
}

/// The first event of each kind that each listener was done with, in one batch.
fn messages() -> Samples {
    let mut batches: BTreeMap<&str, Vec<(String, Value)>> = BTreeMap::new();
    for scene in preferred().iter().filter(|scene| scene.row.listening().is_some()) {
        let records = scene.invoked.event["Records"].as_array().expect("records");
        for (event, record) in envelopes(&scene.invoked.event).into_iter().zip(records) {
            let outcome = scene.performance.outcome(scene.row.id, &event.id.to_string());
            let batch = batches.entry(scene.row.id).or_default();
            if outcome == Some("done") && batch.iter().all(|(known, _)| *known != event.kind) {
                batch.push((event.kind, record.clone()));
            }
        }
    }
    let batch = |mut records: Vec<(String, Value)>| {
        records.sort_by(|one, other| one.0.cmp(&other.0));
        let records: Vec<Value> = records.into_iter().map(|(_, record)| record).collect();
        Plain::default().value(&json!({ "Records": records }))
    };
    batches.into_iter().map(|(id, records)| (id.to_owned(), batch(records))).collect()
}

/// The successes, those of an entry's own journey first, and of requests those with everything first:
/// a key where one is honoured.
fn preferred() -> Vec<Scene> {
    let mut scenes: Vec<Scene> = scenes().into_iter().filter(Scene::is_success).collect();
    scenes.sort_by_key(|scene| {
        let own = scene.row.id.split('.').next() == Some(scene.performance.module);
        let keyed = !header(&scene.invoked.event, "idempotency-key").is_empty();
        (!own, !keyed)
    });
    scenes
}

/// Takes out of a payload what chance and the clock put into it: the same story gives the same sample.
#[derive(Default)]
struct Plain {
    /// The ids met so far, each by the one that stands for it.
    ids: HashMap<String, String>,
}

impl Plain {
    fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => json!(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(members) => {
                let members =
                    members.iter().map(|(name, value)| (name.clone(), self.member(name, value)));
                Value::Object(members.collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    fn member(&mut self, name: &str, value: &Value) -> Value {
        let fixed = OF_THE_MOMENT.iter().find(|(known, _)| *known == name);
        match (fixed, name) {
            (Some((_, fixed)), _) if value.is_string() => json!(fixed),
            (_, "timeEpoch") => json!(INSTANT.ms()),
            (_, "SentTimestamp" | "ApproximateFirstReceiveTimestamp") => {
                json!(INSTANT.ms().to_string())
            }
            (_, "auth_time") => json!(INSTANT.seconds().to_string()),
            _ => self.value(value),
        }
    }

    /// Ids by number, tokens by their kind, times at the instant.
    fn text(&mut self, text: &str) -> String {
        let is_word = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        let mut plain = String::new();
        let mut rest = text;
        while !rest.is_empty() {
            let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            if word == 0 {
                let next = rest.chars().next().map_or(1, char::len_utf8);
                plain.push_str(&rest[..next]);
                rest = &rest[next..];
                continue;
            }
            // A time has colons and a point in it.
            let time = rest.get(..24).filter(|text| text.parse::<Timestamp>().is_ok());
            let taken = time.map_or(word, str::len);
            match time {
                Some(_) => plain.push_str(&INSTANT.to_string()),
                None => plain.push_str(&self.word(&rest[..word])),
            }
            rest = &rest[taken..];
        }
        plain
    }

    fn word(&mut self, word: &str) -> String {
        let Some((prefix, body)) = word.split_once('_') else { return word.to_owned() };
        let is_prefix = !prefix.is_empty() && prefix.chars().all(|c| c.is_ascii_lowercase());
        let is_id = body.len() == ID_CHARS && body.chars().all(|c| c.is_ascii_alphanumeric());
        if is_prefix && is_id {
            let number = self.ids.len() as u8 + 1;
            let id = self.ids.entry(body.to_owned()).or_insert_with(|| numbered(number));
            return format!("{prefix}_{id}");
        }
        if is_prefix && body.len() >= TOKEN_CHARS {
            return format!("{prefix}_sample");
        }
        word.to_owned()
    }
}

/// The body of the n-th id of a sample: of the instant, like all of them.
fn numbered(number: u8) -> String {
    TenantId::new(INSTANT, [0, 0, 0, 0, 0, 0, 0, 0, 0, number]).body()
}

#[test]
fn samples_are_requests_and_messages_that_succeeded() {
    for (kind, recorded) in [("http", requests()), ("sqs", messages())] {
        if std::env::var_os(WRITE).is_some() {
            write(kind, &recorded);
        }
        let kept = read(kind);
        let names: Vec<&String> = kept.keys().collect();
        let again = "write them anew: TALARIA_SAMPLES=write cargo test -p tests --test it samples";
        assert_eq!(names, recorded.keys().collect::<Vec<_>>(), "{again}");
        for (name, sample) in kept {
            assert_eq!(sample, recorded[&name], "events/{kind}/{name}.json is old; {again}");
        }
    }
    let entries = rows().iter().filter(|row| row.http().is_some() || row.listening().is_some());
    assert_eq!(entries.count(), requests().len() + messages().len());
}

#[test]
fn a_sample_holds_nothing_of_the_moment() {
    let id = "usr_01jd6gr000200r40m30r2gc1g9";
    let token = format!("tvl_{}", "Ab-_9".repeat(12));
    let payload = json!({
        "rawPath": format!("/v1/profiles/{id}"),
        "headers": { "authorization": "Bearer a.b.c" },
        "requestContext": { "timeEpoch": 1, "time": "01/Jun/2030:12:00:00 +0000" },
        "body": json!({ "token": token, "user": id, "at": "2030-06-01T12:00:00.500Z" }).to_string(),
    });
    let user = format!("usr_{}", numbered(1));
    let expected = json!({
        "rawPath": format!("/v1/profiles/{user}"),
        "headers": { "authorization": "Bearer sample" },
        "requestContext": { "timeEpoch": INSTANT.ms(), "time": CLF_TIME },
        "body": json!({ "token": "tvl_sample", "user": user, "at": INSTANT }).to_string(),
    });
    assert_eq!(Plain::default().value(&payload), expected);
}

#[tokio::test]
async fn the_authorizer_gathers_evidence_for_every_sample() {
    let talaria = Talaria::start().await;
    for (name, payload) in read("authorizer") {
        let answer = talaria.invoke("auth.authorizer", payload).await.expect("an answer");
        assert_eq!(answer["isAuthorized"], true, "{name}: {answer}");
        assert!(answer["context"]["evidence"].is_string(), "{name}: {answer}");
    }
}

#[test]
fn every_event_has_its_golden_sample() {
    let samples = read("domain");
    for entry in events::catalogue().entries {
        let name = entry.spec.topic_type();
        let sample = samples.get(&name).unwrap_or_else(|| panic!("{name} has no sample"));
        let envelope = Envelope::parse(&sample.to_string()).expect("an envelope");
        assert_eq!((envelope.kind.as_str(), &envelope.data), (entry.spec.name, &entry.sample));
    }
}
