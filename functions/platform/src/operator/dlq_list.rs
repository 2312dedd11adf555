use contracts::platform::{DeadLetter, DeadLetterList, Listing};
use kernel::Error;
use runtime::{Ctx, Operator};

use crate::store::letters::{Dead, Letters};
use crate::store::pages::{cursor, resumed};

/// Lists what a listener gave up, oldest first. The index holds keys only: the rows themselves say what
/// is a dead letter still.
pub async fn handle(
    ctx: Ctx<Operator>,
    request: DeadLetterList,
) -> Result<Listing<DeadLetter>, Error> {
    if ctx.backbone().listener(&request.listener).is_none() {
        return Err(Error::not_found());
    }
    let letters = Letters::of(ctx.store(), &request.listener);
    let query = letters.query().limit(request.limit.get());
    let query = resumed(query, request.cursor.as_deref())?;
    let page = ctx.store().query_items(&query).await?;
    let data = letters.opened(&page.items).await?.into_iter().map(line).collect();
    Ok(Listing { data, next: page.next.as_ref().map(|next| cursor(&query, next)) })
}

fn line(dead: Dead) -> DeadLetter {
    DeadLetter {
        event: dead.letter.address(),
        replay_id: dead.letter.part,
        attempts: dead.row.attempts,
        error_code: dead.row.last_error_code,
        error_fingerprint: dead.row.last_error_fp,
        trace_id: dead.row.trace_id,
        failed_at: dead.failed_at,
    }
}
