//! A module that exists only here: one endpoint that announces, plans or panics, and listeners that do as
//! the event says. Operators have something to look after where it is.

use std::time::Duration;

use contracts::{Empty, Endpoint, Public};
use events::{Event, Fact};
use kernel::{EntityKind, Error, EventId};
use runtime::module::{listen, serve};
use runtime::{Anonymous, Commit, Ctx, Group, Module, Outcome, Received, Reply, Timer, Worker};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Change, Key, Table, Update};

/// Where the listener counts.
pub const DEMO: Table = Table::new("demo");

pub const ACT: Public<Act, Empty> =
    Endpoint::<Act, Empty>::post("demo.act", "/v1/demo").public("only in tests");

pub const HAPPENED: Event<Happened> =
    Event::new("demo.thing.happened", EntityKind::Settings).nth(1);
/// Of an entity whose events arrive in sequence.
pub const MOVED: Event<Happened> = Event::new("demo.swap.moved", EntityKind::Swap).nth(1);
pub const REMINDED: Event<Happened> = Event::new("demo.thing.reminded", EntityKind::Schedule);

/// How long after the request a reminder is due, and one that is due to the second.
pub const REMINDER_S: u64 = 600;
pub const PRECISE_REMINDER_S: u64 = 30;

/// What to do.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Act {
    pub how: How,
    /// Which swap, or which reminder.
    #[serde(default)]
    pub number: u64,
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
    /// A swap makes its first move.
    Moves,
    /// A reminder is planned.
    Reminds,
    /// A reminder is planned that fires to the second.
    RemindsPrecisely,
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
            serve(&ACT, act).emits([HAPPENED.spec, MOVED.spec]).schedules([REMINDED.spec]),
            listen("demo.on_happened", &HAPPENED, hear).tries(3, [10, 20]).writes([DEMO]),
            listen("demo.on_moved", &MOVED, hear).ordered().since("2030-01-01").writes([DEMO]),
            listen("demo.on_reminded", &REMINDED, hear).writes([DEMO]),
        ],
    )
    .owns([DEMO])
}

async fn act(ctx: Ctx<Anonymous>, request: Act) -> Result<Reply<Empty>, Error> {
    assert!(request.how != How::Panic, "as asked");
    let ctx = ctx.enter(local::seed::DEMO_TENANT, true, None);
    let Act { how, number } = request;
    let (commit, data) = (Commit::new(), Happened { how });
    let reminder = |after_s| {
        let due_at = ctx.now().plus(Duration::from_secs(after_s));
        Timer::at(format!("reminder/{number}"), due_at, &REMINDED, &data)
    };
    let commit = match how {
        How::Reminds => commit.scheduling(reminder(REMINDER_S)),
        How::RemindsPrecisely => commit.scheduling(reminder(PRECISE_REMINDER_S).precise()),
        How::Moves => commit.announcing_of(format!("swp_{number}"), &MOVED, &data),
        How::Panic | How::Well | How::Badly | How::Terribly | How::Never => {
            let thing: EventId = ctx.new_id();
            commit.announcing_of(thing, &HAPPENED, &data)
        }
    };
    ctx.commit(commit, Reply::empty()).await
}

async fn hear(ctx: Ctx<Worker>, event: Received<Happened>) -> Result<Outcome, Error> {
    match event.data.how {
        How::Badly => return Ok(Outcome::Retry("broken")),
        How::Never => return Ok(Outcome::Permanent("hopeless")),
        How::Terribly => panic!("as asked"),
        How::Well | How::Panic | How::Moves | How::Reminds | How::RemindsPrecisely => {}
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
