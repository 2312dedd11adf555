use kernel::Error;
use runtime::page::{CURSOR_SEAL, SealKeys};
use runtime::{Ctx, System};

/// Makes the key that seals cursors, where there is none. Safe to run twice: of two runs that make
/// it the first one's stands.
pub async fn handle(ctx: Ctx<System>) -> Result<(), Error> {
    if ctx.secrets().get(CURSOR_SEAL).await?.is_none() {
        ctx.secrets().create(CURSOR_SEAL, &SealKeys::first(ctx.random())).await?;
    }
    Ok(())
}
