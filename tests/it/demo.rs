//! A module that exists only here: one endpoint that announces or panics, one listener that does as the
//! event says.

use contracts::{Empty, Endpoint, Public};
use events::{Event, Fact};
use kernel::{EntityKind, Error, EventId};
use runtime::module::{listen, serve};
use runtime::{Anonymous, Commit, Ctx, Group, Module, Outcome, Received, Reply, Worker};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Change, Key, Table, Update};

/// Where the listener counts.
pub const DEMO: Table = Table::new("demo");

pub const ACT: Public<Act, Empty> =
    Endpoint::<Act, Empty>::post("demo.act", "/v1/demo").public("only in tests");

pub const HAPPENED: Event<Happened> =
    Event::new("demo.thing.happened", EntityKind::Settings).nth(1);

/// What to do.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Act {
    pub how: How,
}

/// How it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The endpoint panics.
    Panic,
    /// The listener counts.
    Well,
    /// The listener fails every time.
    Badly,
    /// The listener panics every time.
    Terribly,
    /// The listener gives up at once.
    Never,
}

/// What happened.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Happened {
    pub how: How,
}

impl Fact for Happened {
    fn sample() -> Self {
        Self { how: How::Well }
    }
}

pub fn module() -> Module {
    Module::new(
        "demo",
        Group::Engagement,
        "Only in tests.",
        [
            serve(&ACT, act).writes([DEMO]).emits([HAPPENED.spec]),
            listen("demo.on_happened", &HAPPENED, on_happened).tries(3, [10, 20]).writes([DEMO]),
        ],
    )
    .owns([DEMO])
}

async fn act(ctx: Ctx<Anonymous>, request: Act) -> Result<Reply<Empty>, Error> {
    assert!(request.how != How::Panic, "as asked");
    let ctx = ctx.enter(local::seed::DEMO_TENANT, true, None);
    let thing: EventId = ctx.new_id();
    let data = Happened { how: request.how };
    let commit = Commit::new().announcing_of(thing, &HAPPENED, &data);
    ctx.commit(commit, Reply::empty()).await
}

async fn on_happened(ctx: Ctx<Worker>, event: Received<Happened>) -> Result<Outcome, Error> {
    match event.data.how {
        How::Badly => return Ok(Outcome::Retry("broken")),
        How::Never => return Ok(Outcome::Permanent("hopeless")),
        How::Terribly => panic!("as asked"),
        How::Well | How::Panic => {}
    }
    let mut change = Change::new();
    change.update(Update::of(DEMO, counter(&ctx)).add("n", 1));
    ctx.apply(Commit::of(change)).await?;
    Ok(Outcome::Done)
}

fn counter(ctx: &Ctx<Worker>) -> Key {
    Key::alone(ctx.scope().partition("COUNT", ()))
}

/// Where the listener's count is, for a test to read.
pub fn counted() -> Key {
    Key::alone(store::Scope::tenant(local::seed::DEMO_TENANT).partition("COUNT", ()))
}
