use contracts::notification::{InboxHead, MarkInbox};
use kernel::Error;
use runtime::{Ctx, Reply, User};

use crate::store::inboxes::Inboxes;
use crate::view;

/// Marks the caller's inbox seen or read up to a number. Marks that change nothing write nothing.
pub async fn handle(ctx: Ctx<User>, request: MarkInbox) -> Result<Reply<InboxHead>, Error> {
    let inboxes = Inboxes::of(&ctx);
    let before = inboxes.load(ctx.user().id()).await?;
    let mut after = before.clone();
    if let Some(seq) = request.seen_upto {
        after.inbox.see_upto(seq);
    }
    if let Some(seq) = request.read_upto {
        after.inbox.read_upto(seq);
    }
    let reply = Reply::new(view::head(&after.inbox));
    if after == before {
        return Ok(reply);
    }
    ctx.commit(inboxes.save(&after, None), reply).await
}
