//! Timers that are due: each fires in one transaction with the events it announces.

use interface::Envelope;
use kernel::{EntityKind, EntityRef, Error, EventId, Timestamp};
use store::outbox::{Birth, OutboxRow};
use store::planted::{self, Bug};
use store::schedule::{self, ScheduledEvent, Step};
use store::{Change, Consistency, NotCommitted, Scope, StoreError, Token};

use super::relay;
use crate::call::caller::System;
use crate::call::ctx::Ctx;
use crate::commit::schedule::{Due, is_soon};
use crate::ports::log::Line;

/// Tries to fire a timer that keeps changing under our hands.
const TRIES: u32 = 5;

impl Ctx<System> {
    /// Fires the timer of this row where it is due, sends it on where it is precise and due soon, and
    /// has the sweep look again later where it was put off. Early, late and double calls are harmless:
    /// the transaction that fires asks that nothing has changed since `row` was read.
    ///
    /// A timer that cannot be fired is tried by as many sweeps as it has attempts, then given up.
    pub async fn fire(&self, row: ScheduledEvent) -> Result<(), Error> {
        let key = row.key.clone();
        let mut found = Some(row);
        for _ in 0..TRIES {
            let Some(row) = found else { return Ok(()) };
            if self.take_step(&row).await? {
                return Ok(());
            }
            found = self.store().get(&key, Consistency::Strong).await?;
        }
        Err(StoreError::Conflict.into())
    }

    /// Fires the timer a message is about.
    pub async fn fire_due(&self, due: &Due) -> Result<(), Error> {
        match self.store().get::<ScheduledEvent>(&due.key, Consistency::Strong).await? {
            Some(row) => self.fire(row).await,
            None => Ok(()),
        }
    }

    /// True where the step is taken; false where the row has changed under it.
    async fn take_step(&self, row: &ScheduledEvent) -> Result<bool, Error> {
        let now = self.now();
        match row.step(now) {
            Step::Over => Ok(true),
            Step::Wait(due_at) if row.is_precise() && is_soon(due_at, now) => {
                self.fire_at(&due_of(row), due_at).await.map(|()| true)
            }
            Step::Wait(due_at) => {
                let written = self.store().update(row.look_again(due_at)).await?;
                Ok(written.done().is_some())
            }
            Step::Fire { events, next } => self.announce(row, events, next).await,
        }
    }

    async fn announce(
        &self,
        row: &ScheduledEvent,
        events: u64,
        next: Option<Timestamp>,
    ) -> Result<bool, Error> {
        let now = self.now();
        let births: Result<Vec<Birth>, String> =
            (1..=events).map(|nth| self.birth_of(row, row.fired + nth)).collect();
        let births = match births {
            Ok(births) => births,
            Err(fault) => return self.give_up(row, "unreadable_event", &fault).await,
        };
        let mut change = Change::new();
        change.update(row.fire(events, next, now)).named(schedule::LABEL);
        if planted::is(Bug::TimerOutsideTransaction) && !births.is_empty() {
            let fired = self.store().commit(change, &Token::of(&self.random::<16>(), 0)).await;
            if fired.is_err() {
                return Ok(false);
            }
            change = Change::new();
        }
        for birth in &births {
            change = change.append(OutboxRow::born(birth, now).into_change());
        }
        match self.store().commit(change, &Token::of(&self.random::<16>(), 0)).await {
            Ok(_) => {}
            Err(NotCommitted::Conflict) => return Ok(false),
            Err(NotCommitted::Refused { label: Some(schedule::LABEL), .. }) => return Ok(false),
            Err(NotCommitted::Refused { .. }) => {
                return self.give_up(row, "sequence_taken", "its next sequence is taken").await;
            }
            Err(NotCommitted::Failed(fault)) => {
                return self.give_up(row, "invalid_request", &fault.to_string()).await;
            }
            Err(open) => return Err(open.into()),
        }
        relay::ring_inline(&self.call, &births).await;
        if let Some(next) = next.filter(|next| row.is_precise() && is_soon(*next, now)) {
            self.fire_at(&due_of(row), next).await?;
        }
        Ok(true)
    }

    fn birth_of(&self, row: &ScheduledEvent, sequence: u64) -> Result<Birth, String> {
        let plan = row.plan.as_ref().ok_or("a scheduled row without a plan")?;
        let template = Envelope::parse(&plan.envelope).map_err(|fault| fault.to_string())?;
        let subject = EntityRef::new(EntityKind::Schedule, row.id);
        let mode = if row.livemode { 'l' } else { 't' };
        let event_id: EventId = self.new_id();
        let envelope = Envelope {
            id: event_id,
            time: self.now(),
            sequence: format!("{sequence:020}"),
            partitionkey: format!("{}/{mode}/{subject}", row.tenant_id),
            subject: subject.clone(),
            ..template
        };
        let module = plan.kind.split('.').next().unwrap_or_default();
        Ok(Birth {
            scope: Scope::tenant(row.tenant_id).mode(row.livemode),
            subject,
            sequence,
            event_id,
            kind: plan.kind.clone(),
            major: plan.major,
            module: module.to_owned(),
            ordered: false,
            priority: plan.priority.clone(),
            public: plan.public,
            facet: None,
            traceparent: envelope.traceparent.clone(),
            envelope: envelope.to_bytes().map_err(|fault| fault.to_string())?,
        })
    }

    async fn give_up(&self, row: &ScheduledEvent, code: &str, why: &str) -> Result<bool, Error> {
        let line = Line::error("a timer could not be fired")
            .with("schedule_id", row.id.to_string())
            .with("error_code", code)
            .with("error", why);
        self.log(line);
        let written = self.store().update(row.fail(code, self.now())).await?;
        Ok(written.done().is_some())
    }
}

fn due_of(row: &ScheduledEvent) -> Due {
    Due { tenantid: row.tenant_id, key: row.key.clone() }
}
