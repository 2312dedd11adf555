use contracts::Nothing;
use contracts::notification::InboxHead;
use kernel::Error;
use runtime::{Ctx, Reply, User};

use crate::store::inboxes::Inboxes;
use crate::view;

/// Answers the counters of the caller's inbox.
pub async fn handle(ctx: Ctx<User>, _: Nothing) -> Result<Reply<InboxHead>, Error> {
    let row = Inboxes::of(&ctx).load(ctx.user().id()).await?;
    Ok(Reply::new(view::head(&row.inbox)))
}
