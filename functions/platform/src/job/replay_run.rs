use contracts::platform::Only;
use kernel::Error;
use runtime::backbone::Hearing;
use runtime::redelivery::{Message, Published};
use runtime::{Ctx, System};
use store::cursor::{self, Cursor, CursorRow};
use store::inbox::{self, InboxKey, InboxRow, State};
use store::planted::{self, Bug};
use store::{Consistency, Key};

use crate::archive::Archive;
use crate::domain::chunk::Kept;
use crate::domain::replay::pause_s;
use crate::domain::walk::Position;
use crate::recalling;
use crate::replaying::{NextChunk, ask};
use crate::store::day_index::DayIndex;
use crate::store::outbox::scope_of;
use crate::store::replay_row::ReplayRow;
use crate::store::replays::Replays;

/// Does one chunk of a replay: reads, sends, writes down that it is done, and asks for the next.
///
/// Safe to run twice: a chunk that is done, or of a replay that is over, is passed over; one that
/// is sent twice is absorbed by the inbox. Should the next chunk not be asked for, the replay is
/// stale and is started again.
pub async fn handle(ctx: Ctx<System>, message: NextChunk) -> Result<(), Error> {
    let replays = Replays::of(ctx.store());
    let Some(row) = replays.get(message.replay_id).await? else { return Ok(()) };
    if row.state.is_over() || row.chunk != message.chunk {
        return Ok(());
    }
    let unread = row.range.unread_for(ctx.now());
    if !unread.is_zero() && !planted::is(Bug::StaleIndexTrusted) {
        let delay_s = u32::try_from(unread.as_secs() + 1).unwrap_or(u32::MAX);
        return ask(&ctx, &row, delay_s).await;
    }
    let (position, archive) = (row.position.clone(), Archive::of(&ctx));
    let (chunk, from) = match (&archive, position) {
        (Some(archive), position) => match row.range.resumed(position, ctx.now()) {
            Position::Archive(at) => {
                (recalling::chunk(&ctx, archive, &row, &at).await?, Source::Archive)
            }
            Position::Index(at) => {
                (DayIndex::of(ctx.store(), &row).chunk(at).await?, Source::Outbox)
            }
        },
        (None, Position::Index(at)) => {
            (DayIndex::of(ctx.store(), &row).chunk(at).await?, Source::Outbox)
        }
        (None, Position::Archive(_)) => {
            return Err(Error::internal("the replay needs an archive, and none is configured"));
        }
    };
    let sent = match ctx.backbone().listener(&row.listener) {
        Some(listener) => {
            Resending { ctx: &ctx, row: &row, listener, from }.send(&chunk.events).await?
        }
        None => 0,
    };
    match replays.advance(&row, &chunk, sent, ctx.now()).await? {
        Some(after) if !after.state.is_over() => {
            ask(&ctx, &after, pause_s(sent, row.rate_per_s)).await
        }
        _ => Ok(()),
    }
}

/// Where the events of a chunk were kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Outbox,
    Archive,
}

/// The events of a chunk on their way to the listener.
struct Resending<'a> {
    ctx: &'a Ctx<System>,
    row: &'a ReplayRow,
    listener: &'a Hearing,
    from: Source,
}

impl Resending<'_> {
    /// Sends the wanted ones of these events; says how many.
    async fn send(&self, events: &[Kept]) -> Result<u64, Error> {
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
                (Only::Missing, None) => chosen.push((event, self.is_late(event).await?)),
                (Only::Failed, Some(found)) if found.state == State::Failed => {
                    let _ = self.ctx.store().update(inbox::reopen(&inbox)).await?;
                    chosen.push((event, self.is_passed(event).await?));
                }
                // Reopened by a run of this chunk that did not come to its end.
                (Only::Failed, Some(found))
                    if found.state == State::Retry && found.attempts == 0 =>
                {
                    chosen.push((event, self.is_passed(event).await?));
                }
                // Nothing else can hand it out: its outbox row is gone. Before its turn it is parked
                // again.
                (Only::Failed, Some(found))
                    if found.state == State::Parked && self.from == Source::Archive =>
                {
                    chosen.push((event, false));
                }
                _ => {}
            }
        }
        Ok(chosen)
    }

    /// Whether an event the listener has no record of is to go past the order of its entity. The
    /// archive keeps no order: whichever of an entity's events came second would be taken for one
    /// that is done.
    async fn is_late(&self, event: &Kept) -> Result<bool, Error> {
        match self.from {
            Source::Archive => Ok(self.listener.ordered),
            Source::Outbox => self.is_passed(event).await,
        }
    }

    /// Whether the listener's cursor of the entity has gone past the event: it would be taken for one
    /// that is done.
    async fn is_passed(&self, event: &Kept) -> Result<bool, Error> {
        if !self.listener.ordered {
            return Ok(false);
        }
        let scope = scope_of(self.row.tenant_id, self.row.livemode);
        let key = cursor::key_of(&scope, &self.row.listener, &event.subject);
        let found: Option<CursorRow> = self.ctx.store().get(&key, Consistency::Strong).await?;
        Ok(Cursor::of(key, found).applied_seq() >= event.sequence)
    }
}
