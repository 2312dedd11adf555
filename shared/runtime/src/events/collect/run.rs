//! One run of a scheduled listener: works through a batch that was handed out.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::AtomicU16;
use std::time::Duration;

use futures_util::FutureExt;
use interface::envelope::UNREADABLE_EVENT;
use interface::{Envelope, EnvelopeError};
use kernel::problem::LOCK_TIMEOUT;
use kernel::{Error, ErrorKind, Problem, RequestId, Timestamp};
use serde::Deserialize;
use store::collected::{self, Batches, Collected, Head};
use store::inbox::{self, Failure, InboxRow, Meaning};
use store::{Change, Consistency, Key, NotCommitted, Scope, Token, outbox};

use super::HandOut;
use crate::call::caller::{System, Worker};
use crate::call::cause::{Cause, Signal, Verdict};
use crate::call::ctx::{Call, Ctx, RUNS_MAX, Remote};
use crate::call::event::Outcome;
use crate::call::precondition::IfMatch;
use crate::module::collecting::Collecting;
use crate::module::handler::{BatchHandler, JobHandler};
use crate::module::row::Row;
use crate::ports::digest::fingerprint;
use crate::ports::log::Line;

/// Actions of a transaction that are the handler's and the waiting rows' together; the rest is spare.
const ACTIONS: usize = 90;
/// What one chunk may take; a run ends when less is left.
const CHUNK_TIME: Duration = Duration::from_secs(5);
/// Why a run stopped in good order.
const OUT_OF_TIME: Problem =
    Problem::new(ErrorKind::Unavailable, "out_of_time", "the batch is not finished");
/// Why there is nothing to do: another delivery has taken the event off.
const TAKEN: &str = "taken_before";

/// What works through the messages of a scheduled listener's queue.
pub(crate) fn job(row: &Row, handler: &Arc<BatchHandler>) -> Box<JobHandler> {
    let (row, handler) = (Arc::new(row.clone()), handler.clone());
    Box::new(move |ctx, message| {
        let (row, handler) = (row.clone(), handler.clone());
        Box::pin(async move {
            let order = serde_json::from_value(message)
                .map_err(|fault| Error::internal(format!("job: {fault}")))?;
            match order {
                Order::HandOut(order) => Run::of(&ctx, &order, &row, &*handler)?.work().await,
                Order::Again(event) => collect_again(&ctx, collecting(&row)?, &event).await,
            }
        })
    })
}

/// A message of the listener's queue.
#[derive(Deserialize)]
#[serde(untagged)]
enum Order {
    HandOut(HandOut),
    /// An event that was given up and is to be tried again.
    Again(Box<Envelope>),
}

/// Keeps the event for the next batch. Keeping it twice is keeping it once.
async fn collect_again(
    ctx: &Ctx<System>,
    collecting: &Collecting,
    event: &Envelope,
) -> Result<(), Error> {
    let now = ctx.now();
    let tick = collecting.cadence.next(now).unwrap_or(now);
    let text = event.to_bytes().map_err(|fault| Error::internal(fault.to_string()))?;
    let batches = Batches::new(event.tenantid, event.livemode, ctx.call.function);
    let change = batches.keep_again(event.id, &text, tick, now);
    let token = Token::of(&ctx.random::<16>(), 0);
    match ctx.store().commit(change.blind(), &token).await {
        // Refused: it was handled or passed over meanwhile.
        Ok(_) | Err(NotCommitted::Refused { label: Some(inbox::LABEL), .. }) => Ok(()),
        Err(fault) => Err(fault.into()),
    }
}

/// How events are collected for the function of this row.
fn collecting(row: &Row) -> Result<&Collecting, Error> {
    let found = row.collects.as_ref();
    found.ok_or_else(|| Error::internal("nothing is collected for this function"))
}

fn unreadable(fault: &EnvelopeError) -> Error {
    UNREADABLE_EVENT.because(fault.to_string())
}

struct Run<'a> {
    ctx: &'a Ctx<System>,
    order: &'a HandOut,
    handler: &'a BatchHandler,
    collecting: &'a Collecting,
    batches: Batches,
    /// Events of one transaction.
    chunk: usize,
}

/// What became of a chunk.
enum Fate {
    /// Handled: its rows are gone.
    Done,
    /// Not now, and it is nobody's fault.
    Later { code: &'static str },
    Failed {
        code: String,
        /// Whether no further attempt can change that.
        forever: bool,
    },
}

impl<'a> Run<'a> {
    fn of(
        ctx: &'a Ctx<System>,
        order: &'a HandOut,
        row: &'a Row,
        handler: &'a BatchHandler,
    ) -> Result<Self, Error> {
        let collecting = collecting(row)?;
        let batches = Batches::new(order.tenantid, order.livemode, row.id);
        let chunk = ACTIONS.saturating_sub(row.max_writes).max(1);
        Ok(Self { ctx, order, handler, collecting, batches, chunk })
    }

    /// Works through one batch. Safe to run twice and at the same time as itself: a hand-out is closed
    /// once, and whoever takes an event off takes it off together with its effect.
    ///
    /// A run before that began and did not end was killed, perhaps by one of the events: this one takes
    /// each alone, and so counts the attempts at it.
    async fn work(&self) -> Result<(), Error> {
        let store = self.ctx.store();
        let head: Option<Head> = store.get(&self.batches.head(), Consistency::Strong).await?;
        let Some(head) = head.filter(|head| head.is_open(self.order.run)) else { return Ok(()) };
        if !head.begun && store.update(head.begin()).await?.done().is_none() {
            return Ok(());
        }
        let worked = self.work_through(head.begun).await;
        if worked.as_ref().is_err_and(|error| error.is(&OUT_OF_TIME)) && !head.begun {
            let _ = store.update(head.pause()).await?;
        }
        self.close(&head, worked?).await
    }

    /// True where nothing is left. Whatever would expire before the next tick is no part of the batch's
    /// size: it is taken too.
    async fn work_through(&self, alone: bool) -> Result<bool, Error> {
        let mut left = usize::try_from(self.collecting.batch).unwrap_or(usize::MAX);
        let mut behind = None;
        let mut clean = true;
        while left > 0 {
            self.check_time()?;
            let query = self.batches.behind(behind, self.chunk.min(left));
            let events = self.ctx.store().query::<Collected>(&query).await?.items;
            let Some(last) = events.last() else { return Ok(clean) };
            let last = last.event_id;
            let tick = self.next_tick();
            let patient = events.iter().filter(|event| !event.is_last_chance(tick));
            left = left.saturating_sub(patient.count());
            if !self.handle_all(&events, alone, tick).await? {
                (behind, clean) = (Some(last), false);
            }
        }
        Ok(false)
    }

    /// Refuses to go on where too little time is left: the message comes again, and finds what is left.
    fn check_time(&self) -> Result<(), Error> {
        match self.ctx.remaining() < CHUNK_TIME {
            true => Err(OUT_OF_TIME.error()),
            false => Ok(()),
        }
    }

    /// When the next batch is due; a cadence that is over hands out at once.
    fn next_tick(&self) -> Timestamp {
        let now = self.ctx.now();
        self.collecting.cadence.next(now).unwrap_or(now)
    }

    /// Closes the hand-out: at rest where nothing is left, else due again at the next tick.
    async fn close(&self, head: &Head, clean: bool) -> Result<(), Error> {
        let store = self.ctx.store();
        if clean && store.update(head.rest()).await?.done().is_some() {
            return Ok(());
        }
        // Refused means that another hand-out was made meanwhile: its job goes on.
        store.update(head.postpone(self.next_tick())).await.map(|_| ()).map_err(Error::from)
    }

    /// True where all of them are done with. Events that fail together are tried alone, and so are those
    /// that wait together where one of them could be gone by the next time.
    async fn handle_all(
        &self,
        events: &[Collected],
        alone: bool,
        tick: Timestamp,
    ) -> Result<bool, Error> {
        if !alone && events.len() > 1 {
            let hurries = events.iter().any(|event| event.is_last_chance(tick));
            let again = events.iter().any(|event| event.again);
            match self.attempt(events).await? {
                Fate::Done => return Ok(true),
                // One that is to be tried again may be settled: it must not hold up the others.
                Fate::Later { code: TAKEN } if again => {}
                Fate::Later { .. } if !hurries => return Ok(false),
                Fate::Later { .. } | Fate::Failed { .. } => {}
            }
        }
        let mut clean = true;
        for event in events {
            self.check_time()?;
            clean &= self.handle_alone(event, tick).await?;
        }
        Ok(clean)
    }

    /// Whether an event that was to be tried again is handled or passed over by now.
    async fn is_settled(&self, event: &Collected) -> Result<bool, Error> {
        if !event.again {
            return Ok(false);
        }
        let inbox = self.batches.inbox(event.event_id);
        let row = self.ctx.store().get::<InboxRow>(inbox.key(), Consistency::Strong).await?;
        Ok(inbox::meaning(row.as_ref(), self.ctx.now()) == Meaning::Duplicate)
    }

    /// True where the event is done with: handled, or given up.
    async fn handle_alone(&self, event: &Collected, tick: Timestamp) -> Result<bool, Error> {
        if self.is_settled(event).await? {
            let taken = self.commit(collected::taken(std::slice::from_ref(event))).await;
            return Ok(!matches!(taken, Err(NotCommitted::Conflict | NotCommitted::Throttled)));
        }
        if event.attempts >= self.collecting.tries {
            // Its last attempt killed the function.
            let code = event.last_error_code.as_deref().unwrap_or(collected::CRASHED);
            return self.give_up(event, event.attempts, code).await;
        }
        let store = self.ctx.store();
        if store.update(event.trying(self.ctx.now())).await?.done().is_none() {
            return Ok(false);
        }
        match self.attempt(std::slice::from_ref(event)).await? {
            Fate::Done => Ok(true),
            Fate::Later { code } if event.is_last_chance(tick) => {
                self.give_up(event, event.attempts, code).await
            }
            Fate::Later { .. } => {
                let _ = store.update(event.untried()).await?;
                Ok(false)
            }
            Fate::Failed { code, forever } => self.note(event, &code, forever).await,
        }
    }

    async fn attempt(&self, events: &[Collected]) -> Result<Fate, Error> {
        let parsed: Result<Vec<Envelope>, _> =
            events.iter().map(|event| Envelope::parse(&event.envelope)).collect();
        let envelopes = match parsed {
            Ok(envelopes) => envelopes,
            Err(fault) => return Ok(failed(&unreadable(&fault))),
        };
        let call = Arc::new(self.call(events, &envelopes));
        let outcome = match self.run(&call, &envelopes).await {
            Ok(outcome) => outcome,
            Err(error) => return Ok(failed(&error)),
        };
        match outcome {
            Outcome::Done | Outcome::Skip(_) if call.signal.committed() => Ok(Fate::Done),
            Outcome::Done | Outcome::Skip(_) => self.take(events).await,
            Outcome::Wait { code, .. } => Ok(Fate::Later { code }),
            Outcome::Retry(code) => Ok(Fate::Failed { code: code.to_owned(), forever: false }),
            Outcome::Permanent(code) => Ok(Fate::Failed { code: code.to_owned(), forever: true }),
        }
    }

    /// Runs the handler, again after a lost race; events that were taken off before are done.
    async fn run(&self, call: &Arc<Call>, envelopes: &[Envelope]) -> Result<Outcome, Error> {
        for run in 0..RUNS_MAX {
            let ctx = Ctx { call: call.clone(), who: self.worker() };
            let running = async {
                let accepts = &self.collecting.accepts;
                match (self.handler)(ctx, envelopes.to_vec(), accepts) {
                    Ok(running) => running.await,
                    Err(fault) => Err(unreadable(&fault)),
                }
            };
            let error = match AssertUnwindSafe(running).catch_unwind().await {
                Ok(Ok(outcome)) => return Ok(outcome),
                Ok(Err(error)) => error,
                Err(_) => return Err(Error::internal("handler panicked")),
            };
            match call.signal.take() {
                // Another delivery of this hand-out is at work: what it has taken is not there any more.
                Some(Verdict::Duplicate(_)) => {
                    return Ok(Outcome::Wait { seconds: 0, code: TAKEN });
                }
                Some(Verdict::Rerun) if call.back_off(run).await => {}
                _ => return Err(error),
            }
        }
        Err(LOCK_TIMEOUT.error())
    }

    fn worker(&self) -> Worker {
        let (tenant, livemode) = (self.order.tenantid, self.order.livemode);
        Worker { tenant, livemode, actor: None, subject: None }
    }

    /// A call of its own: what it commits takes these events off. Several events have no single origin,
    /// so a new chain starts; one alone goes on with its own.
    fn call(&self, events: &[Collected], envelopes: &[Envelope]) -> Call {
        let outer = &self.ctx.call;
        let request_id: RequestId = self.ctx.new_id();
        let alone = match envelopes {
            [one] => Some(one),
            _ => None,
        };
        let correlation = alone.map(|one| one.correlationid.clone());
        Call {
            ports: outer.ports.clone(),
            function: outer.function,
            spec: None,
            request_id,
            correlation: correlation.unwrap_or_else(|| request_id.to_string()),
            causation: alone.map(|one| one.id),
            traceparent: outer.traceparent.clone(),
            deadline: outer.deadline,
            remote: Remote::default(),
            store: outer.store.clone(),
            cause: Cause::Batch(self.batches.clone(), events.to_vec()),
            if_match: IfMatch::Absent,
            signal: Signal::of(Some((self.order.tenantid, self.order.livemode))),
            settings: outer.settings.clone(),
            consequences: outer.consequences.clone(),
            commits: AtomicU16::new(0),
        }
    }

    /// Takes off events whose handling changed nothing.
    async fn take(&self, events: &[Collected]) -> Result<Fate, Error> {
        match self.commit(self.batches.handled(events, self.ctx.now())).await {
            Ok(()) => Ok(Fate::Done),
            Err(NotCommitted::Refused { .. }) => Ok(Fate::Later { code: TAKEN }),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Notes a failure on this event alone; true where it is given up, and so no longer waits.
    async fn note(&self, event: &Collected, code: &str, forever: bool) -> Result<bool, Error> {
        let attempts = event.attempts + 1;
        if attempts < self.collecting.tries && !forever {
            let _ = self.ctx.store().update(event.failing(code)).await?;
            return Ok(false);
        }
        self.give_up(event, attempts, code).await
    }

    /// Puts the event aside as failed. True always: it no longer waits.
    async fn give_up(&self, event: &Collected, attempts: u32, code: &str) -> Result<bool, Error> {
        let key = self.batches.inbox(event.event_id);
        let failure = Failure {
            code: code.to_owned(),
            fingerprint: fingerprint(code, ""),
            trace_id: self.ctx.call.traceparent.clone(),
        };
        let mut change = collected::taken(std::slice::from_ref(event));
        let source = self.source_of(event)?;
        change.update(inbox::failed(&key, attempts, None, &failure, &source, self.ctx.now()));
        match self.commit(change).await {
            Ok(()) => {}
            // Taken off by another delivery.
            Err(NotCommitted::Refused { .. }) => return Ok(true),
            Err(fault) => return Err(fault.into()),
        }
        self.ctx.log(
            Line::error("a collected event was given up; see docs/runbooks/dead-letters.md")
                .with("event_id", event.event_id.to_string())
                .with("listener", self.ctx.call.function)
                .with("error_code", code),
        );
        Ok(true)
    }

    /// Where the event is kept.
    fn source_of(&self, event: &Collected) -> Result<Key, Error> {
        let envelope = Envelope::parse(&event.envelope);
        let envelope = envelope.map_err(|fault| Error::internal(fault.to_string()))?;
        let scope = Scope::tenant(envelope.tenantid).mode(envelope.livemode);
        Ok(outbox::key_of(&scope, &envelope.subject, envelope.sequence_number()))
    }

    async fn commit(&self, change: Change) -> Result<(), NotCommitted> {
        let token = Token::of(&self.ctx.random::<16>(), 0);
        self.ctx.store().commit(change, &token).await.map(|_| ())
    }
}

fn failed(error: &Error) -> Fate {
    let forever =
        matches!(error.kind(), kernel::ErrorKind::Validation | kernel::ErrorKind::Malformed);
    Fate::Failed { code: error.code().to_owned(), forever }
}
