//! Events of a commit: from what a handler announces to the outbox rows of the transaction.

use interface::envelope::Origin;
use interface::{Envelope, Event, EventSpec, Fact};
use kernel::{EntityRef, Error, EventId};
use store::Change;
use store::outbox::{Birth, OutboxRow};

use crate::call::caller::InTenant;
use crate::call::ctx::Ctx;

/// The largest public object an event keeps, in bytes of JSON; a larger one is fetched by whoever needs
/// it.
const SNAPSHOT_MAX_BYTES: usize = 20 * 1024;

/// An event that is to be committed.
pub(crate) struct Announcement {
    pub(crate) spec: EventSpec,
    subject: EntityRef,
    sequence: u64,
    pub(crate) facet: Option<&'static str>,
    data: Result<serde_json::Value, Error>,
}

impl Announcement {
    /// An event as number `sequence` of its entity.
    pub(crate) fn of<D: Fact>(
        event: &Event<D>,
        subject: EntityRef,
        sequence: u64,
        data: &D,
    ) -> Self {
        let data = serde_json::to_value(data)
            .map_err(|fault| Error::internal(format!("{}: {fault}", event.spec.name)));
        Self { spec: event.spec, subject, sequence, facet: None, data }
    }
}

impl<Who: InTenant> Ctx<Who> {
    /// The events as they are committed now.
    pub(crate) fn births(&self, announcements: Vec<Announcement>) -> Result<Vec<Birth>, Error> {
        announcements.into_iter().map(|one| self.birth(one)).collect()
    }

    fn birth(&self, announcement: Announcement) -> Result<Birth, Error> {
        let Announcement { spec, subject, sequence, facet, data } = announcement;
        let origin = self.origin();
        let id: EventId = self.new_id();
        let envelope =
            Envelope::new(&spec, id, subject.clone(), sequence, self.now(), &origin, data?);
        Ok(Birth {
            scope: self.mode_scope(),
            subject,
            sequence,
            event_id: id,
            kind: spec.name.to_owned(),
            major: spec.major,
            module: spec.module().to_owned(),
            ordered: spec.ordering() == interface::Ordering::Aggregate,
            priority: spec.priority.as_str().to_owned(),
            public: spec.public,
            facet: facet.map(str::to_owned),
            envelope: envelope.to_bytes().map_err(|fault| Error::internal(fault.to_string()))?,
            traceparent: self.call.traceparent.clone(),
        })
    }

    pub(crate) fn origin(&self) -> Origin {
        Origin {
            tenant: self.who.tenant(),
            livemode: self.who.livemode(),
            actor: self.who.actor(),
            correlation: self.call.correlation.clone(),
            causation: self.call.causation,
            traceparent: self.call.traceparent.clone(),
        }
    }
}

/// The outbox rows of these events, each with the public object as of this commit.
pub(crate) fn rows_of(
    births: &[Birth],
    snapshot: Option<&serde_json::Value>,
    now: kernel::Timestamp,
) -> Change {
    let object = snapshot.map(ToString::to_string);
    let object = object.filter(|object| object.len() <= SNAPSHOT_MAX_BYTES);
    let rows = births.iter().map(|birth| {
        let row = OutboxRow::born(birth, now);
        match &object {
            Some(object) => row.with_snapshot(object.clone()),
            None => row,
        }
    });
    rows.fold(Change::new(), |change, row| change.append(row.into_change()))
}
