use contracts::platform::{Plan, ScheduleChoice};
use kernel::Error;
use runtime::{Ctx, Operator};

use crate::timing;

/// Makes a scheduled event due now: the next sweep, within a minute, fires it. Safe to run twice:
/// what has fired is left alone.
pub async fn handle(ctx: Ctx<Operator>, request: ScheduleChoice) -> Result<Plan, Error> {
    let words = |kind: &str| format!("announces {kind} within a minute");
    timing::decide(&ctx, request, words, |row| row.bring_forward(ctx.now())).await
}
