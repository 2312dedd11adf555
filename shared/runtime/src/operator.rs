//! Orders of operators: the command invokes the function, the function reports.

use std::sync::Arc;

use interface::operation::{OperationSpec, Order, REASON_CHARACTERS, Report};
use interface::ops::{ACTION_PERFORMED, ActionPerformed};
use kernel::problem::{IDEMPOTENCY_KEY_IN_USE, REASON_REQUIRED};
use kernel::{Error, ErrorKind, ReplayId, RequestId, TenantId, Timestamp};
use serde::Serialize;
use serde_json::Value;
use store::idempotency::{Record, Replay, StoredAnswer};
use store::{Change, Condition, Consistency, IDEMPOTENCY, Item, Key, Scope};

use crate::background::{finish, guarded, invocation};
use crate::caller::{Operator, Worker};
use crate::cause::Verdict;
use crate::commit::{Commit, Uncommitted, reused};
use crate::ctx::{Call, Ctx, RUNS_MAX};
use crate::digest::hex_sha256;
use crate::entry::OperatorHandler;
use crate::function::{Function, InvocationFailed, Meta};
use crate::refused;

/// The label of the record of an order.
const ORDER: &str = "order";
/// The most targets the record of an action names.
const TARGETS_MAX: usize = 100;

/// Carries out one order. What the operator can mend comes back as a refusal; anything else fails
/// the invocation.
pub(crate) async fn serve(
    function: &Function,
    spec: &OperationSpec,
    handler: &OperatorHandler,
    event: &str,
    meta: &Meta,
) -> Result<String, InvocationFailed> {
    let order: Order = serde_json::from_str(event)
        .map_err(|fault| InvocationFailed(format!("not an operator's order: {fault}")))?;
    let call = Arc::new(invocation(function, meta));
    let result = match check(spec, &order) {
        Err(error) => Err(error),
        Ok(()) => run(&call, spec, handler, order).await,
    };
    let result = result
        .map_err(|error| refused::listed(&function.ports.config, spec.id, &spec.refused(), error));
    finish(function, meta, &call, result.as_ref().err());
    let report = match result {
        Ok(answer) => Report::Done(answer),
        Err(error) => match error.kind() {
            ErrorKind::Internal | ErrorKind::Unavailable => {
                return Err(InvocationFailed(error.to_string()));
            }
            _ => Report::Refused {
                code: error.code().to_owned(),
                message: error.public_message().to_owned(),
            },
        },
    };
    serde_json::to_string(&report).map_err(|fault| InvocationFailed(fault.to_string()))
}

/// Runs the handler, again after a lost race. An order that was carried out before is answered as
/// it was then: a handler that fails may have run after one that succeeded.
async fn run(
    call: &Arc<Call>,
    spec: &OperationSpec,
    handler: &OperatorHandler,
    order: Order,
) -> Result<Value, Error> {
    let Order { operator: name, reason, confirmed, key, request } = order;
    let request_hash = hex_sha256(&[request.to_string().as_bytes()]);
    let who = Operator { name, reason, confirmed, key, request_hash };
    let mut run = 0;
    loop {
        let ctx = Ctx { call: call.clone(), who: who.clone() };
        let error = match guarded(handler(ctx, request.clone())).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let verdict = call.signal.take();
        match verdict {
            Some(Verdict::Rerun) if run < RUNS_MAX && call.back_off(run).await => run += 1,
            _ if !(spec.changes && who.confirmed) => return Err(error),
            _ => return before(call, &who).await.unwrap_or(Err(error)),
        }
    }
}

/// What this order was answered before, if it was carried out.
async fn before(call: &Call, who: &Operator) -> Option<Result<Value, Error>> {
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

/// Whatever changes something needs a reason, also as a dry run: what is tried is what is done.
fn check(spec: &OperationSpec, order: &Order) -> Result<(), Error> {
    if !spec.changes {
        return Ok(());
    }
    let length = order.reason.as_deref().map_or(0, |reason| reason.trim().chars().count());
    if REASON_CHARACTERS.contains(&length) {
        return Ok(());
    }
    Err(REASON_REQUIRED.error())
}

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

#[cfg(test)]
mod tests {
    use interface::Operation;

    use super::*;

    fn order(reason: Option<&str>) -> Order {
        Order {
            operator: "ada".to_owned(),
            reason: reason.map(str::to_owned),
            confirmed: true,
            key: "k".to_owned(),
            request: serde_json::Value::Null,
        }
    }

    #[test]
    fn what_changes_something_needs_a_reason() {
        let long = "x".repeat(501);
        let table = [
            (true, None, false),
            (true, Some(""), false),
            (true, Some("  a "), false),
            (true, Some("abc"), true),
            (true, Some(&long[..500]), true),
            (true, Some(&long), false),
            (false, None, true),
        ];
        for (changes, reason, allowed) in table {
            let spec = OperationSpec { changes, ..Operation::<(), ()>::new("a.b").spec };
            assert_eq!(check(&spec, &order(reason)).is_ok(), allowed, "{changes} {reason:?}");
        }
    }
}
