use contracts::platform::{ListenerLine, ListenerList};
use kernel::{Error, Page};
use runtime::backbone::Hearing;
use runtime::{Ctx, Operator};
use store::PAGE_MAX;

use crate::store::letters::Letters;

/// Lists the listeners, those that events are collected for, and the other jobs: one query each, and the
/// depth of their queues.
pub async fn handle(
    ctx: Ctx<Operator>,
    request: ListenerList,
) -> Result<Page<ListenerLine>, Error> {
    let wanted = request.listener.as_deref();
    let backbone = ctx.backbone();
    let collected = backbone.collected.iter().map(|one| &one.hearing);
    let all = backbone.listeners.iter().chain(collected).chain(&backbone.jobs);
    let chosen: Vec<&Hearing> =
        all.filter(|one| wanted.is_none_or(|id| one.listener == id)).collect();
    if wanted.is_some() && chosen.is_empty() {
        return Err(Error::not_found());
    }
    let mut data = Vec::new();
    for hearing in chosen {
        data.push(line(&ctx, hearing).await?);
    }
    Ok(Page::new(data, None))
}

async fn line(ctx: &Ctx<Operator>, hearing: &Hearing) -> Result<ListenerLine, Error> {
    let failed = Letters::of(ctx, hearing).count(PAGE_MAX).await?;
    let blocks = hearing.on_exhausted == "block";
    Ok(ListenerLine {
        listener: hearing.listener.clone(),
        types: hearing.types.clone(),
        ordered: hearing.ordered,
        priority: hearing.priority.clone(),
        tries: hearing.tries,
        backoff_s: hearing.backoff_s.clone(),
        on_exhausted: hearing.on_exhausted.clone(),
        failed,
        blocked: if blocks { failed } else { 0 },
        waiting: ctx.queue_depth(&hearing.queue).await,
        dead_letters: ctx.queue_depth(&hearing.dead_letter_queue).await,
    })
}
