//! Typed calls: one module asks another. A Lambda invoke on AWS; the local cloud answers the same
//! request in-process.

use aws_sdk_lambda::primitives::Blob;
use interface::Call as Contract;
use kernel::problem::DEPENDENCY_UNAVAILABLE;
use kernel::{AnyId, Error, EventId, Fault, TenantId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::caller::InTenant;
use super::ctx::Ctx;

/// What a typed call carries besides the request.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Envelope {
    pub tenant: TenantId,
    pub livemode: bool,
    pub actor: Option<AnyId>,
    pub correlation: String,
    pub causation: Option<EventId>,
    pub traceparent: Option<String>,
    pub request: Value,
}

/// What a typed call answers: the value, or an error both sides understand.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CallAnswer {
    Ok(Value),
    Refused {
        code: String,
        message: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        param: Option<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        faults: Vec<Fault>,
    },
}

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
