use std::time::Duration;

use contracts::Empty;
use kernel::Error;
use kernel::cron::Recurrence;
use runtime::schedule::Timer;
use runtime::{Anonymous, Commit, Ctx, Reply};
use store::{Change, Update};

use super::{PlanTimer, RANG, Ring, TENANTS, TimerOrder, WORLD, thing};

/// Plans a timer, or calls it off; a row says that it was asked for.
pub async fn plan(ctx: Ctx<Anonymous>, request: PlanTimer) -> Result<Reply<Empty>, Error> {
    let tenant = TENANTS[usize::from(request.tenant) % TENANTS.len()];
    let ctx = ctx.enter(tenant, true, None);
    let name = format!("t{}", request.timer);
    let mut change = Change::new();
    change.update(Update::of(WORLD, thing::asked_of(&ctx.mode_scope(), &name)).add("n", 1));
    let commit = Commit::of(change);
    let (data, now) = (Ring { timer: request.timer }, ctx.now());
    let after = |seconds: u32| Duration::from_secs(seconds.into());
    let commit = match request.order {
        TimerOrder::At(seconds) => {
            commit.scheduling(Timer::at(&name, now.plus(after(seconds)), &RANG, &data))
        }
        TimerOrder::Instead(seconds) => {
            let timer = Timer::at(&name, now.plus(after(seconds)), &RANG, &data);
            commit.scheduling(timer.replacing().precise())
        }
        TimerOrder::Quiet(seconds) => {
            let (wait, most) = (after(seconds), after(seconds * 3));
            commit.scheduling(Timer::debounced(&name, wait, most, &RANG, &data))
        }
        TimerOrder::Hourly => {
            let hourly = Recurrence::utc("0 * * * ? *");
            let hourly = hourly.map_err(|fault| Error::internal(fault.to_string()))?;
            commit.scheduling(Timer::recurring(&name, hourly, &RANG, &data))
        }
        TimerOrder::Cancel => commit.cancelling(&name),
    };
    ctx.commit(commit, Reply::empty()).await
}
