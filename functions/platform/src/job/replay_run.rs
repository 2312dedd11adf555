use contracts::platform::Only;
use kernel::Error;
use runtime::redelivery::Message;
use runtime::{Ctx, System};
use store::cursor::{self, Cursor, CursorRow};
use store::inbox::{self, InboxKey, InboxRow, State};
use store::outbox::OutboxRow;
use store::planted::{self, Bug};
use store::{Consistency, Key};

use crate::domain::replay::pause_s;
use crate::replaying::{NextChunk, ask};
use crate::store::outbox::{Outbox, scope_of};
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
    let chunk = replays.chunk(&row).await?;
    let rows = Outbox::of(ctx.store()).rows(&chunk.keys).await?;
    let sent = send(&ctx, &row, rows).await?;
    match replays.advance(&row, &chunk, sent, ctx.now()).await? {
        Some(after) if !after.state.is_over() => {
            ask(&ctx, &after, pause_s(sent, row.rate_per_s)).await
        }
        _ => Ok(()),
    }
}

/// Sends the wanted ones of these events to the listener; says how many.
async fn send(ctx: &Ctx<System>, row: &ReplayRow, events: Vec<OutboxRow>) -> Result<u64, Error> {
    let Some(queue) = ctx.backbone().listener(&row.listener).map(|one| one.queue.clone()) else {
        return Ok(0);
    };
    let part = row.replay_id.to_string();
    let mut sent = 0;
    for (event, forced) in chosen(ctx, row, events).await? {
        let message = Message {
            queue: &queue,
            row: &event,
            part: (row.only == Only::All).then_some(part.as_str()),
            forced,
            deduplication_id: format!("{}:{part}", event.event_id),
            delay_s: 0,
        };
        ctx.send_to_listener(&message).await?;
        sent += 1;
    }
    Ok(sent)
}

/// Which of the events go, and whether past the order of their entities.
async fn chosen(
    ctx: &Ctx<System>,
    row: &ReplayRow,
    events: Vec<OutboxRow>,
) -> Result<Vec<(OutboxRow, bool)>, Error> {
    if row.only == Only::All {
        return Ok(events.into_iter().map(|event| (event, true)).collect());
    }
    let scope = scope_of(row.tenant_id, row.livemode);
    let inboxes =
        events.iter().map(|event| InboxKey::new(&scope, &row.listener, event.event_id, None));
    let inboxes: Vec<InboxKey> = inboxes.collect();
    let keys: Vec<Key> = inboxes.iter().map(|inbox| inbox.key().clone()).collect();
    let found = ctx.store().get_many::<InboxRow>(&keys, Consistency::Strong).await?;
    let mut chosen = Vec::new();
    for ((event, inbox), found) in events.into_iter().zip(inboxes).zip(found) {
        match (row.only, found) {
            (Only::Missing, None) => {
                let passed = is_passed(ctx, row, &event).await?;
                chosen.push((event, passed));
            }
            (Only::Failed, Some(found)) if found.state == State::Failed => {
                let _ = ctx.store().update(inbox::reopen(&inbox, ctx.now())).await?;
                chosen.push((event, false));
            }
            // Reopened by a run of this chunk that did not come to its end.
            (Only::Failed, Some(found)) if found.state == State::Retry && found.attempts == 0 => {
                chosen.push((event, false));
            }
            _ => {}
        }
    }
    Ok(chosen)
}

/// Whether the listener's cursor of the entity has gone past an event it has no record of: it would
/// be taken for one that is done.
async fn is_passed(ctx: &Ctx<System>, row: &ReplayRow, event: &OutboxRow) -> Result<bool, Error> {
    if !ctx.backbone().listener(&row.listener).is_some_and(|one| one.ordered) {
        return Ok(false);
    }
    let scope = scope_of(row.tenant_id, row.livemode);
    let key = cursor::key_of(&scope, &row.listener, &event.subject);
    let found: Option<CursorRow> = ctx.store().get(&key, Consistency::Strong).await?;
    Ok(Cursor::of(key, found).applied_seq() >= event.sequence)
}
