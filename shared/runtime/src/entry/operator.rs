//! Orders of operators: the command invokes the function, the function reports.

use std::sync::Arc;

use interface::operation::{OperationSpec, Order, REASON_CHARACTERS, Report};
use kernel::problem::REASON_REQUIRED;
use kernel::{Error, ErrorKind};
use serde_json::Value;

use super::background::{finish, guarded, invocation};
use crate::call::caller::Operator;
use crate::call::cause::Verdict;
use crate::call::ctx::{Call, Ctx, RUNS_MAX};
use crate::call::refused;
use crate::commit::deed;
use crate::module::function::{Function, InvocationFailed, Meta};
use crate::module::handler::OperatorHandler;
use crate::ports::digest::hex_sha256;

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
            _ => return deed::done_before(call, &who).await.unwrap_or(Err(error)),
        }
    }
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
