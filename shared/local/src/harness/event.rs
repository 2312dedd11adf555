//! Events that other modules announce, and messages that are delivered by hand.

use interface::envelope::Origin;
use interface::{Envelope, Event, Fact, Ordering};
use kernel::{EntityRef, EventId};
use runtime::backbone::Hearing;
use serde_json::{Value, json};
use store::outbox::{Birth, OutboxRow, key_of};
use store::{Query, Token};

use super::Harness;
use crate::aws::sqs::Message;
use crate::boot::PREFIX;

impl Harness {
    /// Announces an event of this entity as its module would, as the entity's next. It is committed when
    /// this answers; nobody has heard it before the platform has settled.
    pub async fn announce<D: Fact>(
        &self,
        event: &Event<D>,
        entity: impl ToString,
        data: &D,
    ) -> EventId {
        let row = self.outbox_row(event, entity, data).await;
        let (id, token) = (row.event_id, Token::of(row.event_id.to_string().as_bytes(), 0));
        self.ports().store.commit(row.into_change(), &token).await.expect("the event is committed");
        id
    }

    /// The row of such an event, for a test to change before it commits it.
    pub async fn outbox_row<D: Fact>(
        &self,
        event: &Event<D>,
        entity: impl ToString,
        data: &D,
    ) -> OutboxRow {
        let spec = &event.spec;
        let subject = EntityRef::new(spec.entity, entity.to_string());
        let aggregate = Query::table(store::OUTBOX, key_of(&self.scope(), &subject, 1).pk);
        let sequence = self.items(aggregate).await.len() as u64 + 1;
        let (now, id) = (self.now(), self.new_event_id());
        let origin = Origin {
            tenant: self.tenant,
            livemode: self.livemode,
            actor: None,
            correlation: "test".to_owned(),
            causation: None,
            traceparent: None,
        };
        let data = serde_json::to_value(data).expect("the data is JSON");
        let envelope = Envelope::new(spec, id, subject.clone(), sequence, now, &origin, data);
        let birth = Birth {
            scope: self.scope(),
            subject,
            sequence,
            event_id: id,
            kind: spec.name.to_owned(),
            major: spec.major,
            module: spec.module().to_owned(),
            ordered: spec.ordering() == Ordering::Aggregate,
            priority: spec.priority.as_str().to_owned(),
            public: spec.public,
            facet: None,
            envelope: envelope.to_bytes().expect("the event fits its envelope"),
            traceparent: None,
        };
        let mut row = OutboxRow::born(&birth, now);
        // Whoever committed it is not there to publish it.
        row.claimed_until = now;
        row
    }

    fn new_event_id(&self) -> EventId {
        let ports = self.ports();
        runtime::clock::new_id(&*ports.clock, &*ports.entropy)
    }

    /// Every event of this entity so far, in sequence, which has no holes.
    pub async fn events_of(&self, entity: &EntityRef) -> Vec<Envelope> {
        let aggregate = Query::table(store::OUTBOX, key_of(&self.scope(), entity, 1).pk);
        let rows = self.items(aggregate).await;
        let envelopes = rows.iter().map(|row| {
            let text = row.text("envelope").expect("an outbox row holds its envelope");
            Envelope::parse(text).expect("an outbox row holds an envelope")
        });
        let events: Vec<Envelope> = envelopes.collect();
        let dense = (1..).zip(&events).all(|(n, event)| event.sequence_number() == n);
        assert!(dense, "the events of {entity} have holes");
        events
    }

    /// The messages that wait at a listener, such as it has not got because it is switched off.
    pub fn waiting(&self, listener: &str) -> Vec<Message> {
        self.messages(&self.hearing(listener).queue)
    }

    /// The messages a listener gave up.
    pub fn dead_letters(&self, listener: &str) -> Vec<Message> {
        self.messages(&self.hearing(listener).dead_letter_queue)
    }

    fn messages(&self, queue: &str) -> Vec<Message> {
        let peeked = self.cloud().queues().peek(&format!("{PREFIX}{queue}"), usize::MAX);
        peeked.expect("a declared queue exists")
    }

    fn hearing(&self, listener: &str) -> &Hearing {
        let found = self.ports().backbone().addressee(listener);
        found.expect("a listener of one of the modules")
    }

    /// Hands these bodies to a listener in one batch, past its queue; whether it is done with all.
    pub async fn deliver(&self, listener: &str, bodies: &[&str]) -> bool {
        let record =
            |(n, body)| json!({ "messageId": format!("m{n}"), "body": body, "attributes": {} });
        let records: Vec<Value> = bodies.iter().enumerate().map(record).collect();
        let answer = self.invoke(listener, json!({ "Records": records })).await;
        let answer = answer.expect("the listener answers");
        let failures = answer.get("batchItemFailures").and_then(Value::as_array);
        failures.is_some_and(Vec::is_empty)
    }
}
