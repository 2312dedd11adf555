//! The envelope every event travels in: CloudEvents 1.0, JSON, structured mode
//! (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>).

use kernel::{AnyId, EntityRef, EventId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::EventSpec;

/// Largest serialised envelope, in bytes.
pub const ENVELOPE_LIMIT_BYTES: usize = 65_536;
/// The media type of an envelope.
pub const MEDIA_TYPE: &str = "application/cloudevents+json";

/// One event as it is stored, published and received. Unknown attributes are accepted and dropped.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Envelope {
    pub specversion: String,
    pub id: EventId,
    /// `/modules/<module>`.
    pub source: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub subject: EntityRef,
    /// The instant of the commit.
    pub time: Timestamp,
    pub datacontenttype: String,
    /// `urn:talaria:event:<type>:<major>`.
    pub dataschema: String,
    pub tenantid: TenantId,
    pub livemode: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actorid: Option<String>,
    /// Position within the entity, as twenty digits, so that text order is number order.
    pub sequence: String,
    pub partitionkey: String,
    /// The request that started the chain.
    pub correlationid: String,
    /// The event whose handling caused this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causationid: Option<EventId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    pub data: Value,
}

/// Why something is not an envelope we handle.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    #[error("not an event envelope: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("event {kind} has schema {schema}, which this listener does not know")]
    UnknownSchema { kind: String, schema: String },
    #[error("event {kind} serialises to {size_bytes} bytes, more than {ENVELOPE_LIMIT_BYTES}")]
    TooLarge { kind: String, size_bytes: usize },
}

/// What the envelope takes from the call that commits the event.
#[derive(Clone, Debug)]
pub struct Origin {
    pub tenant: TenantId,
    pub livemode: bool,
    pub actor: Option<AnyId>,
    pub correlation: String,
    pub causation: Option<EventId>,
    pub traceparent: Option<String>,
}

impl Envelope {
    /// Wraps `data` as event number `sequence` of `subject`.
    pub fn new(
        spec: &EventSpec,
        id: EventId,
        subject: EntityRef,
        sequence: u64,
        time: Timestamp,
        origin: &Origin,
        data: Value,
    ) -> Self {
        let mode = if origin.livemode { 'l' } else { 't' };
        Self {
            specversion: "1.0".to_owned(),
            id,
            source: format!("/modules/{}", spec.module()),
            kind: spec.name.to_owned(),
            time,
            datacontenttype: "application/json".to_owned(),
            dataschema: spec.data_schema(),
            tenantid: origin.tenant,
            livemode: origin.livemode,
            actorid: origin.actor.as_ref().map(ToString::to_string),
            sequence: format!("{sequence:020}"),
            partitionkey: format!("{}/{mode}/{subject}", origin.tenant),
            correlationid: origin.correlation.clone(),
            causationid: origin.causation,
            traceparent: origin.traceparent.clone(),
            subject,
            data,
        }
    }

    /// The exact bytes to store and publish; refuses an envelope over the limit.
    pub fn to_bytes(&self) -> Result<String, EnvelopeError> {
        let text = serde_json::to_string(self)?;
        if text.len() > ENVELOPE_LIMIT_BYTES {
            let kind = self.kind.clone();
            return Err(EnvelopeError::TooLarge { kind, size_bytes: text.len() });
        }
        Ok(text)
    }

    /// Reads an envelope; refuses text that is none.
    pub fn parse(text: &str) -> Result<Self, EnvelopeError> {
        Ok(serde_json::from_str(text)?)
    }

    /// The data as the listener's type; refuses an unknown major and data of another shape.
    pub fn data_of<Data: serde::de::DeserializeOwned>(
        &self,
        majors: &[u16],
    ) -> Result<Data, EnvelopeError> {
        let major = self.dataschema.rsplit(':').next().and_then(|text| text.parse().ok());
        if !major.is_some_and(|major: u16| majors.contains(&major)) {
            let (kind, schema) = (self.kind.clone(), self.dataschema.clone());
            return Err(EnvelopeError::UnknownSchema { kind, schema });
        }
        Ok(Data::deserialize(&self.data)?)
    }

    /// The sequence as a number; 0 where it is none.
    pub fn sequence_number(&self) -> u64 {
        self.sequence.parse().unwrap_or(0)
    }
}
