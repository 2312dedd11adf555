use contracts::notification::{InboxFilter, InboxItem, InboxPart};
use kernel::{Error, List, Page};
use runtime::{Ctx, Reply, User};

use crate::domain::inbox::Filter;
use crate::store::inboxes::Inboxes;
use crate::view;

/// Lists the caller's inbox, newest first. A page goes on below the number the one before ended with,
/// so what arrives meanwhile does not shift it.
pub async fn handle(
    ctx: Ctx<User>,
    list: List<InboxPart>,
) -> Result<Reply<Page<InboxItem>>, Error> {
    let filter = match list.filters.filter {
        None => Filter::Current,
        Some(InboxFilter::Unread) => Filter::Unread,
        Some(InboxFilter::Archived) => Filter::Archived,
    };
    let before: Option<u64> = ctx.resumed(&list).await?;
    let (inboxes, user) = (Inboxes::of(&ctx), ctx.user().id());
    let inbox = inboxes.load(user).await?.inbox;
    let (numbers, has_more) = inbox.page(filter, before, list.limit.get());
    let items = inboxes.items(user, &numbers).await?;
    let data = items.into_iter().map(|row| view::item(&inbox, row)).collect();
    let next = numbers.last().filter(|_| has_more);
    Ok(Reply::new(ctx.paged(&list, data, next).await?))
}
