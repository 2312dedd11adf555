//! Events that are collected for listeners of mode `scheduled`: kept, and handed out as batches.
//!
//! The sweep of timers hands a batch out as a message to the listener's own job queue, and the job takes
//! the events off together with their effect.

mod run;

pub(crate) use run::job;

use interface::Envelope;
use kernel::{Error, ErrorKind, Problem, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use store::collected::{self, Batches, HANDED_OUT_MAX, Head};
use store::lease::{self, Lease};
use store::{Change, NotCommitted, Token};

use crate::call::caller::{InTenant, System, Worker};
use crate::call::ctx::Ctx;
use crate::call::event::Outcome;
use crate::commit::builder::Commit;

/// Another sweep has taken over; a later one goes on where this one stopped.
pub const LEASE_LOST: Problem =
    Problem::new(ErrorKind::Conflict, "lease_lost", "another sweep has taken over");

/// A batch that is due: the message of its job.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct HandOut {
    /// Says whose rows the job may touch, as in an event.
    pub tenantid: TenantId,
    pub livemode: bool,
    pub listener: String,
    /// The number of the hand-out: each is worked through once.
    pub run: u64,
    /// The time of the cadence it is for.
    #[serde(with = "kernel::time::ms", rename = "due_at_ms")]
    pub due_at: Timestamp,
}

impl Ctx<Worker> {
    /// Keeps the event for every listener it is collected for. Running twice is safe: keeping an event
    /// twice is keeping it once, and the inbox row is in the same transaction.
    pub async fn keep(&self, event: &Envelope) -> Result<Outcome, Error> {
        let (now, kind) = (self.now(), topic_type(event));
        let text = event.to_bytes().map_err(|fault| Error::internal(fault.to_string()))?;
        let mut change = Change::new();
        for listener in self.ports().backbone().collecting(&kind) {
            // A cadence that is over hands out at once.
            let tick = listener.cadence.next(now).unwrap_or(now);
            let batches =
                Batches::new(self.tenant(), self.who.livemode(), &listener.hearing.listener);
            change = change.append(batches.keep(event.id, &text, tick, now));
        }
        if change.is_empty() {
            return Ok(Outcome::Skip("collected_for_nobody"));
        }
        self.apply(Commit::of(change)).await.map(|()| Outcome::Done)
    }
}

fn topic_type(event: &Envelope) -> String {
    match event.dataschema.rsplit(':').next() {
        None | Some("0" | "1") => event.kind.clone(),
        Some(major) => format!("{}@{major}", event.kind),
    }
}

impl Ctx<System> {
    /// Hands out the batches of these heads to the jobs of their listeners, under the sweep's lease.
    /// The heads move before the messages are sent: a hand-out that is lost in between is made again by
    /// a later sweep, and one time of a cadence is never handed out twice.
    pub async fn hand_out(&self, heads: &[Head], lease: &Lease) -> Result<(), Error> {
        let now = self.now();
        let mut sent = Ok(());
        for heads in heads.chunks(HANDED_OUT_MAX) {
            let change = collected::hand_out(heads, lease, now);
            match self.store().commit(change, &Token::of(&self.random::<16>(), 0)).await {
                Ok(_) => {}
                Err(NotCommitted::Refused { label: Some(lease::LABEL), .. }) => {
                    return Err(LEASE_LOST.error());
                }
                Err(fault) => return Err(fault.into()),
            }
            for head in heads {
                let message = HandOut {
                    tenantid: head.tenant_id,
                    livemode: head.livemode,
                    listener: head.listener.clone(),
                    run: head.run + 1,
                    due_at: head.due_at.unwrap_or(now),
                };
                sent = sent.and(self.enqueue(&head.listener, &message, 0).await);
            }
        }
        sent
    }
}
