use contracts::platform::{EventShow, EventStory};
use kernel::{Error, EventId};
use runtime::backbone::Hearing;
use runtime::{Ctx, Operator};
use store::cursor::{self, CursorRow};
use store::inbox::{InboxKey, InboxRow};
use store::outbox::OutboxRow;
use store::{BATCH_GET_MAX, Consistency, INBOX, Item, Key, Table};

use crate::store::outbox::{Found, Outbox, placed, scope_of};
use crate::view::story;

/// How many later events of each index are looked through for what the event caused.
const LATER: usize = 40;

/// Tells the story of one event. Its index finds it by its id, together with the tenant's next
/// events of the day, among which are those its handling caused; one joint read then brings every
/// row.
pub async fn handle(ctx: Ctx<Operator>, request: EventShow) -> Result<EventStory, Error> {
    let outbox = Outbox::of(ctx.store());
    let found = outbox.around(&request.event, LATER).await?.ok_or_else(Error::not_found)?;
    let own = Own::of(&ctx, &request, &found);
    let room = BATCH_GET_MAX.saturating_sub(own.keys.len());
    let later = found.later.iter().take(room);
    let left_out = found.later.get(room.saturating_sub(1)).filter(|_| found.later.len() > room);
    let until = left_out.map(|(id, _)| *id).or(found.until);
    let mut keys = own.keys.clone();
    keys.extend(later.map(|(_, key)| placed(key)));
    let mut items = ctx.store().get_batch(&keys, Consistency::Strong).await?;
    let later = items.split_off(own.keys.len().min(items.len()));
    let later: Vec<OutboxRow> =
        later.into_iter().flatten().filter_map(|item| item.decode().ok()).collect();
    let mut story = own.story(items, &later).ok_or_else(Error::not_found)?;
    story.caused_searched_until = until.map(|id: EventId| id.created_at());
    Ok(story)
}

/// The event's own rows: first that of the outbox, then an inbox row of each listener, then the
/// cursors of those that keep order.
struct Own<'a> {
    hearing: Vec<&'a Hearing>,
    keys: Vec<(Table, Key)>,
}

impl<'a> Own<'a> {
    fn of(ctx: &'a Ctx<Operator>, request: &EventShow, found: &Found) -> Self {
        let scope = scope_of(request.event.tenant_id, request.event.livemode);
        let part = request.replay_id.map(|id| id.to_string());
        let is_meant = |one: &&Hearing| {
            one.types.iter().any(|kind| kind.split('@').next() == Some(found.kind.as_str()))
        };
        // Two rows for each: more listeners than that no event has.
        let hearing = ctx.backbone().listeners.iter().filter(is_meant).take(BATCH_GET_MAX / 3);
        let hearing: Vec<&Hearing> = hearing.collect();
        let inbox = |one: &&Hearing| {
            let inbox = InboxKey::new(&scope, &one.listener, found.event, part.as_deref());
            (INBOX, inbox.key().clone())
        };
        let subject = found.subject();
        let cursor = |one: &&Hearing| {
            Some((INBOX, cursor::key_of(&scope, &one.listener, subject.as_ref()?)))
        };
        let mut keys = vec![placed(&found.key)];
        keys.extend(hearing.iter().map(inbox));
        keys.extend(hearing.iter().filter(|one| one.ordered).filter_map(cursor));
        Self { hearing, keys }
    }

    fn story(&self, items: Vec<Option<Item>>, later: &[OutboxRow]) -> Option<EventStory> {
        let mut items = items.into_iter();
        let row: OutboxRow = items.next()??.decode().ok()?;
        let inboxes: Vec<_> = items.by_ref().take(self.hearing.len()).collect();
        let mut cursors = items;
        let heard = self.hearing.iter().zip(inboxes).filter_map(|(hearing, item)| {
            let inbox: Option<InboxRow> = item.and_then(|item| item.decode().ok());
            let cursor = if hearing.ordered { cursors.next().flatten() } else { None };
            let cursor: Option<CursorRow> = cursor.and_then(|item| item.decode().ok());
            // A listener of one facet never hears the others.
            let hears = hearing.facets.is_empty()
                || row.facet.as_ref().is_some_and(|facet| hearing.facets.contains(facet));
            (hears || inbox.is_some()).then_some((*hearing, inbox, cursor))
        });
        let heard = heard.collect();
        story::of(row, heard, later)
    }
}
