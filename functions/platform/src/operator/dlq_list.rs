use contracts::platform::{DeadLetter, DeadLettersOf};
use kernel::{Error, List, Page, Timestamp};
use runtime::{Ctx, Operator};
use store::Key;

use crate::store::letters::{Dead, Letters};

/// Lists what a listener gave up, oldest first. The index holds keys only: the rows themselves say
/// what is a dead letter still. On the last page follow the messages of its dead-letter queue that
/// no such row tells of.
pub async fn handle(
    ctx: Ctx<Operator>,
    list: List<DeadLettersOf>,
) -> Result<Page<DeadLetter>, Error> {
    let listener = &list.filters.listener;
    let hearing = ctx.backbone().addressee(listener).ok_or_else(Error::not_found)?;
    let letters = Letters::of(&ctx, hearing);
    let Page { data: keys, next_cursor, .. } = ctx.page::<Key, _>(letters.query(), &list).await?;
    let mut data: Vec<DeadLetter> = letters.opened(&keys).await?.into_iter().map(shown).collect();
    if next_cursor.is_none() {
        let messages = letters.messages().await?;
        let crashed = letters.crashed(&messages).await?.into_iter().map(shown);
        let strangers = messages.iter().filter(|message| message.envelope.is_none());
        let aside = crashed.chain(strangers.map(|_| of("unreadable")));
        data.extend(aside.take(list.limit.get().saturating_sub(data.len())));
    }
    Ok(Page::new(data, next_cursor))
}

fn shown(dead: Dead) -> DeadLetter {
    let cause = if dead.is_given_up() { "exhausted" } else { "crashed" };
    let mut shown = DeadLetter { event: Some(dead.letter.address()), ..of(cause) };
    shown.replay_id = dead.letter.part;
    if let Some(row) = dead.row {
        shown.attempts = row.attempts;
        shown.error_code = row.last_error_code;
        shown.error_fingerprint = row.last_error_fp;
        shown.trace_id = row.trace_id;
        shown.failed_at = row.failed_at_ms.map(Timestamp::from_ms);
    }
    shown
}

fn of(cause: &str) -> DeadLetter {
    DeadLetter {
        event: None,
        cause: cause.to_owned(),
        replay_id: None,
        attempts: 0,
        error_code: None,
        error_fingerprint: None,
        trace_id: None,
        failed_at: None,
    }
}
