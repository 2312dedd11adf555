use events::notification::Queued;
use kernel::Error;
use runtime::{Ctx, Outcome, Received, Worker};

use crate::dispatch::mail;
use crate::store::keys::RowName;

/// Hands a queued mail to the mail system. The row decides: a repeat finds it settled or held.
pub async fn handle(ctx: Ctx<Worker>, queued: Received<Queued>) -> Result<Outcome, Error> {
    match RowName::of(&queued.data) {
        Some(name) => mail::deliver(&ctx, &name).await,
        None => Ok(Outcome::Skip("other_channel")),
    }
}
