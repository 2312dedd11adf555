use contracts::platform::{Plan, ScheduleChoice};
use kernel::Error;
use runtime::{Ctx, Operator};

use crate::timing;

/// Cancels a scheduled event: nothing fires after that is committed. Safe to run twice: what is
/// over is left alone.
pub async fn handle(ctx: Ctx<Operator>, request: ScheduleChoice) -> Result<Plan, Error> {
    let words = |kind: &str| format!("never announces {kind}");
    timing::decide(&ctx, request, words, |row| row.cancel(ctx.now())).await
}
