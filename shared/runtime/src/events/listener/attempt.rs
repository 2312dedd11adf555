//! One attempt at one message: what the rows say, the handler, what becomes of it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::AtomicU16;

use futures_util::FutureExt;
use interface::Envelope;
use kernel::problem::LOCK_TIMEOUT;
use kernel::{Error, ErrorKind, Timestamp};
use store::inbox;

use super::admission::Admission;
use super::conclusion::failure;
use super::item::{Fate, Item};
use crate::call::caller::Worker;
use crate::call::cause::{Cause, Signal, Verdict};
use crate::call::ctx::{Call, Ctx, RUNS_MAX, Remote};
use crate::call::delivery::Delivery;
use crate::call::event::Outcome;
use crate::call::precondition::IfMatch;
use crate::module::function::Meta;
use crate::ports::clock;
use crate::ports::log::{Done, Handled};

/// What a run of the handler came to.
enum Ran {
    Outcome(Outcome),
    /// The aggregate moved on: look at the rows again.
    Readmit,
    /// Nothing was written: another delivery has settled the event, or is at it.
    Refused(Option<store::Item>),
}

impl Item<'_> {
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
            if_match: IfMatch::Absent,
            signal: Signal::of(Some((event.tenantid, event.livemode))),
            settings: self.function.module.settings.clone(),
            consequences: self.function.module.clone(),
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
