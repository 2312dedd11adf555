use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;
use contracts::gateway::Condition;
use events::gateway::{DEGRADED, ModuleChanged, RECOVERED};
use kernel::{Error, Timestamp};
use runtime::{Commit, Ctx, System};
use store::lease;
use store::outbox::{self, DUE_SHARDS};

use crate::domain::health::{self, Probed, Seen};
use crate::domain::registry::{self, Registered};
use crate::store::HealthRows;

/// One probe at a time.
const LEASE: Duration = Duration::from_secs(55);

/// Looks at every module and writes down how it is; announces what changed.
pub async fn handle(ctx: Ctx<System>) -> Result<(), Error> {
    let holder = ctx.request_id().to_string();
    let lease = lease::acquire(ctx.store(), "health_probe", &holder, LEASE, ctx.now()).await?;
    let Some(lease) = lease else { return Ok(()) };
    let modules = registry::all()?;
    let before = HealthRows::of(&ctx).probed(&modules).await?;
    let lag = outbox_lag(&ctx).await;
    for (module, before) in modules.iter().zip(before) {
        let seen = look(&ctx, module, &lag).await;
        let after = health::decide(&module.name, before.as_ref(), &seen, ctx.now());
        write(&ctx, before.as_ref(), after).await?;
    }
    lease.release(ctx.store()).await.map_err(Error::from)
}

async fn look(ctx: &Ctx<System>, module: &Registered, lag: &Result<Duration, Error>) -> Seen {
    let mut seen = Seen::default();
    match lag {
        Ok(lag) => seen.outbox_lag = *lag,
        Err(_) => seen.unreachable.push("table outbox".to_owned()),
    }
    for listener in &module.listeners {
        let queue = format!("{}-dlq", ctx.config().function_name(listener));
        match depth(ctx, &queue).await {
            Some(messages) => seen.dead_letters += messages,
            None => seen.unreachable.push(format!("queue {queue}")),
        }
    }
    seen
}

async fn depth(ctx: &Ctx<System>, queue: &str) -> Option<u64> {
    let url = ctx.sqs().get_queue_url().queue_name(queue).send().await.ok()?;
    let wanted = QueueAttributeName::ApproximateNumberOfMessages;
    let request = ctx.sqs().get_queue_attributes().set_queue_url(url.queue_url);
    let answer = request.attribute_names(wanted.clone()).send().await.ok()?;
    answer.attributes?.get(&wanted)?.parse().ok()
}

/// How long the oldest event has been due.
async fn outbox_lag(ctx: &Ctx<System>) -> Result<Duration, Error> {
    let now = ctx.now();
    let mut oldest = now;
    for shard in 0..DUE_SHARDS {
        let page = ctx.store().query_items(&outbox::due(shard, now).limit(1)).await?;
        let due = page.items.first().and_then(|item| item.number("due_at_ms"));
        let due = due.and_then(|ms| i64::try_from(ms).ok()).map(Timestamp::from_ms);
        oldest = oldest.min(due.unwrap_or(now));
    }
    Ok(now.since(oldest))
}

async fn write(ctx: &Ctx<System>, before: Option<&Probed>, after: Probed) -> Result<(), Error> {
    let was = before.map_or(Condition::Ok, |before| before.status);
    let commit = Commit::saving(&after);
    let data = ModuleChanged { module: after.module.clone() };
    let commit = match (was, after.status) {
        (was, is) if was == is => commit,
        (_, Condition::Ok) => commit.announcing(&RECOVERED, &data),
        (_, _) => commit.announcing(&DEGRADED, &data),
    };
    ctx.enter_platform().apply(commit).await
}
