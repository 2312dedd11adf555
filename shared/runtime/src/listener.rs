//! Event batches: one SQS message is one event; each item succeeds, waits or fails alone.

mod dead_letter;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::AtomicU16;
use std::time::Duration;

use events::{Envelope, EnvelopeError};
use futures_util::FutureExt;
use kernel::{Error, ErrorKind, RequestId};
use lambda_http::aws_lambda_events::sqs::SqsMessage;
use serde::Deserialize;
use serde_json::json;
use store::inbox::{self, Failure, InboxKey, Meaning};
use store::{Consistency, Scope};

use crate::backbone;
use crate::caller::Worker;
use crate::cause::{Cause, Signal, Verdict};
use crate::clock;
use crate::ctx::{Call, Remote};
use crate::digest::hex_sha256;
use crate::entry::ListenerHandler;
use crate::event::Outcome;
use crate::function::{Function, InvocationFailed, Meta};
use crate::log::{Done, Handled};
use crate::module::Listening;

/// The slowest item we plan for: the batch stops when less than twice this is left.
const ITEM_BUDGET: Duration = Duration::from_secs(1);
/// Longest time a queue can hide a message.
const VISIBILITY_MAX_S: u32 = 43_200;
/// Receives from which on a claim is taken before the handler: crashes are counted from here.
const CLAIM_FROM_RECEIVE: u32 = 3;
/// Handler runs for one delivery after lost races.
const MAX_RUNS: u32 = 5;

#[derive(Deserialize)]
struct Batch {
    #[serde(rename = "Records")]
    records: Vec<SqsMessage>,
}

/// Handles a batch and names the items that have to come back.
pub(crate) async fn serve(
    function: &Function,
    handler: &ListenerHandler,
    event: &str,
    meta: &Meta,
) -> Result<String, InvocationFailed> {
    let Some(listening) = function.row.listening() else {
        return Err(InvocationFailed("this function is no listener".to_owned()));
    };
    let batch: Batch = serde_json::from_str(event)
        .map_err(|fault| InvocationFailed(format!("not an SQS event: {fault}")))?;
    let mut failures = Vec::new();
    let mut stopped_groups: Vec<String> = Vec::new();
    for message in &batch.records {
        let id = message.message_id.clone().unwrap_or_default();
        let group = message.attributes.get("MessageGroupId").filter(|_| is_fifo(message)).cloned();
        let left = meta.deadline.since(function.ports.clock.now());
        let blocked = group.as_ref().is_some_and(|group| stopped_groups.contains(group));
        let item = Item { function, listening, message };
        if blocked || left < ITEM_BUDGET * 2 || !item.handle(handler, meta).await {
            failures.push(json!({ "itemIdentifier": id }));
            stopped_groups.extend(group);
        }
    }
    Ok(json!({ "batchItemFailures": failures }).to_string())
}

fn is_fifo(message: &SqsMessage) -> bool {
    message.event_source_arn.as_deref().is_some_and(|arn| arn.ends_with(".fifo"))
}

/// One message of a batch.
struct Item<'a> {
    function: &'a Function,
    listening: &'a Listening,
    message: &'a SqsMessage,
}

/// What to do with the message.
enum Fate {
    Acknowledge,
    /// Comes back after so many seconds.
    Return {
        seconds: u32,
    },
}

impl Item<'_> {
    /// Handles the message; true where it is done with.
    async fn handle(&self, handler: &ListenerHandler, meta: &Meta) -> bool {
        let body = self.message.body.as_deref().unwrap_or_default();
        let envelope = match Envelope::parse(body) {
            Ok(envelope) => envelope,
            Err(fault) => return self.bury_unreadable(&fault).await,
        };
        match self.attempt(handler, meta, &envelope).await {
            Fate::Acknowledge => true,
            Fate::Return { seconds } => {
                self.hide(seconds).await;
                false
            }
        }
    }

    async fn attempt(&self, handler: &ListenerHandler, meta: &Meta, event: &Envelope) -> Fate {
        let ports = &self.function.ports;
        let started = ports.clock.now();
        let scope = Scope::tenant(event.tenantid).mode(event.livemode);
        let inbox = InboxKey::new(&scope, self.function.row.id, event.id, None);
        let store = ports.store.metered(Arc::default()).until(self.function.time_left(meta));
        let claims = self.listening.claims || self.receives() >= CLAIM_FROM_RECEIVE;
        let (attempts, claim) = match self.begin(&store, &inbox, claims, meta).await {
            Ok(Begun::Free { attempts, claim }) => (attempts, claim),
            Ok(Begun::Settled) => return Fate::Acknowledge,
            Ok(Begun::Held { seconds }) => return Fate::Return { seconds },
            Err(_) => return Fate::Return { seconds: self.pause(1) },
        };
        let cause = Cause::Event { inbox: inbox.clone(), attempts, claim: claim.clone() };
        let call = Arc::new(self.call(meta, event, store.clone(), cause));
        let result = self.run(handler, &call, event).await;
        let outcome = match &result {
            Ok(outcome) => outcome.clone(),
            Err(error) => judge(error),
        };
        let attempt = Attempt { inbox, attempts, claim, call };
        let fate = self.conclude(&attempt, event, &outcome).await;
        self.log(meta, event, &attempt, &outcome, result.as_ref().err(), started);
        fate
    }

    /// Looks the event up, or claims it.
    async fn begin(
        &self,
        store: &store::Store,
        inbox: &InboxKey,
        claims: bool,
        meta: &Meta,
    ) -> Result<Begun, store::StoreError> {
        let now = self.function.ports.clock.now();
        if !claims {
            // The inbox row goes into the effect's transaction; a repeat is found there. Only a message
            // that came back can have attempts behind it.
            if self.receives() <= 1 {
                return Ok(Begun::Free { attempts: 1, claim: None });
            }
            let row = store.get(inbox.key(), Consistency::Strong).await?;
            return Ok(match inbox::meaning(row.as_ref(), now) {
                Meaning::Duplicate => Begun::Settled,
                Meaning::HeldUntil(until) => Begun::Held { seconds: seconds_until(now, until) },
                Meaning::Free { attempts } => Begun::Free { attempts: attempts + 1, claim: None },
            });
        }
        let token: RequestId =
            clock::new_id(&*self.function.ports.clock, &*self.function.ports.entropy);
        let token = token.to_string();
        let written = store.update(inbox::claim(inbox, &token, now, meta.deadline)).await?;
        Ok(match written {
            store::Written::Done(item) => {
                let attempts = item.number("attempts").and_then(|count| u32::try_from(count).ok());
                Begun::Free { attempts: attempts.unwrap_or(1), claim: Some(token) }
            }
            store::Written::Refused(old) => {
                let row = old.and_then(|item| item.decode().ok());
                match inbox::meaning(row.as_ref(), now) {
                    Meaning::Duplicate => Begun::Settled,
                    Meaning::HeldUntil(until) => Begun::Held { seconds: seconds_until(now, until) },
                    Meaning::Free { .. } => Begun::Held { seconds: 1 },
                }
            }
        })
    }

    fn call(&self, meta: &Meta, event: &Envelope, store: store::Store, cause: Cause) -> Call {
        let ports = &self.function.ports;
        Call {
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
            cause,
            if_match: crate::precondition::IfMatch::Absent,
            signal: Signal::of(Some((event.tenantid, event.livemode))),
            module: self.function.module.clone(),
            commits: AtomicU16::new(0),
        }
    }

    /// Runs the handler, again after a lost race; an event handled before is done.
    async fn run(
        &self,
        handler: &ListenerHandler,
        call: &Arc<Call>,
        event: &Envelope,
    ) -> Result<Outcome, Error> {
        for run in 0..MAX_RUNS {
            let who = Worker {
                tenant: event.tenantid,
                livemode: event.livemode,
                actor: event.actorid.as_deref().and_then(|id| id.parse().ok()),
                subject: Some(event.subject.clone()),
            };
            let running = async {
                match handler(call.clone(), who, event.clone(), &self.listening.accepts) {
                    Ok(running) => running.await,
                    Err(fault) => Err(unreadable(&fault)),
                }
            };
            let outcome = AssertUnwindSafe(running).catch_unwind().await;
            let error = match outcome {
                Ok(Ok(outcome)) => return Ok(outcome),
                Ok(Err(error)) => error,
                Err(_) => return Err(Error::internal("handler panicked")),
            };
            match call.signal.take() {
                Some(Verdict::Duplicate) => return Ok(Outcome::Done),
                Some(Verdict::Rerun) if call.back_off(run).await => {}
                _ => return Err(error),
            }
        }
        Err(Error::conflict("lock_timeout", "too many writers at once"))
    }

    /// Writes what is not written yet and decides about the message.
    async fn conclude(&self, attempt: &Attempt, event: &Envelope, outcome: &Outcome) -> Fate {
        let now = self.function.ports.clock.now();
        let store = &attempt.call.store;
        let claim = attempt.claim.as_deref();
        let (code, exhausted) = match outcome {
            Outcome::Done if attempt.call.signal.committed() => return Fate::Acknowledge,
            Outcome::Done => {
                return self
                    .settle(attempt, inbox::done(&attempt.inbox, attempt.attempts, claim, now))
                    .await;
            }
            Outcome::Skip(reason) => {
                let row = inbox::skipped(&attempt.inbox, attempt.attempts, claim, reason, now);
                return self.settle(attempt, row).await;
            }
            Outcome::Wait { seconds, code } => {
                self.let_go(attempt, code).await;
                return Fate::Return { seconds: *seconds };
            }
            Outcome::Retry(code) => (*code, attempt.attempts >= self.listening.tries),
            Outcome::Permanent(code) => (*code, true),
        };
        let failure = attempt.failure(code);
        if !exhausted {
            let _ =
                store.update(inbox::retry(&attempt.inbox, attempt.attempts, claim, &failure)).await;
            return Fate::Return { seconds: self.pause(attempt.attempts) };
        }
        let failed = inbox::failed(&attempt.inbox, attempt.attempts, claim, &failure, now);
        match store.update(failed).await {
            Ok(_) if self.bury(event, attempt.attempts, code).await => Fate::Acknowledge,
            _ => Fate::Return { seconds: self.pause(attempt.attempts) },
        }
    }

    /// Gives a claim back without counting an attempt: waiting is none.
    async fn let_go(&self, attempt: &Attempt, code: &str) {
        let Some(claim) = attempt.claim.as_deref() else { return };
        let begun_before = attempt.attempts.saturating_sub(1);
        let update =
            inbox::retry(&attempt.inbox, begun_before, Some(claim), &attempt.failure(code));
        let _ = attempt.call.store.update(update).await;
    }

    async fn settle(&self, attempt: &Attempt, row: store::Change) -> Fate {
        let token = store::Token::of(attempt.call.request_id.to_string().as_bytes(), 0);
        match attempt.call.store.commit(row, &token).await {
            // A refused row means that another delivery settled it.
            Ok(_) | Err(store::NotCommitted::Refused { .. }) => Fate::Acknowledge,
            Err(_) => Fate::Return { seconds: self.pause(1) },
        }
    }

    /// Hides the message for so long; without it the queue's own visibility holds.
    async fn hide(&self, seconds: u32) {
        let Some((queue, _)) = backbone::queues_of(&self.function.row) else { return };
        let url = self.function.ports.queue_url(&queue);
        let seconds = i32::try_from(seconds.min(VISIBILITY_MAX_S)).unwrap_or(i32::MAX);
        let request = self.function.ports.sqs.change_message_visibility().queue_url(url);
        let request = request.set_receipt_handle(self.message.receipt_handle.clone());
        let _ = request.visibility_timeout(seconds).send().await;
    }

    /// The pause after the n-th failure, ± 20 %.
    fn pause(&self, failures: u32) -> u32 {
        let index = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
        let steps = &self.listening.backoff_s;
        let step = steps.get(index).or(steps.last()).copied().unwrap_or(30);
        let mut byte = [0];
        self.function.ports.entropy.fill(&mut byte);
        let [byte] = byte;
        let spread = u64::from(step) * (80 + u64::from(byte) * 40 / 255) / 100;
        u32::try_from(spread).unwrap_or(step).max(1)
    }

    fn receives(&self) -> u32 {
        let count = self.message.attributes.get("ApproximateReceiveCount");
        count.and_then(|count| count.parse().ok()).unwrap_or(1)
    }

    fn log(
        &self,
        meta: &Meta,
        envelope: &Envelope,
        attempt: &Attempt,
        outcome: &Outcome,
        error: Option<&Error>,
        started: kernel::Timestamp,
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
        let handled = Handled { envelope, outcome, code, attempt: attempt.attempts };
        let done = Done {
            function: self.function.row.id,
            request_id: attempt.call.request_id.to_string(),
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
            meter: attempt.call.store.meter(),
            event: Some(handled),
        };
        ports.log.done(&ports.config, now, &done);
    }
}

/// One attempt at one event.
struct Attempt {
    inbox: InboxKey,
    attempts: u32,
    claim: Option<String>,
    call: Arc<Call>,
}

impl Attempt {
    fn failure(&self, code: &str) -> Failure {
        Failure {
            code: code.to_owned(),
            fingerprint: hex_sha256(&[code.as_bytes()]).chars().take(12).collect(),
            trace_id: self.call.traceparent.clone(),
        }
    }
}

/// Whether the attempt may go on.
enum Begun {
    Free { attempts: u32, claim: Option<String> },
    Settled,
    Held { seconds: u32 },
}

fn seconds_until(now: kernel::Timestamp, until: kernel::Timestamp) -> u32 {
    u32::try_from(until.since(now).as_secs() + 1).unwrap_or(u32::MAX)
}

fn unreadable(fault: &EnvelopeError) -> Error {
    let code = match fault {
        EnvelopeError::UnknownSchema { .. } => "unsupported_schema",
        EnvelopeError::Malformed(_) | EnvelopeError::TooLarge { .. } => "unreadable_event",
    };
    Error::new(ErrorKind::Validation, code, fault.to_string())
}

/// A handler's error: what the caller of an endpoint could mend can never be mended here.
fn judge(error: &Error) -> Outcome {
    match error.kind() {
        ErrorKind::Validation | ErrorKind::Malformed => Outcome::Permanent(error.code()),
        _ => Outcome::Retry(error.code()),
    }
}
