use kernel::{EntityKind, EntityRef, Error};
use runtime::{Anonymous, Commit, Ctx, Guest, InTenant, Reply};
use store::{Change, Consistency};

use super::thing::{self, Thing};
use super::{Advance, CHANGED, SWAP_TYPES, Step, TENANTS};
use contracts::Empty;

pub async fn swap(ctx: Ctx<Anonymous>, request: Advance) -> Result<Reply<Empty>, Error> {
    advance(ctx, EntityKind::Swap, request).await
}

pub async fn settings(ctx: Ctx<Anonymous>, request: Advance) -> Result<Reply<Empty>, Error> {
    advance(ctx, EntityKind::Settings, request).await
}

async fn advance(
    ctx: Ctx<Anonymous>,
    kind: EntityKind,
    request: Advance,
) -> Result<Reply<Empty>, Error> {
    let tenant = TENANTS[usize::from(request.tenant) % TENANTS.len()];
    let ctx: Ctx<Guest> = ctx.enter(tenant, true, None);
    let subject = EntityRef::new(kind, format!("a{}", request.number));
    let commit = step(&ctx, subject, u64::from(request.events), Change::new()).await?;
    ctx.commit(commit, Reply::empty()).await
}

/// The entity's next steps, with an event for each, and what else belongs to them.
pub async fn step<Who: InTenant>(
    ctx: &Ctx<Who>,
    subject: EntityRef,
    events: u64,
    also: Change,
) -> Result<Commit, Error> {
    let key = thing::key_of(&ctx.mode_scope(), &subject);
    let thing: Option<Thing> = ctx.store().get(&key, Consistency::Strong).await?;
    let thing = thing.unwrap_or_else(|| Thing::new(&ctx.mode_scope(), subject));
    let mut commit = Commit::saving(&thing).with(also);
    for step in thing.head.event_seq + 1..=thing.head.event_seq + events {
        let event = match thing.subject.kind() {
            EntityKind::Swap => &SWAP_TYPES[usize::try_from((step - 1) % 4).unwrap_or(0)],
            _ => &CHANGED,
        };
        commit = commit.announcing(event, &Step { step });
    }
    Ok(commit)
}
