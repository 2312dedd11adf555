//! The envelope every event travels in: CloudEvents 1.0, JSON, structured mode
//! (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>).

use kernel::{AnyId, EntityRef, Error, ErrorKind, EventId, Problem, TenantId, Timestamp};
use serde::ser::Error as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::{EventSpec, NAME_MAX};

/// Largest serialised envelope, in bytes.
pub const ENVELOPE_LIMIT_BYTES: usize = 65_536;
/// Longest `partitionkey`: what SNS takes as the id of a message group.
pub const PARTITION_KEY_MAX: usize = 128;
/// Longest `subject`: what the partition key leaves for it.
pub const SUBJECT_MAX: usize = PARTITION_KEY_MAX - "cli_".len() - 26 - "/l/".len();
/// Longest `actorid`.
pub const ACTOR_MAX: usize = 64;
/// Longest `correlationid`.
pub const CORRELATION_MAX: usize = 128;
/// Longest `traceparent`, and longest `tracestate`: what W3C Trace Context (section 3.3.1.5) asks to be
/// carried at least.
pub const TRACE_MAX: usize = 512;
/// The media type of an envelope.
pub const MEDIA_TYPE: &str = "application/cloudevents+json";

/// One event as it is stored, published and received. Unknown attributes are accepted and dropped; an
/// attribute without a value is absent, never null.
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
    /// W3C trace context of the committing span.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// What vendors add to that context; the committing call sets it where it was given one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracestate: Option<String>,
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

/// An event that can never be handled. Inbox rows and logs tell of it; no answer does.
pub const UNREADABLE_EVENT: Problem =
    Problem::new(ErrorKind::Validation, "unreadable_event", "the event cannot be read");
/// An event whose data is of a form this listener does not know.
pub const UNSUPPORTED_SCHEMA: Problem =
    Problem::new(ErrorKind::Validation, "unsupported_schema", "the schema is not known here");

impl From<EnvelopeError> for Error {
    fn from(fault: EnvelopeError) -> Self {
        let problem = match fault {
            EnvelopeError::UnknownSchema { .. } => &UNSUPPORTED_SCHEMA,
            EnvelopeError::Malformed(_) | EnvelopeError::TooLarge { .. } => &UNREADABLE_EVENT,
        };
        problem.because(fault.to_string())
    }
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
            tracestate: None,
            subject,
            data,
        }
    }

    /// The exact bytes to store and publish; refuses attributes that break a rule of the envelope and an
    /// envelope over the limit.
    pub fn to_bytes(&self) -> Result<String, EnvelopeError> {
        if let Some((attribute, rule)) = self.broken_rule() {
            let fault = serde_json::Error::custom(format!("attribute {attribute} {rule}"));
            return Err(EnvelopeError::Malformed(fault));
        }
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
        let schema = |major: &u16| format!("urn:talaria:event:{}:{major}", self.kind);
        if !majors.iter().any(|major| schema(major) == self.dataschema) {
            let (kind, schema) = (self.kind.clone(), self.dataschema.clone());
            return Err(EnvelopeError::UnknownSchema { kind, schema });
        }
        Ok(Data::deserialize(&self.data)?)
    }

    /// The sequence as a number; 0 where it is none.
    pub fn sequence_number(&self) -> u64 {
        self.sequence.parse().unwrap_or(0)
    }

    /// The first attribute that breaks a rule, and the rule.
    fn broken_rule(&self) -> Option<(&'static str, String)> {
        let is_graphic = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        let is_sequence =
            self.sequence.len() == 20 && self.sequence.bytes().all(|byte| byte.is_ascii_digit());
        if !is_sequence {
            return Some(("sequence", "must be twenty digits".to_owned()));
        }
        if !is_graphic(&self.partitionkey) {
            return Some(("partitionkey", "must be printable ASCII".to_owned()));
        }
        if !self.data.is_object() {
            return Some(("data", "must be an object".to_owned()));
        }
        let subject = self.subject.to_string();
        let texts = [
            ("type", Some(&self.kind), NAME_MAX),
            ("subject", Some(&subject), SUBJECT_MAX),
            ("partitionkey", Some(&self.partitionkey), PARTITION_KEY_MAX),
            ("actorid", self.actorid.as_ref(), ACTOR_MAX),
            ("correlationid", Some(&self.correlationid), CORRELATION_MAX),
            ("traceparent", self.traceparent.as_ref(), TRACE_MAX),
            ("tracestate", self.tracestate.as_ref(), TRACE_MAX),
        ];
        let broken = |(name, text, longest): (&'static str, Option<&String>, usize)| {
            let text = text?;
            if text.len() > longest {
                return Some((name, format!("has {} bytes, at most {longest}", text.len())));
            }
            let is_forbidden = text.chars().any(is_forbidden);
            is_forbidden.then(|| (name, "holds a control character".to_owned()))
        };
        texts.into_iter().find_map(broken)
    }
}

/// Characters no attribute may hold (CloudEvents 1.0.2, "Type System", `String`): control characters and
/// noncharacters.
fn is_forbidden(c: char) -> bool {
    let code = u32::from(c);
    c.is_control() || (0xFDD0..=0xFDEF).contains(&code) || code & 0xFFFE == 0xFFFE
}

#[cfg(test)]
mod tests;
