use contracts::platform::{OutboxLine, OutboxPart, Unpublished};
use kernel::{Error, List, Page};
use runtime::{Ctx, Operator};
use store::outbox::OutboxRow;

use crate::store::outbox::{address_of, canonical};
use crate::store::unpublished::Unsettled;

/// Lists what was given up, by type, or what is due and waits, oldest first. The indexes hold keys
/// only: the rows themselves say what is still so.
pub async fn handle(ctx: Ctx<Operator>, list: List<OutboxPart>) -> Result<Page<OutboxLine>, Error> {
    let (unsettled, limit) = (Unsettled::of(ctx.store()), list.limit.get());
    let kind = list.filters.kind.as_deref().map(canonical);
    let lines = |rows: Vec<OutboxRow>| {
        let wanted = |row: &OutboxRow| kind.as_ref().is_none_or(|kind| row.kind == *kind);
        rows.into_iter().filter(wanted).filter_map(line).collect()
    };
    match list.filters.status {
        Unpublished::Failed => {
            let kinds = kind.clone().map_or_else(|| known_types(&ctx), |kind| vec![kind]);
            let found = unsettled.failed(&kinds, limit, ctx.resumed(&list).await?).await?;
            ctx.paged(&list, lines(found.rows), found.next).await
        }
        Unpublished::Pending => {
            let from = ctx.resumed(&list).await?;
            let found = unsettled.pending(ctx.now(), limit, from).await?;
            ctx.paged(&list, lines(found.rows), found.next).await
        }
    }
}

/// Every type that is declared or heard, in order.
fn known_types(ctx: &Ctx<Operator>) -> Vec<String> {
    let declared = events::catalogue().entries.into_iter().map(|one| one.spec.name.to_owned());
    let heard = ctx.backbone().listeners.iter().flat_map(|one| one.types.iter().cloned());
    let mut types: Vec<String> = declared.chain(heard).collect();
    types.sort_unstable();
    types.dedup();
    types
}

fn line(row: OutboxRow) -> Option<OutboxLine> {
    Some(OutboxLine {
        event: address_of(&row)?,
        event_id: row.event_id,
        kind: row.kind,
        status: crate::view::word(&row.status),
        attempts: row.attempts,
        replay_no: row.replay_no,
        error_code: row.last_error_code,
        error_fingerprint: row.last_error_fp,
        committed_at: row.created_at,
        due_at: row.due_at,
    })
}
