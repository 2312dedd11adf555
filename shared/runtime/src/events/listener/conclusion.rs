//! What becomes of an event after its handler ran, and the rows that say so.

use std::time::Duration;

use interface::ops::{LISTENER_BLOCKED, ListenerBlocked};
use interface::{Envelope, Ordering};
use kernel::{EntityKind, EntityRef};
use store::cursor::{Cursor, Turn};
use store::inbox::{self, Failure, InboxRow, Meaning};
use store::planted::{self, Bug};
use store::redelivery::{Addressee, Redelivery};
use store::{Change, Key, NotCommitted, Store, Token, cursor, outbox};

use super::item::{Fate, Item};
use crate::call::caller::Worker;
use crate::call::ctx::Ctx;
use crate::call::delivery::{Delivery, PUT_OFF_LABEL, REPEAT_LABEL};
use crate::call::event::Outcome;
use crate::commit::announcement::Announcement;
use crate::module::listening::Exhausted;
use crate::ports::clock;
use crate::ports::digest::fingerprint;

/// The longest step a queue's visibility is used for; a longer one becomes a row.
const STEP_IN_QUEUE_S: u32 = 900;

impl Item<'_> {
    /// Writes what is not written yet and decides about the message. `None` where the aggregate moved
    /// on meanwhile, and the rows have to be looked at again.
    pub async fn conclude(
        &self,
        ctx: &Ctx<Worker>,
        (event, delivery): (&Envelope, &Delivery),
        outcome: &Outcome,
        message: &str,
    ) -> Option<Fate> {
        let now = self.now();
        let why = |code| failure(ctx, code, message);
        match outcome {
            Outcome::Done if ctx.call.signal.committed() => Some(forward(delivery)),
            Outcome::Done => self.settle(ctx, delivery, delivery.settle(None, now)).await,
            Outcome::Skip(reason) => {
                self.settle(ctx, delivery, delivery.settle(Some(reason), now)).await
            }
            Outcome::Wait { seconds, code } => {
                self.let_go(ctx, delivery, &why(code)).await;
                Some(Fate::Wait { seconds: *seconds })
            }
            Outcome::Retry(code) if delivery.attempts < self.listening.tries => {
                Some(self.try_later(ctx, event, delivery, &why(code)).await)
            }
            Outcome::Retry(code) | Outcome::Permanent(code) => {
                self.give_up(ctx, event, delivery, why(code)).await
            }
        }
    }

    /// Settles, puts off or parks an event without its handler.
    pub async fn put_aside(&self, store: &Store, event: &Envelope, change: Change) -> Option<Fate> {
        let ports = &self.function.ports;
        let attempt: kernel::RequestId = clock::new_id(&*ports.clock, &*ports.entropy);
        let token = Token::of(format!("{attempt} {}", event.id).as_bytes(), 0);
        match store.commit(change, &token).await {
            Ok(_) => Some(Fate::Acknowledge),
            Err(NotCommitted::Refused { label: Some(cursor::LABEL | PUT_OFF_LABEL), .. }) => None,
            Err(NotCommitted::Refused { label, old, .. }) => Some(self.refused(label, old)),
            Err(_) => Some(Fate::Return { seconds: self.pause(1) }),
        }
    }

    /// What a refusal by a stored row means: settled by another delivery, or only claimed by one that
    /// may still die with it.
    pub fn refused(&self, label: Option<&str>, old: Option<store::Item>) -> Fate {
        if label != Some(inbox::LABEL) {
            return Fate::Acknowledge;
        }
        let row: Option<InboxRow> = old.and_then(|item| item.decode().ok());
        let now = self.now();
        match inbox::meaning(row.as_ref(), now) {
            Meaning::Duplicate => Fate::Acknowledge,
            Meaning::GivenUp => buried(row),
            Meaning::HeldUntil(until) => {
                let seconds = u32::try_from(until.since(now).as_secs() + 1).unwrap_or(u32::MAX);
                Fate::Wait { seconds }
            }
            // From the third receive on a claim is taken first, also over a dead holder's.
            Meaning::Free { .. } => Fate::Return { seconds: 1 },
        }
    }

    async fn settle(&self, ctx: &Ctx<Worker>, delivery: &Delivery, rows: Change) -> Option<Fate> {
        match ctx.put_down(rows, Vec::new()).await {
            Ok(()) => Some(forward(delivery)),
            Err(NotCommitted::Refused { label: Some(cursor::LABEL | REPEAT_LABEL), .. }) => None,
            Err(NotCommitted::Refused { label, old, .. }) => Some(self.refused(label, old)),
            Err(_) => Some(Fate::Return { seconds: self.pause(1) }),
        }
    }

    /// Gives a claim back without counting an attempt: waiting is none.
    pub async fn let_go(&self, ctx: &Ctx<Worker>, delivery: &Delivery, failure: &Failure) {
        let Some(claim) = delivery.claim.as_deref() else { return };
        let begun_before = delivery.attempts.saturating_sub(1);
        let update = inbox::retry(&delivery.inbox, begun_before, Some(claim), failure);
        let _ = ctx.store().update(update).await;
    }

    /// Notes a failed attempt. The message waits in the queue, or, for long, in a row.
    async fn try_later(
        &self,
        ctx: &Ctx<Worker>,
        event: &Envelope,
        delivery: &Delivery,
        failure: &Failure,
    ) -> Fate {
        let seconds = self.pause(delivery.attempts);
        let claim = delivery.claim.as_deref();
        let failed = inbox::retry(&delivery.inbox, delivery.attempts, claim, failure);
        let Some(redelivery) = self.redelivery(ctx, event, seconds) else {
            // A lost note only means that the next attempt has the same number.
            let _ = ctx.store().update(failed).await;
            return Fate::Return { seconds };
        };
        let mut rows = Change::new();
        rows.update(failed).named(inbox::LABEL);
        match ctx.put_down(rows.append(redelivery.into_change()), Vec::new()).await {
            Ok(()) => Fate::Acknowledge,
            Err(_) => Fate::Return { seconds: STEP_IN_QUEUE_S },
        }
    }

    /// The row that brings the event back after a long step; FIFO queues keep it and their group waits.
    fn redelivery(&self, ctx: &Ctx<Worker>, event: &Envelope, seconds: u32) -> Option<Redelivery> {
        if self.is_fifo() || seconds <= STEP_IN_QUEUE_S {
            return None;
        }
        let due = self.now().plus(Duration::from_secs(seconds.into()));
        let queue = self.queue();
        let to = Addressee { part: self.part(), ..self.addressee(&queue, event.id) };
        let row = Redelivery::of(&ctx.mode_scope(), to, source_of(ctx, event), due);
        Some(row.carrying(self.carried(event.id)))
    }

    /// Keeps the event with its cause and says what becomes of its aggregate.
    pub async fn give_up(
        &self,
        ctx: &Ctx<Worker>,
        event: &Envelope,
        delivery: &Delivery,
        failure: Failure,
    ) -> Option<Fate> {
        let buried = Fate::Bury {
            attempts: delivery.attempts,
            code: failure.code.clone(),
            fingerprint: failure.fingerprint.clone(),
        };
        if planted::is(Bug::ExhaustedWithoutRow) {
            return Some(buried);
        }
        let (claim, source) = (delivery.claim.as_deref(), source_of(ctx, event));
        let (inbox, now) = (&delivery.inbox, self.now());
        let failed = inbox::failed(inbox, delivery.attempts, claim, &failure, &source, now);
        let mut rows = Change::new();
        rows.update(failed).named(inbox::LABEL).decides_first();
        let (rows, announcements) = match self.hold_up(ctx, event, delivery, &failure.code).await {
            Ok((held, announcements)) => (rows.append(held), announcements),
            Err(_) => return Some(Fate::Return { seconds: self.pause(1) }),
        };
        match ctx.put_down(rows, announcements).await {
            Ok(()) => Some(buried),
            Err(NotCommitted::Refused { label: Some(cursor::LABEL), .. }) => None,
            Err(NotCommitted::Refused { label, old, .. }) => Some(self.refused(label, old)),
            Err(_) => Some(Fate::Return { seconds: self.pause(delivery.attempts) }),
        }
    }

    /// What giving up means for later events of the aggregate.
    async fn hold_up(
        &self,
        ctx: &Ctx<Worker>,
        event: &Envelope,
        delivery: &Delivery,
        code: &str,
    ) -> Result<(Change, Vec<Announcement>), store::StoreError> {
        let nothing = (Change::new(), Vec::new());
        let ordered = self.listening.ordering == Ordering::Aggregate && !self.is_forced();
        let sequence = event.sequence_number();
        match (self.listening.on_exhausted, &delivery.step) {
            _ if !ordered => Ok(nothing),
            (Exhausted::Park, _) => Ok(nothing),
            (Exhausted::Skip, Some(step)) => Ok((step.advance(), Vec::new())),
            // An earlier one never came: the aggregate goes on without both.
            (Exhausted::Skip, None) => {
                let cursor = self.cursor(ctx, &event.subject).await?;
                let moved = matches!(cursor.turn(sequence), Turn::Now { .. });
                let advanced = moved.then(|| cursor.advance(sequence, None));
                Ok((advanced.unwrap_or_default(), Vec::new()))
            }
            (Exhausted::Block, step) => {
                let cursor = match step {
                    Some(step) => step.cursor.clone(),
                    None => self.cursor(ctx, &event.subject).await?,
                };
                let blocked = cursor.block(sequence, event.id);
                Ok((blocked, vec![self.blocked(ctx, event, code)]))
            }
        }
    }

    /// The cursor, where the event never got its turn: an earlier one is missing.
    async fn cursor(
        &self,
        ctx: &Ctx<Worker>,
        subject: &EntityRef,
    ) -> Result<Cursor, store::StoreError> {
        let key = cursor::key_of(&ctx.mode_scope(), self.function.row.id, subject);
        let row = ctx.store().get(&key, store::Consistency::Strong).await?;
        Ok(Cursor::of(key, row))
    }

    fn blocked(&self, ctx: &Ctx<Worker>, event: &Envelope, error_code: &str) -> Announcement {
        let operation: kernel::RequestId = ctx.new_id();
        let data = ListenerBlocked {
            listener: self.function.row.id.to_owned(),
            event_id: event.id,
            aggregate: event.subject.clone(),
            error_code: error_code.to_owned(),
        };
        let subject = EntityRef::new(EntityKind::Operation, operation);
        Announcement::of(&LISTENER_BLOCKED, subject, 1, &data)
    }
}

/// The message is done with; what the transaction handed out is sent at once.
fn forward(delivery: &Delivery) -> Fate {
    match delivery.hand_out() {
        Some(redelivery) => Fate::Forward(Box::new(redelivery.clone())),
        None => Fate::Acknowledge,
    }
}

/// Given up by another delivery: its dead letter may still be missing.
pub(super) fn buried(row: Option<InboxRow>) -> Fate {
    let row = row.map(|row| (row.attempts, row.last_error_code, row.last_error_fp));
    let (attempts, code, fingerprint) = row.unwrap_or_default();
    let (code, fingerprint) = (code.unwrap_or_default(), fingerprint.unwrap_or_default());
    Fate::Bury { attempts, code, fingerprint }
}

/// Where the event is kept.
fn source_of(ctx: &Ctx<Worker>, event: &Envelope) -> Key {
    outbox::key_of(&ctx.mode_scope(), &event.subject, event.sequence_number())
}

pub(super) fn failure(ctx: &Ctx<Worker>, code: &str, message: &str) -> Failure {
    Failure {
        code: code.to_owned(),
        fingerprint: fingerprint(code, message),
        trace_id: ctx.call.traceparent.clone(),
    }
}
