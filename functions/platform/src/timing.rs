//! What an operator decides about a scheduled event: found, planned, and changed.

use contracts::platform::{Plan, ScheduleChoice};
use kernel::Error;
use runtime::{Ctx, Deed, Operator};
use store::schedule::ScheduledEvent;
use store::{Change, Update};

use crate::store::timers::{Timers, announced, ending};

/// Changes a scheduled event; one that is over is left alone.
pub async fn decide(
    ctx: &Ctx<Operator>,
    request: ScheduleChoice,
    words: impl Fn(&str) -> String,
    update: impl Fn(&ScheduledEvent) -> Update,
) -> Result<Plan, Error> {
    let address = request.schedule;
    let found = Timers::of(ctx.store()).get(&address).await?;
    let scheduled = found.ok_or_else(Error::not_found)?;
    let mut plan = Plan::new(ctx.who().is_confirmed());
    let Some(kind) = announced(&scheduled) else {
        plan.leave(&address, format!("it is over: {}", ending(&scheduled)));
        return Ok(plan);
    };
    plan.step(&address, words(kind));
    if !plan.done {
        return Ok(plan);
    }
    let mut change = Change::new();
    change.update(update(&scheduled));
    let target = format!("{}/{}", address.module, address.key);
    ctx.perform(Deed::of(change, vec![target]).natural(), plan).await
}
