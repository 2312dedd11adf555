//! Typed calls: one module asks another. A Lambda invoke on AWS; the local cloud answers the same
//! request in-process.

use aws_sdk_lambda::primitives::Blob;
use interface::Call as Contract;
use kernel::Error;
use kernel::problem::DEPENDENCY_UNAVAILABLE;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::background::{CallAnswer, Envelope};
use crate::caller::InTenant;
use crate::ctx::Ctx;

impl<Who: InTenant> Ctx<Who> {
    /// Asks another module and waits for the answer. What the call is declared to refuse with passes
    /// through as it is; everything else is a dependency that did not answer.
    pub async fn call<Q: Serialize, S: DeserializeOwned>(
        &self,
        contract: &Contract<Q, S>,
        request: &Q,
    ) -> Result<S, Error> {
        let unavailable = || DEPENDENCY_UNAVAILABLE.error();
        let envelope = Envelope {
            tenant: self.who.tenant(),
            livemode: self.who.livemode(),
            actor: self.who.actor(),
            correlation: self.call.correlation.clone(),
            causation: self.call.causation,
            traceparent: self.call.traceparent.clone(),
            request: serde_json::to_value(request).map_err(|_| unavailable())?,
        };
        let payload = serde_json::to_vec(&envelope).map_err(|_| unavailable())?;
        let ports = self.ports();
        let name = ports.config.function_name(contract.spec.id);
        let invoke = ports.lambda.invoke().function_name(name).payload(Blob::new(payload));
        let answer = invoke.send().await.map_err(|_| unavailable())?;
        if answer.function_error().is_some() {
            return Err(unavailable());
        }
        let bytes = answer.payload().map(AsRef::as_ref).unwrap_or_default();
        match serde_json::from_slice(bytes).map_err(|_| unavailable())? {
            CallAnswer::Ok(value) => serde_json::from_value(value).map_err(|_| unavailable()),
            CallAnswer::Refused { code, message, param, faults } => {
                let declared = contract.spec.refused().into_iter().find(|one| one.code() == code);
                let error = declared.ok_or_else(unavailable)?.because(message);
                let error = error.with_faults(faults);
                Err(param.into_iter().fold(error, Error::at))
            }
        }
    }
}
