//! One event's story, from its rows.

use contracts::platform::{CausedEvent, EventStory, HeardBy};
use events::Envelope;
use kernel::{EventId, Timestamp};
use runtime::backbone::Hearing;
use serde_json::Value;
use store::cursor::CursorRow;
use store::inbox::InboxRow;
use store::outbox::OutboxRow;

use super::word;
use crate::domain::trace;
use crate::store::outbox::address_of;

/// What one listener left behind: its settings, its inbox row, its cursor of the entity.
pub type Heard<'a> = (&'a Hearing, Option<InboxRow>, Option<CursorRow>);

/// The story of an event; nothing where its own row cannot be read.
pub fn of(row: OutboxRow, heard: Vec<Heard<'_>>, later: &[OutboxRow]) -> Option<EventStory> {
    let address = address_of(&row)?;
    let envelope = Envelope::parse(&row.envelope).ok();
    let (committed, published) = (row.created_at, row.published_at);
    let listeners = heard.into_iter().map(|one| line(one, committed, published)).collect();
    let caused = later.iter().filter_map(|other| caused(row.event_id, committed, other)).collect();
    let trace = row.traceparent.as_deref().and_then(trace::id_of);
    Some(EventStory {
        event_id: row.event_id,
        address,
        status: word(&row.status),
        bell: row.bell.as_ref().map(word),
        kind: row.kind,
        major: row.major,
        ordered: row.ordered,
        public: row.public,
        attempts: row.attempts,
        replay_no: row.replay_no,
        error_code: row.last_error_code,
        committed_at: committed,
        published_at: published,
        commit_to_publish_ms: published.map(|at| ms(committed, at)),
        correlation_id: envelope.as_ref().map(|one| one.correlationid.clone()),
        causation_id: envelope.as_ref().and_then(|one| one.causationid),
        trace_id: trace,
        envelope: serde_json::from_str(&row.envelope).unwrap_or(Value::Null),
        listeners,
        caused,
        caused_searched_until: None,
    })
}

fn line(heard: Heard<'_>, committed: Timestamp, published: Option<Timestamp>) -> HeardBy {
    let (hearing, inbox, cursor) = heard;
    let consumed = inbox.as_ref().and_then(|row| row.consumed_at);
    HeardBy {
        listener: hearing.listener.clone(),
        ordered: hearing.ordered,
        state: inbox.as_ref().map(|row| word(&row.state)),
        attempts: inbox.as_ref().map_or(0, |row| row.attempts),
        error_code: inbox.as_ref().and_then(|row| row.last_error_code.clone()),
        error_fingerprint: inbox.as_ref().and_then(|row| row.last_error_fp.clone()),
        skip_reason: inbox.as_ref().and_then(|row| row.skip_reason.clone()),
        trace_id: inbox.as_ref().and_then(|row| row.trace_id.clone()),
        consumed_at: consumed,
        publish_to_consumed_ms: published.zip(consumed).map(|(from, to)| ms(from, to)),
        commit_to_consumed_ms: consumed.map(|at| ms(committed, at)),
        blocked_by: cursor.and_then(|row| row.blocked_by),
    }
}

fn caused(event: EventId, committed: Timestamp, other: &OutboxRow) -> Option<CausedEvent> {
    let envelope = Envelope::parse(&other.envelope).ok()?;
    (envelope.causationid == Some(event)).then_some(())?;
    Some(CausedEvent {
        event: address_of(other)?,
        kind: other.kind.clone(),
        subject: other.subject.clone(),
        status: word(&other.status),
        after_ms: ms(committed, other.created_at),
    })
}

fn ms(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX)
}
