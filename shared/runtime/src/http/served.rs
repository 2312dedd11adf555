//! What becomes known of a request on its way through the pipeline.

use std::sync::Arc;

use interface::Spec;
use kernel::{Error, RequestId};

use crate::call::answer::Answer;
use crate::call::authorizer::Standing;
use crate::call::caller::{InTenant, Principal};
use crate::module::function::{Function, Meta};
use crate::ports::log::Done;
use crate::ports::rate::RateState;

/// What the answer's headers and the log line need to know of the way through the pipeline.
#[derive(Default)]
pub(super) struct Served {
    pub(super) spec: Option<Spec>,
    pub(super) rates: Vec<RateState>,
    pub(super) origin: Option<String>,
    pub(super) if_none_match: Option<String>,
    pub(super) standing: Option<Standing>,
    pub(super) error: Option<Error>,
    pub(super) step_up_age_s: Option<u32>,
    pub(super) meter: Arc<store::Meter>,
    pub(super) caller: Option<Principal>,
    pub(super) inbound_id: Option<String>,
    pub(super) route: String,
    pub(super) reruns: u32,
    pub(super) entered: Option<kernel::TenantId>,
}

impl Served {
    pub(super) fn violated(&self) -> Vec<String> {
        self.rates.iter().filter(|rate| rate.refused).map(|rate| rate.policy.clone()).collect()
    }

    pub(super) fn log(
        &self,
        function: &Function,
        meta: &Meta,
        request_id: RequestId,
        started: kernel::Timestamp,
        answer: &Answer,
    ) {
        let now = function.ports.clock.now();
        let tenant = self.caller.as_ref().map(InTenant::tenant).or(self.entered);
        let done = Done {
            function: function.row.id,
            request_id: request_id.to_string(),
            correlation_id: self.inbound_id.clone(),
            trace_id: meta.trace.clone(),
            tenant_id: tenant.map(|tenant| tenant.to_string()),
            actor_id: self.caller.as_ref().and_then(InTenant::actor).map(|id| id.to_string()),
            route: Some(self.route.clone()),
            status: Some(answer.status),
            error: self.error.as_ref(),
            duration: now.since(started),
            cold_start: meta.cold,
            reruns: self.reruns,
            meter: &self.meter,
            event: None,
        };
        function.ports.log.done(&function.ports.config, now, &done);
    }
}
