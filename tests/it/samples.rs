//! Every sample payload under `events/` is executed by the function it is for.

use std::path::PathBuf;

use events::Envelope;
use serde_json::Value;

use crate::laptop::root;
use crate::talaria::Talaria;

/// The samples of one kind: the name of the file without its ending, and the payload.
pub fn samples(kind: &str) -> Vec<(String, Value)> {
    let folder: PathBuf = root().join("events").join(kind);
    let files = std::fs::read_dir(folder).expect("samples").flatten();
    files
        .map(|file| {
            let name = file.path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(file.path()).expect("a sample");
            (name, serde_json::from_str(&text).expect("JSON"))
        })
        .collect()
}

fn rows() -> Vec<runtime::Row> {
    catalog::modules().into_iter().flat_map(|module| module.rows).collect()
}

#[tokio::test]
async fn every_endpoint_answers_its_sample() {
    let talaria = Talaria::start().await;
    let samples = samples("http");
    for row in rows().iter().filter(|row| row.http().is_some()) {
        assert!(samples.iter().any(|(id, _)| id == row.id), "{} has no sample", row.id);
    }
    for (id, mut payload) in samples {
        payload["requestContext"]["apiId"] = talaria.platform.ports().config.api_id.clone().into();
        let answer = talaria.platform.invoke(&id, payload).await.expect("the function answers");
        let status = answer["statusCode"].as_u64().unwrap_or(500);
        assert!(status < 500, "{id}: {answer}");
    }
}

#[tokio::test]
async fn every_listener_takes_its_sample() {
    let talaria = Talaria::start().await;
    let samples = samples("sqs");
    for row in rows().iter().filter(|row| row.listening().is_some()) {
        assert!(samples.iter().any(|(id, _)| id == row.id), "{} has no sample", row.id);
    }
    for (id, payload) in samples {
        let answer = talaria.platform.invoke(&id, payload).await.expect("the function answers");
        assert!(answer["batchItemFailures"].is_array(), "{id}: {answer}");
    }
}

#[tokio::test]
async fn the_authorizer_gathers_evidence_for_every_sample() {
    let talaria = Talaria::start().await;
    for (name, payload) in samples("authorizer") {
        let answer = talaria.platform.invoke("auth.authorizer", payload).await.expect("an answer");
        assert_eq!(answer["isAuthorized"], true, "{name}: {answer}");
        assert!(answer["context"]["evidence"].is_string(), "{name}: {answer}");
    }
}

#[test]
fn every_event_has_its_golden_sample() {
    let samples = samples("domain");
    for entry in events::catalogue().entries {
        let name = entry.spec.topic_type();
        let sample = samples.iter().find(|(id, _)| *id == name);
        let (_, sample) = sample.unwrap_or_else(|| panic!("{name} has no sample"));
        let envelope = Envelope::parse(&sample.to_string()).expect("an envelope");
        assert_eq!((envelope.kind.as_str(), &envelope.data), (entry.spec.name, &entry.sample));
    }
}
