use contracts::platform::{Listing, OutboxLine, OutboxList, Unpublished};
use kernel::Error;
use runtime::{Ctx, Operator};
use store::outbox::OutboxRow;

use crate::store::outbox::{address_of, canonical};
use crate::store::unpublished::{Page, Unsettled};

/// Lists what was given up, by type, or what is due and waits, oldest first. The indexes hold keys
/// only: the rows themselves say what is still so.
pub async fn handle(ctx: Ctx<Operator>, request: OutboxList) -> Result<Listing<OutboxLine>, Error> {
    let unsettled = Unsettled::of(ctx.store());
    let (limit, cursor) = (request.limit.get(), request.cursor.as_deref());
    let kind = request.kind.as_deref().map(canonical);
    let Page { rows, next } = match request.status {
        Unpublished::Failed => {
            let kinds = kind.clone().map_or_else(|| known_types(&ctx), |kind| vec![kind]);
            unsettled.failed(&kinds, limit, cursor).await?
        }
        Unpublished::Pending => unsettled.pending(ctx.now(), limit, cursor).await?,
    };
    let wanted = |row: &OutboxRow| kind.as_ref().is_none_or(|kind| row.kind == *kind);
    Ok(Listing { data: rows.into_iter().filter(wanted).filter_map(line).collect(), next })
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
