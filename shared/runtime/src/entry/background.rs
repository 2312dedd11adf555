//! Everything that is neither an HTTP call nor an event: typed calls, schedules, streams, the
//! authorizer, sockets.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::AtomicU16;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use interface::call::CallSpec;
use kernel::Error;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2CustomAuthorizerV2Request;
use lambda_http::aws_lambda_events::dynamodb::Event as StreamEvent;
use lambda_http::aws_lambda_events::sqs::SqsEvent;
use serde_json::{Value, json};
use store::Item;

use crate::call::authorizer::{Evidence, Inquiry};
use crate::call::caller::{Made, System, Worker};
use crate::call::cause::{Cause, Signal};
use crate::call::ctx::{Call, Ctx, Remote};
use crate::call::precondition::IfMatch;
use crate::call::refused;
use crate::call::socket::Frame;
use crate::call::stream::Record;
use crate::call::typed::{CallAnswer, Envelope};
use crate::http::context;
use crate::module::function::{Function, InvocationFailed, Meta};
use crate::module::handler::{
    AuthorizerHandler, CallHandler, JobHandler, ScheduleHandler, SocketHandler, StreamHandler,
};
use crate::ports::clock;
use crate::ports::log::Done;

type Handled<T> = BoxFuture<'static, Result<T, Error>>;

pub(crate) async fn call(
    function: &Function,
    spec: &CallSpec,
    handler: &CallHandler,
    event: &str,
    meta: &Meta,
) -> Result<String, InvocationFailed> {
    let envelope: Envelope = serde_json::from_str(event)
        .map_err(|fault| InvocationFailed(format!("not a typed call: {fault}")))?;
    let mut call = invocation(function, meta);
    call.correlation = envelope.correlation;
    call.causation = envelope.causation;
    call.traceparent = envelope.traceparent;
    call.signal = Signal::of(Some((envelope.tenant, envelope.livemode)));
    let who = Worker {
        tenant: envelope.tenant,
        livemode: envelope.livemode,
        actor: envelope.actor,
        subject: None,
    };
    let call = Arc::new(call);
    let result = guarded(handler(call.clone(), who, envelope.request)).await;
    let result = result
        .map_err(|error| refused::listed(&function.ports.config, spec.id, &spec.refused(), error));
    finish(function, meta, &call, result.as_ref().err());
    let answer = match result {
        Ok(value) => CallAnswer::Ok(value),
        Err(error) => match error.kind() {
            kernel::ErrorKind::Internal | kernel::ErrorKind::Unavailable => {
                return Err(InvocationFailed(error.to_string()));
            }
            _ => CallAnswer::Refused {
                code: error.code().to_owned(),
                message: error.public_message().to_owned(),
                param: error.param().map(str::to_owned),
                faults: error.faults().to_vec(),
            },
        },
    };
    serde_json::to_string(&answer).map_err(|fault| InvocationFailed(fault.to_string()))
}

/// Works through a batch of a private queue; what fails comes back by itself, and so does what there is
/// too little time left for: half of what the function has, but for the first.
pub(crate) async fn job(
    function: &Function,
    handler: &JobHandler,
    event: &str,
    meta: &Meta,
) -> Result<String, InvocationFailed> {
    let batch: SqsEvent = serde_json::from_str(event)
        .map_err(|fault| InvocationFailed(format!("not an SQS event: {fault}")))?;
    let enough = Duration::from_secs(function.row.timeout_s.into()) / 2;
    let mut failures: Vec<Value> = Vec::new();
    for (at, message) in batch.records.into_iter().enumerate() {
        let left = meta.deadline.since(function.ports.clock.now());
        if at > 0 && left < enough {
            failures.push(json!({ "itemIdentifier": message.message_id }));
            continue;
        }
        let call = Arc::new(invocation(function, meta));
        let body = serde_json::from_str(message.body.as_deref().unwrap_or_default())
            .map_err(|fault| Error::internal(format!("not a job: {fault}")));
        let result = match body {
            Ok(body) => guarded(handler(system(&call), body)).await,
            Err(error) => Err(error),
        };
        finish(function, meta, &call, result.as_ref().err());
        if result.is_err() {
            failures.push(json!({ "itemIdentifier": message.message_id }));
        }
    }
    Ok(json!({ "batchItemFailures": failures }).to_string())
}

pub(crate) async fn schedule(
    function: &Function,
    handler: &ScheduleHandler,
    meta: &Meta,
) -> Result<String, InvocationFailed> {
    let call = Arc::new(invocation(function, meta));
    let result = guarded(handler(system(&call))).await;
    finish(function, meta, &call, result.as_ref().err());
    result.map(|()| "null".to_owned()).map_err(|error| InvocationFailed(error.to_string()))
}

pub(crate) async fn stream(
    function: &Function,
    handler: &StreamHandler,
    event: &str,
    meta: &Meta,
) -> Result<String, InvocationFailed> {
    let event: StreamEvent = serde_json::from_str(event)
        .map_err(|fault| InvocationFailed(format!("not a stream event: {fault}")))?;
    let records = event.records.into_iter().map(|record| Record {
        sequence_number: record.change.sequence_number.unwrap_or_default(),
        id: record.event_id,
        item: Item::from(record.change.new_image),
    });
    let call = Arc::new(invocation(function, meta));
    let failed = handler(system(&call), records.collect()).await;
    finish(function, meta, &call, None);
    let failures: Vec<Value> =
        failed.into_iter().map(|number| json!({ "itemIdentifier": number })).collect();
    Ok(json!({ "batchItemFailures": failures }).to_string())
}

pub(crate) async fn authorize(
    function: &Function,
    handler: &AuthorizerHandler,
    event: &str,
    meta: &Meta,
) -> Result<String, InvocationFailed> {
    let event: ApiGatewayV2CustomAuthorizerV2Request = serde_json::from_str(event)
        .map_err(|fault| InvocationFailed(format!("not an authorizer request: {fault}")))?;
    // The gateway joins a repeated header with commas; no credential holds one.
    let values = |name: &str| -> Vec<String> {
        let sent = event.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        sent.flat_map(|value| value.split(',')).map(|value| value.trim().to_owned()).collect()
    };
    let inquiry = Inquiry {
        authorization: values("authorization"),
        api_key: values("x-api-key"),
        source_ip: event.request_context.http.source_ip.clone().unwrap_or_default(),
        route_key: event.request_context.route_key.clone().unwrap_or_default(),
    };
    let call = Arc::new(invocation(function, meta));
    let gathering = AssertUnwindSafe(handler(system(&call), inquiry)).catch_unwind().await;
    let evidence = gathering.unwrap_or_else(|_| {
        Evidence::without(crate::call::authorizer::Standing::Unavailable, "authorizer_panicked")
    });
    finish(function, meta, &call, None);
    Ok(context::response(&evidence).to_string())
}

pub(crate) async fn socket(
    function: &Function,
    handler: &SocketHandler,
    event: &str,
    meta: &Meta,
) -> Result<String, InvocationFailed> {
    let event: Value = serde_json::from_str(event)
        .map_err(|fault| InvocationFailed(format!("not a socket event: {fault}")))?;
    let context = event.get("requestContext").cloned().unwrap_or_default();
    let text =
        |name: &str| context.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let frame = Frame {
        connection_id: text("connectionId"),
        route: text("routeKey"),
        body: event.get("body").and_then(Value::as_str).map(str::to_owned),
        query: event.get("queryStringParameters").cloned().unwrap_or_default(),
        context: context.get("authorizer").cloned().unwrap_or_default(),
    };
    let call = Arc::new(invocation(function, meta));
    let result = guarded(handler(system(&call), frame)).await;
    finish(function, meta, &call, result.as_ref().err());
    let answer = match result {
        Ok(reply) => json!({ "statusCode": 200, "body": reply.body }),
        Err(_) => json!({ "statusCode": 500 }),
    };
    Ok(answer.to_string())
}

pub(crate) async fn guarded<T>(running: Handled<T>) -> Result<T, Error> {
    match AssertUnwindSafe(running).catch_unwind().await {
        Ok(result) => result,
        Err(_) => Err(Error::internal("handler panicked")),
    }
}

fn system(call: &Arc<Call>) -> Ctx<System> {
    Ctx { call: call.clone(), who: System(Made) }
}

pub(crate) fn invocation(function: &Function, meta: &Meta) -> Call {
    let ports = &function.ports;
    let request_id: kernel::RequestId = clock::new_id(&*ports.clock, &*ports.entropy);
    Call {
        ports: ports.clone(),
        function: function.row.id,
        spec: None,
        request_id,
        correlation: request_id.to_string(),
        causation: None,
        traceparent: meta.trace.clone(),
        deadline: meta.deadline,
        remote: Remote::default(),
        store: ports.store.metered(Arc::default()).until(function.time_left(meta)),
        cause: Cause::None,
        if_match: IfMatch::Absent,
        signal: Signal::of(None),
        settings: function.module.settings.clone(),
        consequences: function.module.clone(),
        commits: AtomicU16::new(0),
    }
}

pub(crate) fn finish(function: &Function, meta: &Meta, call: &Call, error: Option<&Error>) {
    let now = function.ports.clock.now();
    let done = Done {
        function: function.row.id,
        request_id: call.request_id.to_string(),
        correlation_id: Some(call.correlation.clone()),
        trace_id: meta.trace.clone(),
        tenant_id: call.signal.entered().map(|(tenant, _)| tenant.to_string()),
        actor_id: None,
        route: None,
        status: None,
        error,
        duration: now.since(call.request_id.created_at()),
        cold_start: meta.cold,
        reruns: 0,
        meter: call.store.meter(),
        event: None,
    };
    function.ports.log.done(&function.ports.config, now, &done);
}
