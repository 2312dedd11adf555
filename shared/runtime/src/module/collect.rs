//! Listeners of mode `scheduled`: their events are collected, and handed over many at once at the times
//! of a cadence.
//!
//! One shared listener, [`COLLECTOR`], hears everything that is collected anywhere; which events that
//! are, `wiring::subscribe` reads from all module tables.

use std::sync::Arc;

use interface::{Envelope, Event};
use kernel::Error;
use serde::de::DeserializeOwned;

use super::collecting::Collecting;
use super::handler::{self, Handler};
use super::listening::Listening;
use super::row::{LISTENER_TIMEOUT_S, Row, Trigger};
use crate::call::caller::Worker;
use crate::call::ctx::Ctx;
use crate::call::event::{Outcome, Received};
use crate::ports::cadence::Cadence;

/// The listener that collects for all others.
pub const COLLECTOR: &str = "platform.on_scheduled_event";
const BATCH: u32 = 100;
/// Attempts at an event alone before it is put aside.
const TRIES: u32 = 5;

/// Handles an event many at once, at the times of a cadence.
///
/// The handler is given events of one tenant and mode, oldest first. What it commits with
/// [`Ctx::apply`] takes them off the waiting ones in the same transaction, so each is handled once. It
/// may be given fewer at a time than the batch has: as many as fit one transaction beside the row's
/// `max_writes`, in which what it announces counts too. Where it fails on several, or kills its function,
/// it is given each of them alone; one it fails on five times is put aside as failed. So is one that it
/// still answers [`Outcome::Wait`] to when the event would expire, two weeks after it was due first.
pub fn collect<D, H, F>(id: &'static str, event: &Event<D>, cadence: Cadence, handler: H) -> Row
where
    D: DeserializeOwned + Send + 'static,
    H: Fn(Ctx<Worker>, Vec<Received<D>>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Outcome, Error>> + Send + 'static,
{
    let events = vec![event.spec];
    let collecting = Collecting { events, accepts: vec![1], cadence, batch: BATCH, tries: TRIES };
    let mut row = Row::new(id, Trigger::Job, LISTENER_TIMEOUT_S, handler::batch(handler));
    row.collects = Some(collecting);
    row.one_at_a_time().writes([store::PLATFORM, store::INBOX])
}

/// Hears what is collected for others: the one listener [`COLLECTOR`].
pub fn collector<H, F>(handler: H) -> Row
where
    H: Fn(Ctx<Worker>, Envelope) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Outcome, Error>> + Send + 'static,
{
    // Whether a major is understood is for the listener to say that the event is collected for.
    let entry = Handler::Listener(Box::new(move |call, who, envelope, _| {
        Ok(Box::pin(handler(Ctx { call, who }, envelope)))
    }));
    let trigger = Trigger::Listener(Listening::to(Vec::new()));
    Row::new(COLLECTOR, trigger, LISTENER_TIMEOUT_S, Arc::new(entry))
        .tries(10, [5, 30, 120])
        .writes([store::PLATFORM])
}
