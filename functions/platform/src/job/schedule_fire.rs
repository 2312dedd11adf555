use kernel::Error;
use runtime::schedule::Due;
use runtime::{Ctx, System};

/// Fires one precise timer, to the second. Running twice, early or late is harmless: the row says whether
/// it is due, and the transaction that fires it asks that it still is.
pub async fn handle(ctx: Ctx<System>, due: Due) -> Result<(), Error> {
    ctx.fire_due(&due).await
}
