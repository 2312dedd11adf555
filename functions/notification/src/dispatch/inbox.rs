use kernel::{Error, UserId};
use runtime::{Ctx, Outcome, Uncommitted, Worker};

use crate::domain::hand_off::{self, Standing};
use crate::domain::outcome::{self, SkipReason};
use crate::store::inboxes::{GUARD, Inboxes};
use crate::store::keys::RowName;
use crate::store::outbox::Outbox;
use crate::store::outbox_row::CLAIM;

/// Puts the row's message into the inbox, once: item, counters and the row's end are one
/// transaction.
pub async fn deliver(ctx: &Ctx<Worker>, name: &RowName, user: UserId) -> Result<Outcome, Error> {
    let (inboxes, outbox) = (Inboxes::of(ctx), Outbox::of(ctx));
    let (row, inbox) = inboxes.with_row(name, user).await?;
    let Some(row) = row else { return Ok(Outcome::Skip("row_gone")) };
    let progress = row.progress();
    if hand_off::standing(&progress, ctx.now()) == Standing::Settled {
        return Ok(Outcome::Skip("settled"));
    }
    let mut end = hand_off::too_late(&progress, ctx.now());
    if end.is_none() {
        let guard = outbox.hand_off_guard(&row);
        match ctx.try_apply(inboxes.deliver(inbox, &row, &guard)).await {
            Ok(()) => return Ok(Outcome::Done),
            Err(Uncommitted::Refused { label: CLAIM, .. }) => return Ok(Outcome::Skip("settled")),
            Err(Uncommitted::Refused { label: GUARD, .. }) => {
                end = Some(outcome::Outcome::Skipped(SkipReason::Duplicate));
            }
            Err(other) => return Err(other.into()),
        }
    }
    if let Some(end) = end {
        outbox.settle_pending(&row, end).await?;
    }
    Ok(Outcome::Done)
}
