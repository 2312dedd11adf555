//! Sample events: golden envelopes and questions to the authorizer, the same at every run. Samples of
//! requests and messages are taken from what the journeys of the tests recorded.

mod authorizer;

use events::catalogue::Entry;
use events::envelope::Origin;
use events::{Envelope, EnvelopeError, EventSpec, Priority};
use kernel::{EntityRef, EventId, TenantId, Timestamp, UserId};
use serde_json::{Value, json};

use crate::artefact::Artefact;
use crate::console::Failure;
use crate::platform::Platform;

/// The body of every sample id: `01jd6gr00…`.
const SAMPLE: [u8; 16] = [1, 147, 77, 12, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
/// 2026-11-21T12:00:00.000Z.
const INSTANT_MS: i64 = 1_795_262_400_000;

/// The tenant of every sample.
fn tenant() -> TenantId {
    TenantId::from_bytes(SAMPLE)
}

/// The body that all sample ids share, behind their prefixes.
fn id_body() -> String {
    tenant().body()
}

/// The instant of every sample.
const fn instant() -> Timestamp {
    Timestamp::from_ms(INSTANT_MS)
}

/// Every sample file.
pub fn all(platform: &Platform) -> Result<Vec<Artefact>, Failure> {
    let mut files = Vec::new();
    for entry in &platform.events {
        let envelope = json!(envelope(entry).map_err(|fault| refused(entry.spec.name, &fault))?);
        let name = entry.spec.topic_type();
        files.push(Artefact::json(format!("events/domain/{name}.json"), &envelope));
    }
    for (name, event) in authorizer::events() {
        files.push(Artefact::json(format!("events/authorizer/{name}.json"), &event));
    }
    Ok(files)
}

fn refused(name: &str, fault: &EnvelopeError) -> Failure {
    Failure::refused(format!("sample of {name}: {fault}"))
}

/// The golden envelope of an event, within the limit of its size.
pub fn envelope(entry: &Entry) -> Result<Value, EnvelopeError> {
    let user = UserId::from_bytes(SAMPLE);
    let origin = Origin {
        tenant: tenant(),
        livemode: true,
        actor: Some(user.into()),
        correlation: format!("req_{}", id_body()),
        causation: None,
        traceparent: None,
    };
    let subject = EntityRef::new(entry.spec.entity, subject_of(entry));
    let id = EventId::from_bytes(SAMPLE);
    let data = entry.sample.clone();
    let envelope = Envelope::new(&entry.spec, id, subject, 1, instant(), &origin, data);
    Ok(serde_json::from_str(&envelope.to_bytes()?)?)
}

/// The first id or name in the sample's data: what the event is about.
fn subject_of(entry: &Entry) -> String {
    let members = entry.sample.as_object();
    let first = members.and_then(|members| members.values().find_map(Value::as_str));
    first.map_or_else(id_body, str::to_owned)
}

/// The message attributes of an event, exactly these: what filter policies choose by.
pub fn attributes(
    spec: &EventSpec,
    facet: Option<&str>,
    priority: Priority,
) -> Vec<(&'static str, String)> {
    let mut words = vec![
        ("type", spec.topic_type()),
        ("module", spec.module().to_owned()),
        ("ordering", spec.ordering().as_str().to_owned()),
        ("priority", priority.as_str().to_owned()),
        ("public", spec.public.to_string()),
    ];
    words.extend(facet.map(|facet| ("facet", facet.to_owned())));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_a_golden_envelope_that_reads_back() {
        for entry in &Platform::of(Vec::new()).events {
            let text = envelope(entry).unwrap().to_string();
            let read = Envelope::parse(&text).unwrap();
            assert_eq!(read.to_bytes().unwrap(), text, "{}", entry.spec.name);
            assert_eq!(read.time.to_string(), "2026-11-21T12:00:00.000Z");
        }
    }
}
