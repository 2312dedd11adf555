use contracts::platform::{Plan, ScheduleChoice};
use kernel::Error;
use runtime::{Ctx, Deed, Operator};
use store::Change;

use crate::store::timers::{Timers, announced, ending};

/// Cancels a scheduled event: nothing fires after that is committed. Safe to run twice: what is
/// over is left alone.
pub async fn handle(ctx: Ctx<Operator>, request: ScheduleChoice) -> Result<Plan, Error> {
    let address = request.schedule;
    let found = Timers::of(ctx.store()).get(&address).await?;
    let scheduled = found.ok_or_else(Error::not_found)?;
    let mut plan = Plan::new(ctx.who().is_confirmed());
    let Some(kind) = announced(&scheduled) else {
        plan.leave(&address, format!("it is over: {}", ending(&scheduled)));
        return Ok(plan);
    };
    plan.step(&address, format!("never announces {kind}"));
    if !plan.done {
        return Ok(plan);
    }
    let mut change = Change::new();
    change.update(scheduled.cancel(ctx.now()));
    let target = format!("{}/{}", address.module, address.key);
    ctx.perform(Deed::of(change, vec![target]).natural(), plan).await
}
