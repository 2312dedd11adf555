use contracts::Nothing;
use contracts::platform::ScheduleLine;
use kernel::{Error, List, Page};
use runtime::{Ctx, Operator};

use crate::store::timers::Timers;

/// Lists what is planned for a later time, earliest first: scheduled events, events on their way
/// back to a listener, replays that are watched.
pub async fn handle(ctx: Ctx<Operator>, list: List<Nothing>) -> Result<Page<ScheduleLine>, Error> {
    let from = ctx.resumed(&list).await?;
    let (data, next) = Timers::of(ctx.store()).page(list.limit.get(), from).await?;
    ctx.paged(&list, data, next).await
}
