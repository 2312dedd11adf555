use contracts::platform::{Listing, ScheduleLine, ScheduleList};
use kernel::Error;
use runtime::{Ctx, Operator};

use crate::store::timers::Timers;

/// Lists what is planned for a later time, earliest first: scheduled events, events on their way
/// back to a listener, replays that are watched.
pub async fn handle(
    ctx: Ctx<Operator>,
    request: ScheduleList,
) -> Result<Listing<ScheduleLine>, Error> {
    let timers = Timers::of(ctx.store());
    let (data, next) = timers.page(request.limit.get(), request.cursor.as_deref()).await?;
    Ok(Listing { data, next })
}
