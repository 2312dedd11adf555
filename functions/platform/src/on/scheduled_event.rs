use events::Envelope;
use kernel::Error;
use runtime::{Ctx, Outcome, Worker};

/// Keeps an event for the listeners that are given many at once. Running twice is safe: the inbox row is
/// in the same transaction.
pub async fn handle(ctx: Ctx<Worker>, event: Envelope) -> Result<Outcome, Error> {
    ctx.keep(&event).await
}
