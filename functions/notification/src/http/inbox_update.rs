use contracts::notification::{InboxItem, UpdateInboxItem};
use kernel::{Error, FaultCode, Refusal};
use runtime::{Ctx, Reply, User};

use crate::domain::inbox::Refused;
use crate::store::inboxes::Inboxes;
use crate::view;

/// Reads, unreads, archives or brings back one item of the caller's inbox.
pub async fn handle(ctx: Ctx<User>, request: UpdateInboxItem) -> Result<Reply<InboxItem>, Error> {
    let inboxes = Inboxes::of(&ctx);
    let (before, item) = inboxes.load_with(ctx.user().id(), request.seq).await?;
    let item = item.ok_or_else(Error::not_found)?;
    let mut after = before.clone();
    after.inbox.change(request.seq, request.read, request.archived).map_err(refusal)?;
    let newly_read = after.inbox.is_read(item.seq) && !before.inbox.is_read(item.seq);
    let seen = newly_read.then_some(item.notification_id);
    let reply = Reply::new(view::item(&after.inbox, item));
    if after == before {
        return Ok(reply);
    }
    ctx.commit(inboxes.save(&after, seen), reply).await
}

fn refusal(refused: Refused) -> Error {
    match refused {
        Refused::Unknown => Error::not_found(),
        Refused::UnreadInArchive => {
            let text = "an archived item is read: send `read: false` or `archived: true`, not both";
            Error::validation(vec![Refusal::new(FaultCode::NotAllowed, text).at("/read")])
        }
    }
}
