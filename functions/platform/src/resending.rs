//! Which events of a replay's chunk go to the listener, and how.

use std::time::Duration;

use contracts::platform::Only;
use kernel::Error;
use runtime::backbone::Hearing;
use runtime::redelivery::{Message, Published};
use runtime::{Ctx, System};
use store::inbox::{self, InboxKey, InboxRow, State};
use store::{Consistency, Key};

use crate::domain::chunk::Kept;
use crate::store::cursors::is_passed;
use crate::store::outbox::scope_of;
use crate::store::replay_row::ReplayRow;

/// How much later than it may begin a replay may still come to an event: the record is longer by more.
const SLACK: Duration = Duration::from_secs(24 * 3600);

/// Where the events of a chunk were kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Outbox,
    Archive,
}

/// The events of a chunk on their way to the listener.
pub struct Resending<'a> {
    pub ctx: &'a Ctx<System>,
    pub row: &'a ReplayRow,
    pub listener: &'a Hearing,
    pub source: Source,
}

impl Resending<'_> {
    /// Sends the wanted ones of these events; says how many.
    pub async fn send(&self, events: &[Kept]) -> Result<u64, Error> {
        let part = self.row.replay_id.to_string();
        let mut sent = 0;
        for (event, forced) in self.chosen(events).await? {
            let message = Message {
                queue: &self.listener.queue,
                event: Published { envelope: &event.envelope, partitionkey: &event.partitionkey },
                part: (self.row.only == Only::All).then_some(part.as_str()),
                forced,
                deduplication_id: format!("{}:{part}", event.id),
                delay_s: 0,
            };
            self.ctx.send_to_listener(&message).await?;
            sent += 1;
        }
        Ok(sent)
    }

    /// Which of the events go, and whether past the order of their entities.
    async fn chosen<'e>(&self, events: &'e [Kept]) -> Result<Vec<(&'e Kept, bool)>, Error> {
        if self.row.only == Only::All {
            return Ok(events.iter().map(|event| (event, true)).collect());
        }
        let scope = scope_of(self.row.tenant_id, self.row.livemode);
        let inboxes =
            events.iter().map(|event| InboxKey::new(&scope, &self.row.listener, event.id, None));
        let inboxes: Vec<InboxKey> = inboxes.collect();
        let keys: Vec<Key> = inboxes.iter().map(|inbox| inbox.key().clone()).collect();
        let found = self.ctx.store().get_many::<InboxRow>(&keys, Consistency::Strong).await?;
        let mut chosen = Vec::new();
        for ((event, inbox), found) in events.iter().zip(inboxes).zip(found) {
            match (self.row.only, found) {
                // A slow replay may come to what is on record no more.
                (Only::Missing, None) if !self.is_on_record(event) => {}
                (Only::Missing, None) => chosen.push((event, self.is_late(event).await?)),
                (Only::Failed, Some(found)) if found.failed_pk.is_some() => {
                    if found.state == State::Failed {
                        let reopened = inbox::reopen(&inbox, self.ctx.now());
                        let _ = self.ctx.store().update(reopened).await?;
                    }
                    chosen.push((event, self.is_passed(event).await?));
                }
                // Nothing else can hand it out: its outbox row is gone. Before its turn it is parked
                // again.
                (Only::Failed, Some(found))
                    if found.state == State::Parked && self.source == Source::Archive =>
                {
                    chosen.push((event, false));
                }
                _ => {}
            }
        }
        Ok(chosen)
    }

    /// Whether the listener would have a record of the event, had it handled it.
    fn is_on_record(&self, event: &Kept) -> bool {
        event.id.created_at() >= self.ctx.now().minus(inbox::REMEMBERED + SLACK)
    }

    /// Whether an event the listener has no record of is to go past the order of its entity. The
    /// archive keeps no order: whichever of an entity's events came second would be taken for one
    /// that is done.
    async fn is_late(&self, event: &Kept) -> Result<bool, Error> {
        match self.source {
            Source::Archive => Ok(self.listener.ordered),
            Source::Outbox => self.is_passed(event).await,
        }
    }

    async fn is_passed(&self, event: &Kept) -> Result<bool, Error> {
        let scope = scope_of(self.row.tenant_id, self.row.livemode);
        let place = (&event.subject, event.sequence);
        is_passed(self.ctx.store(), self.listener, &scope, place).await
    }
}
