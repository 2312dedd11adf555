//! A module that exists only in the simulation: an ordered and an unordered entity, and listeners of
//! every kind. What a listener did stands in a row; what it meets outside is told by [`outside`].

pub mod outside;
pub mod thing;

mod advance;
mod hear;
mod time;

use contracts::{Empty, Endpoint, Public};
use events::{Event, Fact};
use kernel::{EntityKind, TenantId};
use runtime::module::{Cadence, Exhausted, collect, listen_all, react, serve};
use runtime::{Group, Module, Row};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::Table;

/// Entities, and what listeners have done.
pub const WORLD: Table = Table::new("world");

/// Whose entities there are.
pub const TENANTS: [TenantId; 2] = [local::seed::PLATFORM_TENANT, local::seed::DEMO_TENANT];

pub const ADVANCE_SWAP: Public<Advance, Empty> =
    Endpoint::<Advance, Empty>::post("world.advance_swap", "/v1/world/swaps")
        .public("only in the simulation")
        .rate(contracts::Rate::Unlimited)
        .keyed();

pub const ADVANCE_SETTINGS: Public<Advance, Empty> =
    Endpoint::<Advance, Empty>::post("world.advance_settings", "/v1/world/settings")
        .public("only in the simulation")
        .rate(contracts::Rate::Unlimited)
        .keyed();

pub const PLAN_TIMER: Public<PlanTimer, Empty> =
    Endpoint::<PlanTimer, Empty>::post("world.plan_timer", "/v1/world/timers")
        .public("only in the simulation")
        .rate(contracts::Rate::Unlimited)
        .keyed();

/// The types of an ordered entity's events, in turn: the n-th event is of type (n − 1) mod 4.
pub const OPENED: Event<Step> = Event::new("world.swap.opened", EntityKind::Swap);
pub const QUOTED: Event<Step> = Event::new("world.swap.quoted", EntityKind::Swap);
pub const FILLED: Event<Step> = Event::new("world.swap.filled", EntityKind::Swap);
pub const SETTLED: Event<Step> = Event::new("world.swap.settled", EntityKind::Swap);
pub const SWAP_TYPES: [Event<Step>; 4] = [OPENED, QUOTED, FILLED, SETTLED];

/// The one type of an unordered entity.
pub const CHANGED: Event<Step> = Event::new("world.settings.changed", EntityKind::Settings);

/// What timers announce.
pub const RANG: Event<Ring> = Event::new("world.timer.rang", EntityKind::Schedule);

/// How long [`listener::ONCE`] passes over repeats, and how old an event [`listener::FRESH`] takes.
pub const UNIQUE_S: u32 = 60;
pub const FRESH_S: u32 = 400;

/// How often [`listener::DIGEST`] is handed what was collected.
pub const DIGEST_MINUTES: u32 = 5;

/// What to do.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Advance {
    /// Index in [`TENANTS`].
    pub tenant: u8,
    /// Which entity.
    pub number: u8,
    /// How many events it announces.
    pub events: u8,
}

/// Which timer, and what about it.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanTimer {
    pub tenant: u8,
    pub timer: u8,
    pub order: TimerOrder,
}

/// What is asked of a timer; numbers are seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum TimerOrder {
    At(u32),
    Instead(u32),
    Quiet(u32),
    Hourly,
    Cancel,
}

/// A timer has rung.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Ring {
    pub timer: u8,
}

impl Fact for Ring {
    fn sample() -> Self {
        Self { timer: 1 }
    }
}

/// One step of an entity.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Step {
    /// Its number, as the event's sequence says as well.
    pub step: u64,
}

impl Fact for Step {
    fn sample() -> Self {
        Self { step: 1 }
    }
}

/// Listeners that hear an event of their type and note its number.
pub mod listener {
    pub const COUNT: &str = "world.count";
    pub const HAND_OFF: &str = "world.hand_off";
    pub const PATIENT: &str = "world.patient";
    pub const MIRROR: &str = "world.mirror";
    pub const FOLLOW: &str = "world.follow";
    pub const FOLLOW_SKIPPING: &str = "world.follow_skipping";
    pub const ENDS: &str = "world.ends";
    pub const CARRY: &str = "world.carry";
    pub const PROMPT: &str = "world.prompt";
    pub const ONCE: &str = "world.once";
    pub const FRESH: &str = "world.fresh";
    pub const LAST: &str = "world.last";
    pub const BELL: &str = "world.bell";
    pub const DIGEST: &str = "world.digest";
}

/// The module's table.
pub fn module() -> Module {
    use listener::*;
    let swaps = SWAP_TYPES.map(|event| event.spec);
    Module::new(
        "world",
        Group::Engagement,
        "Only in the simulation.",
        [
            serve(&ADVANCE_SWAP, advance::swap).writes([WORLD]).emits(swaps),
            serve(&ADVANCE_SETTINGS, advance::settings).writes([WORLD]).emits([CHANGED.spec]),
            hears(COUNT, [CHANGED.spec]).tries(3, [10, 20]).item_budget(10_000),
            hears(HAND_OFF, [CHANGED.spec]).tries(4, [5, 20]).claims(),
            hears(PATIENT, [CHANGED.spec]).tries(3, [5, 1_200]),
            hears(MIRROR, swaps).tries(3, [10, 20]),
            hears(FOLLOW, swaps).tries(3, [10, 20]).ordered(),
            hears(FOLLOW_SKIPPING, swaps).tries(2, [10]).ordered().on_exhausted(Exhausted::Skip),
            hears(ENDS, [OPENED.spec, SETTLED.spec]).tries(3, [10, 20]).ordered(),
            hears(PROMPT, [CHANGED.spec]).tries(3, [10, 20]).inline(300),
            hears(ONCE, [CHANGED.spec]).tries(3, [10, 20]).unique_for(UNIQUE_S),
            serve(&PLAN_TIMER, time::plan).writes([WORLD]).schedules([RANG.spec]),
            hears(BELL, [RANG.spec]).tries(3, [10, 20]),
            hears(LAST, [CHANGED.spec]).tries(3, [10, 20]).debounced(20, 60),
            collect(DIGEST, &CHANGED, Cadence::Minutes(DIGEST_MINUTES), hear::digest)
                .writes([WORLD]),
            hears(FRESH, [CHANGED.spec]).tries(4, [30, 300]).expires_after(FRESH_S),
            listen_all(CARRY, [SETTLED.spec], hear::carry)
                .tries(4, [5, 20])
                .writes([WORLD])
                .emits([CHANGED.spec]),
        ],
    )
    .owns([WORLD])
    .reacts([react("world.tally", &CHANGED, hear::tally).writes([WORLD])])
}

fn hears<const N: usize>(id: &'static str, heard: [events::EventSpec; N]) -> Row {
    listen_all(id, heard, move |ctx, event| hear::note(id, ctx, event)).writes([WORLD])
}

/// What the simulation runs: the world, and the backbone as it is.
pub fn modules() -> Vec<Module> {
    runtime::wiring::subscribe(vec![platform::module(), module()])
}
