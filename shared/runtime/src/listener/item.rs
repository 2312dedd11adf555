//! One message of a batch.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::AtomicU16;

use futures_util::FutureExt;
use interface::Envelope;
use kernel::problem::LOCK_TIMEOUT;
use kernel::{Error, ErrorKind, EventId, Timestamp};
use lambda_http::aws_lambda_events::sqs::SqsMessage;
use store::redelivery::Redelivery;
use store::{Scope, inbox};

use super::admission::Admission;
use super::conclusion::failure;
use super::delivery::Delivery;
use crate::caller::Worker;
use crate::cause::{Cause, Signal, Verdict};
use crate::clock;
use crate::ctx::{Call, Ctx, RUNS_MAX, Remote};
use crate::entry::ListenerHandler;
use crate::event::Outcome;
use crate::function::{Function, Meta};
use crate::log::{Done, Handled};
use crate::module::Listening;
use crate::redelivery::{AGAIN, CARRIED_FROM, FORCED, PART};

/// One message and who handles it.
pub(super) struct Item<'a> {
    pub function: &'a Function,
    pub listening: &'a Listening,
    pub handler: &'a ListenerHandler,
    pub message: &'a SqsMessage,
}

/// What to do with the message.
#[derive(Debug)]
pub(super) enum Fate {
    Acknowledge,
    /// Acknowledge, and send at once what the transaction wrote down to be sent.
    Forward(Box<Redelivery>),
    /// Comes back after so many seconds; it failed.
    Return {
        seconds: u32,
    },
    /// Comes back after so many seconds; it did not fail.
    Wait {
        seconds: u32,
    },
    /// Given up: acknowledge once the dead letter is written.
    Bury {
        attempts: u32,
        code: String,
        fingerprint: String,
    },
}

/// What a run of the handler came to.
pub(super) enum Ran {
    Outcome(Outcome),
    /// The aggregate moved on: look at the rows again.
    Readmit,
    /// Nothing was written: another delivery has settled the event, or is at it.
    Refused(Option<store::Item>),
}

impl<'a> Item<'a> {
    /// Handles the message; nothing where it is done with, else the seconds after which it comes back.
    pub async fn handle(&self, meta: &Meta) -> Option<u32> {
        let body = self.message.body.as_deref().unwrap_or_default();
        let event = match Envelope::parse(body) {
            Ok(event) => event,
            Err(fault) => return self.bury_unreadable(&fault).await,
        };
        let fate = self.attempt(meta, &event).await;
        self.dispose(&event, meta, fate).await
    }

    /// Tries the event once; what is left to do is about its message.
    pub async fn attempt(&self, meta: &Meta, event: &Envelope) -> Fate {
        for _ in 0..RUNS_MAX {
            if let Some(fate) = self.look_and_run(meta, event).await {
                return fate;
            }
        }
        Fate::Return { seconds: 1 }
    }

    /// `None` where the rows have to be looked at again.
    async fn look_and_run(&self, meta: &Meta, event: &Envelope) -> Option<Fate> {
        let started = self.now();
        let store = self.function.ports.store.metered(Arc::default());
        let store = store.until(self.function.time_left(meta));
        let admission = self.admit(&store, event, meta).await;
        let delivery = match admission {
            Err(_) => return Some(Fate::Return { seconds: self.pause(1) }),
            Ok(Admission::Settled) => return Some(Fate::Acknowledge),
            Ok(Admission::GivenUp(fate)) => return Some(fate),
            Ok(Admission::Wait { seconds }) => return Some(Fate::Wait { seconds }),
            Ok(Admission::Aside(change)) => return self.put_aside(&store, event, change).await,
            Ok(Admission::Run(_) | Admission::Exhausted(..)) if meta.deadline <= self.now() => {
                return Some(Fate::Return { seconds: self.pause(1) });
            }
            Ok(Admission::Exhausted(delivery, code)) => {
                let ctx = self.ctx(meta, event, store, &delivery);
                return self.give_up(&ctx, event, &delivery, failure(&ctx, code, "")).await;
            }
            Ok(Admission::Run(delivery)) => delivery,
        };
        let ctx = self.ctx(meta, event, store, &delivery);
        let ran = self.run(&ctx, event).await;
        let outcome = match &ran {
            Ok(Ran::Readmit) => {
                self.let_go(&ctx, &delivery, &failure(&ctx, "lock_timeout", "")).await;
                return None;
            }
            Ok(Ran::Refused(old)) => return Some(self.refused(Some(inbox::LABEL), old.clone())),
            Ok(Ran::Outcome(outcome)) => outcome.clone(),
            Err(error) => judge(error),
        };
        let message = ran.as_ref().err().map(Error::message).unwrap_or_default();
        let fate = self.conclude(&ctx, (event, &delivery), &outcome, message).await;
        self.log(meta, event, &ctx.call, &delivery, &outcome, ran.as_ref().err(), started);
        fate
    }

    fn ctx(
        &self,
        meta: &Meta,
        event: &Envelope,
        store: store::Store,
        delivery: &Delivery,
    ) -> Ctx<Worker> {
        let ports = &self.function.ports;
        let call = Call {
            ports: ports.clone(),
            function: self.function.row.id,
            spec: None,
            request_id: clock::new_id(&*ports.clock, &*ports.entropy),
            correlation: event.correlationid.clone(),
            causation: Some(event.id),
            traceparent: event.traceparent.clone().or_else(|| meta.trace.clone()),
            deadline: meta.deadline,
            remote: Remote::default(),
            store,
            cause: Cause::Event(Box::new(delivery.clone())),
            if_match: crate::precondition::IfMatch::Absent,
            signal: Signal::of(Some((event.tenantid, event.livemode))),
            module: self.function.module.clone(),
            commits: AtomicU16::new(0),
        };
        let who = Worker {
            tenant: event.tenantid,
            livemode: event.livemode,
            actor: event.actorid.as_deref().and_then(|id| id.parse().ok()),
            subject: Some(event.subject.clone()),
        };
        Ctx { call: Arc::new(call), who }
    }

    /// Runs the handler, again after a lost race.
    async fn run(&self, ctx: &Ctx<Worker>, event: &Envelope) -> Result<Ran, Error> {
        let call = &ctx.call;
        for run in 0..RUNS_MAX {
            let running = async {
                let accepts = &self.listening.accepts;
                match (self.handler)(call.clone(), ctx.who.clone(), event.clone(), accepts) {
                    Ok(running) => running.await,
                    Err(fault) => Err(fault.into()),
                }
            };
            let error = match AssertUnwindSafe(running).catch_unwind().await {
                Ok(Ok(outcome)) => return Ok(Ran::Outcome(outcome)),
                Ok(Err(error)) => error,
                Err(_) => return Err(Error::internal("handler panicked")),
            };
            match call.signal.take() {
                Some(Verdict::Duplicate(old)) => return Ok(Ran::Refused(old)),
                Some(Verdict::Readmit) => return Ok(Ran::Readmit),
                Some(Verdict::Rerun) if call.back_off(run).await => {}
                _ => return Err(error),
            }
        }
        Err(LOCK_TIMEOUT.error())
    }

    pub fn scope(&self, event: &Envelope) -> Scope {
        Scope::tenant(event.tenantid).mode(event.livemode)
    }

    pub fn now(&self) -> Timestamp {
        self.function.ports.clock.now()
    }

    pub fn receives(&self) -> u32 {
        let count = self.message.attributes.get("ApproximateReceiveCount");
        count.and_then(|count| count.parse().ok()).unwrap_or(1)
    }

    pub fn group(&self) -> Option<&'a str> {
        self.message.attributes.get("MessageGroupId").map(String::as_str)
    }

    pub fn is_fifo(&self) -> bool {
        let source = self.message.event_source_arn.as_deref();
        source.is_some_and(|arn| arn.ends_with(".fifo"))
    }

    /// The inbox row of its own that this delivery names.
    pub fn part(&self) -> Option<&str> {
        self.message.message_attributes.get(PART)?.string_value.as_deref()
    }

    /// Whether an operator wants it handled whatever the cursor says.
    pub fn is_forced(&self) -> bool {
        self.message.message_attributes.contains_key(FORCED)
    }

    /// Whether something may have happened to the event before this delivery.
    pub fn is_again(&self) -> bool {
        self.receives() > 1 || self.message.message_attributes.contains_key(AGAIN)
    }

    /// The event itself, where it is so old that a row that brings it back has to carry it.
    pub fn carried(&self, event: EventId) -> Option<String> {
        let is_old = self.now().since(event.created_at()) >= CARRIED_FROM;
        self.message.body.clone().filter(|_| is_old)
    }

    /// The pause after the n-th failure, ± 20 %.
    pub fn pause(&self, failures: u32) -> u32 {
        let step = u64::from(self.step(failures));
        let mut byte = [0];
        self.function.ports.entropy.fill(&mut byte);
        let [byte] = byte;
        let spread = step * (80 + u64::from(byte) * 40 / 255) / 100;
        u32::try_from(spread).unwrap_or(u32::MAX).max(1)
    }

    /// The declared pause after the n-th failure.
    fn step(&self, failures: u32) -> u32 {
        let index = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
        let steps = &self.listening.backoff_s;
        steps.get(index).or(steps.last()).copied().unwrap_or(30)
    }

    #[expect(clippy::too_many_arguments, reason = "one line says everything about one attempt")]
    fn log(
        &self,
        meta: &Meta,
        envelope: &Envelope,
        call: &Call,
        delivery: &Delivery,
        outcome: &Outcome,
        error: Option<&Error>,
        started: Timestamp,
    ) {
        let ports = &self.function.ports;
        let now = ports.clock.now();
        let (outcome, code) = match outcome {
            Outcome::Done => ("done", None),
            Outcome::Skip(reason) => ("skipped", Some(*reason)),
            Outcome::Retry(code) => ("retry", Some(*code)),
            Outcome::Permanent(code) => ("failed", Some(*code)),
            Outcome::Wait { code, .. } => ("waiting", Some(*code)),
        };
        let handled = Handled { envelope, outcome, code, attempt: delivery.attempts };
        let done = Done {
            function: self.function.row.id,
            request_id: call.request_id.to_string(),
            correlation_id: Some(envelope.correlationid.clone()),
            trace_id: meta.trace.clone(),
            tenant_id: Some(envelope.tenantid.to_string()),
            actor_id: envelope.actorid.clone(),
            route: None,
            status: None,
            error,
            duration: now.since(started),
            cold_start: meta.cold,
            reruns: 0,
            meter: call.store.meter(),
            event: Some(handled),
        };
        ports.log.done(&ports.config, now, &done);
    }
}

/// A handler's error: what the caller of an endpoint could mend can never be mended here.
fn judge(error: &Error) -> Outcome {
    match error.kind() {
        ErrorKind::Validation | ErrorKind::Malformed => Outcome::Permanent(error.code()),
        _ => Outcome::Retry(error.code()),
    }
}
