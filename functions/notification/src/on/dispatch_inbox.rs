use events::notification::Queued;
use kernel::Error;
use runtime::{Ctx, Outcome, Received, Worker};

use crate::dispatch::inbox;
use crate::store::keys::RowName;

/// Puts a queued message into the person's inbox. The row decides: a repeat finds it settled.
pub async fn handle(ctx: Ctx<Worker>, queued: Received<Queued>) -> Result<Outcome, Error> {
    match RowName::of(&queued.data) {
        Some(name) => inbox::deliver(&ctx, &name, queued.data.user_id).await,
        None => Ok(Outcome::Skip("other_channel")),
    }
}
