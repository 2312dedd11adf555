use contracts::platform::{DeadLetter, DeadLetterList, EventAddress, Listing};
use kernel::Error;
use runtime::dead_letters::DeadMessage;
use runtime::{Ctx, Operator};

use crate::store::letters::{Dead, Letters};
use crate::store::pages::{cursor, resumed};

/// Lists what a listener gave up, oldest first. The index holds keys only: the rows themselves say
/// what is a dead letter still. On the last page follow the messages of its dead-letter queue that
/// no row tells of.
pub async fn handle(
    ctx: Ctx<Operator>,
    request: DeadLetterList,
) -> Result<Listing<DeadLetter>, Error> {
    let hearing = ctx.backbone().addressee(&request.listener).ok_or_else(Error::not_found)?;
    let letters = Letters::of(ctx.store(), &request.listener);
    let query = letters.query().limit(request.limit.get());
    let query = resumed(query, request.cursor.as_deref())?;
    let page = ctx.store().query_items(&query).await?;
    let rows = letters.opened(&page.items).await?;
    let mut data: Vec<DeadLetter> = rows.into_iter().map(given_up).collect();
    let next = page.next.as_ref().map(|next| cursor(&query, next));
    if next.is_none() {
        let messages = ctx.dead_messages(&hearing.dead_letter_queue).await?;
        let others = messages.into_iter().filter_map(moved_aside);
        data.extend(others.take(request.limit.get().saturating_sub(data.len())));
    }
    Ok(Listing { data, next })
}

fn given_up(dead: Dead) -> DeadLetter {
    DeadLetter {
        event: Some(dead.letter.address()),
        cause: "exhausted".to_owned(),
        replay_id: dead.letter.part,
        attempts: dead.row.attempts,
        error_code: dead.row.last_error_code,
        error_fingerprint: dead.row.last_error_fp,
        trace_id: dead.row.trace_id,
        failed_at: Some(dead.failed_at),
    }
}

/// A message without a row; those of exhausted events have one, as long as they are dead letters.
fn moved_aside(message: DeadMessage) -> Option<DeadLetter> {
    let DeadMessage { envelope, cause } = message;
    let cause = match cause.as_deref() {
        None => "crashed",
        Some("unreadable") => "unreadable",
        Some(_) => return None,
    };
    let event = envelope.map(|one| EventAddress::of_id(one.tenantid, one.livemode, one.id));
    Some(DeadLetter {
        event,
        cause: cause.to_owned(),
        replay_id: None,
        attempts: 0,
        error_code: None,
        error_fingerprint: None,
        trace_id: None,
        failed_at: None,
    })
}
