//! A module that exists only here: a call that announces, and listeners that write down what they
//! handle, or give up when told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use contracts::{Call, Empty};
use events::{Event, Fact};
use kernel::{EntityKind, EntityRef, Error, EventId};
use local::Told;
use runtime::module::{answer, every, listen};
use runtime::{Commit, Ctx, Group, Module, Outcome, Received, System, Worker};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Change, DUE, Key, PLATFORM, Query, Scope, Table, Update};

use super::desk::TENANT;

pub const LISTENER: &str = "demo.on_happened";
pub const ORDERED: &str = "demo.on_moved";
/// Tries again after half an hour.
pub const PATIENT: &str = "demo.on_waited";
/// Waits until its entity has been quiet.
pub const QUIET: &str = "demo.on_quiet";
/// Where the listeners write down what they handle.
pub const DEMO: Table = Table::new("demo");

static ACT: Call<Happened, Empty> = Call::new("demo.act");
pub const HAPPENED: Event<Happened> = Event::new("demo.thing.happened", EntityKind::Settings);
pub const ECHOED: Event<Happened> = Event::new("demo.thing.echoed", EntityKind::Settings);
/// What is announced of whatever begins with this word.
pub const WAITING: &str = "wait";
pub const WAITED: Event<Happened> = Event::new("demo.thing.waited", EntityKind::Settings);
pub const MOVED: Event<Happened> = Event::new("demo.swap.moved", EntityKind::Swap);

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Happened {
    pub what: String,
    pub sequence: u64,
    pub ordered: bool,
}

impl Fact for Happened {
    fn sample() -> Self {
        Self { what: "thing".to_owned(), sequence: 1, ordered: false }
    }
}

/// What was handled, in order.
#[derive(Deserialize)]
pub struct Effects {
    pub handled: Vec<String>,
}

/// Where it is written.
pub fn effects() -> Key {
    Key::alone(Scope::tenant(TENANT).partition("HANDLED", ()))
}

/// The module; its listeners give up while `broken`.
pub fn demo(broken: &Arc<AtomicBool>) -> Module {
    let (hears, follows, waits) = (broken.clone(), broken.clone(), broken.clone());
    Module::new(
        "demo",
        Group::Engagement,
        "Only in tests.",
        [
            answer(&ACT, act).writes([PLATFORM]).emits([HAPPENED.spec, MOVED.spec, WAITED.spec]),
            listen(LISTENER, &HAPPENED, move |ctx, event| {
                handle(ctx, event, hears.load(Ordering::SeqCst))
            })
            .writes([DEMO, PLATFORM])
            .emits([ECHOED.spec]),
            listen(ORDERED, &MOVED, move |ctx, event| {
                handle(ctx, event, follows.load(Ordering::SeqCst))
            })
            .ordered()
            .since("2030-01-01")
            .writes([DEMO]),
            listen(PATIENT, &WAITED, move |ctx, event| {
                wait(ctx, event, waits.load(Ordering::SeqCst))
            })
            .tries(3, [1_800])
            .writes([DEMO]),
            listen(QUIET, &WAITED, |ctx, event| handle(ctx, event, false))
                .debounced(60, 120)
                .writes([DEMO]),
            every("demo.sweep", "rate(1 minute)", sweep)
                .writes([PLATFORM])
                .enqueues([crate::replaying::JOB]),
        ],
    )
    .owns([DEMO])
}

async fn handle(
    ctx: Ctx<Worker>,
    event: Received<Happened>,
    broken: bool,
) -> Result<Outcome, Error> {
    if broken {
        return Ok(Outcome::Permanent("broken"));
    }
    let mut change = Change::new();
    change.update(Update::of(DEMO, effects()).append("handled", &event.data.what));
    let mut commit = Commit::of(change);
    if event.data.what == "echo" {
        commit = announcing(&ctx, commit, &ECHOED, &event.data);
    }
    ctx.apply(commit).await.map(|()| Outcome::Done)
}

/// As `handle`, but what cannot be done now may be done later.
async fn wait(ctx: Ctx<Worker>, event: Received<Happened>, broken: bool) -> Result<Outcome, Error> {
    if broken {
        return Ok(Outcome::Retry("broken"));
    }
    handle(ctx, event, false).await
}

/// Starts stale replays again, as the sweep of all timers does.
async fn sweep(ctx: Ctx<System>) -> Result<(), Error> {
    for shard in 0..store::outbox::DUE_SHARDS {
        let due = Query::index(PLATFORM, DUE, store::outbox::due_shard(shard));
        for item in ctx.store().query_items(&due.up_to(ctx.now().ms())).await?.items {
            crate::replaying::restart(&ctx, &item).await?;
        }
    }
    Ok(())
}

async fn act(ctx: Ctx<Worker>, request: Happened) -> Result<Empty, Error> {
    let event = match request.ordered {
        true => &MOVED,
        false if request.what.starts_with(WAITING) => &WAITED,
        false => &HAPPENED,
    };
    let commit = announcing(&ctx, Commit::new(), event, &request);
    ctx.apply(commit).await.map(|()| Empty {})
}

fn announcing(
    ctx: &Ctx<Worker>,
    commit: Commit,
    event: &Event<Happened>,
    data: &Happened,
) -> Commit {
    let thing: EventId = ctx.new_id();
    let subject = match event.spec.entity {
        EntityKind::Swap => EntityRef::new(EntityKind::Swap, "swp_1"),
        kind => EntityRef::new(kind, thing),
    };
    commit.save(&Told::before(&ctx.mode_scope(), subject, data.sequence)).announcing(event, data)
}
