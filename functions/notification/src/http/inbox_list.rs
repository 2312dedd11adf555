use contracts::notification::{Inbox, InboxFilter, ListInbox};
use kernel::{Error, FaultCode, Refusal};
use runtime::{Ctx, Reply, User};

use crate::domain::inbox::Filter;
use crate::store::inboxes::Inboxes;
use crate::view;

/// Most items of one page.
const LIMIT_MAX: u32 = 100;

/// Lists the caller's inbox, newest first, with its counters.
pub async fn handle(ctx: Ctx<User>, request: ListInbox) -> Result<Reply<Inbox>, Error> {
    if request.limit > LIMIT_MAX {
        let refusal = Refusal::new(FaultCode::OutOfRange, "use a number from 0 to 100");
        return Err(Error::validation(vec![refusal.at("limit")]));
    }
    let filter = match request.filter {
        None => Filter::Current,
        Some(InboxFilter::Unread) => Filter::Unread,
        Some(InboxFilter::Archived) => Filter::Archived,
    };
    let limit = usize::try_from(request.limit).unwrap_or(0);
    let (inboxes, user) = (Inboxes::of(&ctx), ctx.user().id());
    let inbox = inboxes.load(user).await?.inbox;
    let (numbers, has_more) = inbox.page(filter, request.before_seq, limit);
    let items = inboxes.items(user, &numbers).await?;
    let data = items.into_iter().map(|row| view::item(&inbox, row)).collect();
    Ok(Reply::new(Inbox { head: view::head(&inbox), data, has_more }))
}
