//! What operators order: a change with the record of its order and the event that tells of it.

use interface::ops::{ACTION_PERFORMED, ActionPerformed};
use kernel::problem::IDEMPOTENCY_KEY_IN_USE;
use kernel::{Error, ReplayId, RequestId, TenantId, Timestamp};
use serde::Serialize;
use serde_json::Value;
use store::idempotency::{Record, Replay, StoredAnswer};
use store::{Change, Condition, Consistency, IDEMPOTENCY, Item, Key, Scope};

use super::builder::Commit;
use super::transaction::{Uncommitted, reused};
use crate::call::caller::{Operator, Worker};
use crate::call::ctx::{Call, Ctx};

/// The label of the record of an order.
const ORDER: &str = "order";
/// The most targets the record of an action names.
const TARGETS_MAX: usize = 100;

/// What an order changes, in one transaction.
pub struct Deed {
    change: Change,
    targets: Vec<String>,
    replay_id: Option<ReplayId>,
    kept: Kept,
}

/// What keeps a repeated order from being carried out twice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// The record of the order.
    Record,
    /// A later part of the order writes the record; this one asks that there is none.
    Later,
    /// The rows themselves: doing it twice is doing it once.
    Rows,
}

impl Deed {
    /// This change, done to these things. The record of the order goes with it.
    pub fn of(change: Change, targets: Vec<String>) -> Self {
        Self { change, targets, replay_id: None, kept: Kept::Record }
    }

    /// Starts or ends this replay.
    pub fn about(mut self, replay: ReplayId) -> Self {
        self.replay_id = Some(replay);
        self
    }

    /// One part of an order that is too large for a transaction, and not the last.
    pub fn part(mut self) -> Self {
        self.kept = Kept::Later;
        self
    }

    /// Needs no record: its rows say that it was done.
    pub fn natural(mut self) -> Self {
        self.kept = Kept::Rows;
        self
    }
}

impl Ctx<Operator> {
    /// Goes on at work for the platform itself, where its own events belong.
    pub fn enter_platform(&self) -> Ctx<Worker> {
        let tenant = TenantId::from_bytes([0; 16]);
        let who = Worker { tenant, livemode: true, actor: None, subject: None };
        Ctx { call: self.call.clone(), who }
    }

    /// Does what was ordered and confirmed: the change, the record of the order and
    /// `ops.action.performed`, all or nothing. A lost race runs the handler again from its read; an
    /// order sent again is answered as it was first.
    pub async fn perform<S: Serialize>(&self, deed: Deed, answer: S) -> Result<S, Error> {
        let Deed { change, mut targets, replay_id, kept } = deed;
        targets.truncate(TARGETS_MAX);
        let data = ActionPerformed {
            action: self.call.function.to_owned(),
            operator: self.who.name.clone(),
            reason: self.who.reason().to_owned(),
            targets,
            replay_id,
        };
        let action: RequestId = self.new_id();
        let change = change.append(self.guard(kept, &answer)?);
        let commit = Commit::of(change).announcing_of(action, &ACTION_PERFORMED, &data);
        match self.enter_platform().try_apply(commit).await {
            Ok(()) => Ok(answer),
            Err(Uncommitted::Refused { label: ORDER, old }) => Err(self.repeated(old)),
            Err(other) => Err(other.into()),
        }
    }

    fn guard<S: Serialize>(&self, kept: Kept, answer: &S) -> Result<Change, Error> {
        let (key, now) = (record_key(&self.call, &self.who), self.now());
        match kept {
            Kept::Rows => Ok(Change::new()),
            Kept::Later => {
                let expired = Condition::at_most("expires_at_ms", now.ms());
                let mut change = Change::new();
                let unanswered = Condition::no_item().or(expired);
                change.check(IDEMPOTENCY, key, unanswered).named(ORDER).decides_first();
                Ok(change)
            }
            Kept::Record => {
                let body = serde_json::to_string(answer)
                    .map_err(|fault| Error::internal(format!("an answer: {fault}")))?;
                let mut change = self.record(body, now).into_change();
                if let Some(action) = change.action(IDEMPOTENCY, &key) {
                    action.named(ORDER);
                }
                Ok(change)
            }
        }
    }

    fn record(&self, body: String, now: Timestamp) -> Record {
        let Operator { name, key, request_hash, .. } = &self.who;
        let answer = StoredAnswer { body, ..StoredAnswer::default() };
        let function = self.call.function;
        Record::new(&Scope::system(), function, name, key, request_hash, answer, now)
    }

    /// The order was carried out by another run of it: whoever reads the record next knows its
    /// answer.
    fn repeated(&self, old: Option<Item>) -> Error {
        match old.and_then(|item| Record::from_item(item).ok()) {
            Some(record) if record.replay(&self.who.request_hash) == Replay::OtherRequest => {
                reused()
            }
            _ => IDEMPOTENCY_KEY_IN_USE.because("the same order is being carried out"),
        }
    }
}

/// What this order was answered before, if it was carried out.
pub(crate) async fn done_before(call: &Call, who: &Operator) -> Option<Result<Value, Error>> {
    let found = call.store.get(&record_key(call, who), Consistency::Strong).await;
    let record: Record = found.ok()??;
    if !record.is_live(call.ports.clock.now()) {
        return None;
    }
    Some(match record.replay(&who.request_hash) {
        Replay::Same(answer) => serde_json::from_str(&answer.body)
            .map_err(|fault| Error::internal(format!("a stored answer: {fault}"))),
        Replay::OtherRequest => Err(reused()),
    })
}

fn record_key(call: &Call, who: &Operator) -> Key {
    Record::key_of(&Scope::system(), call.function, &who.name, &who.key)
}
