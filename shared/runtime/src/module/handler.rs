//! What stands behind a row of the module table: the handler with its types erased.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use interface::{Envelope, EnvelopeError, Spec};
use kernel::Error;
use kernel::problem::{PERMISSION_DENIED, VALIDATION_FAILED};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call::answer::Answer;
use crate::call::authorizer::{Evidence, Inquiry};
use crate::call::caller::{Decided, Operator, Principal, System, Worker};
use crate::call::ctx::{Call, Ctx};
use crate::call::event::{Outcome, Received};
use crate::call::parameters::Parameters;
use crate::call::reply::Reply;
use crate::call::socket::{Frame, FrameReply};
use crate::call::stream::Record;

type Handled<T> = BoxFuture<'static, Result<T, Error>>;

type Records = Vec<Record>;
type Sequences = BoxFuture<'static, Vec<String>>;

/// A run of a listener, or an event it cannot read.
pub(crate) type Heard = Result<Handled<Outcome>, EnvelopeError>;

pub(crate) type HttpHandler =
    dyn Fn(Arc<Call>, Option<Principal>, &Parameters) -> Handled<Answer> + Send + Sync;
pub(crate) type ListenerHandler =
    dyn Fn(Arc<Call>, Worker, Envelope, &[u16]) -> Heard + Send + Sync;
pub(crate) type CallHandler =
    dyn Fn(Arc<Call>, Worker, serde_json::Value) -> Handled<serde_json::Value> + Send + Sync;
pub(crate) type JobHandler = dyn Fn(Ctx<System>, serde_json::Value) -> Handled<()> + Send + Sync;
pub(crate) type BatchHandler = dyn Fn(Ctx<Worker>, Vec<Envelope>, &[u16]) -> Heard + Send + Sync;
pub(crate) type OperatorHandler =
    dyn Fn(Ctx<Operator>, serde_json::Value) -> Handled<serde_json::Value> + Send + Sync;
pub(crate) type ScheduleHandler = dyn Fn(Ctx<System>) -> Handled<()> + Send + Sync;
pub(crate) type StreamHandler = dyn Fn(Ctx<System>, Records) -> Sequences + Send + Sync;
pub(crate) type AuthorizerHandler =
    dyn Fn(Ctx<System>, Inquiry) -> BoxFuture<'static, Evidence> + Send + Sync;
pub(crate) type SocketHandler = dyn Fn(Ctx<System>, Frame) -> Handled<FrameReply> + Send + Sync;

/// A handler of any kind.
pub(crate) enum Handler {
    Http(Box<HttpHandler>),
    Listener(Box<ListenerHandler>),
    Call(Box<CallHandler>),
    Job(Box<JobHandler>),
    Batch(Arc<BatchHandler>),
    Operator(Box<OperatorHandler>),
    Schedule(Box<ScheduleHandler>),
    Stream(Box<StreamHandler>),
    Authorizer(Box<AuthorizerHandler>),
    Socket(Box<SocketHandler>),
}

pub(crate) fn http<Q, S, A, H, F>(spec: Spec, handler: H) -> Arc<Handler>
where
    Q: DeserializeOwned + Send + 'static,
    S: Serialize + Send + 'static,
    A: Decided,
    H: Fn(Ctx<A::Caller>, Q) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Reply<S>, Error>> + Send + 'static,
{
    Arc::new(Handler::Http(Box::new(move |call, principal, parameters| {
        let ready = parameters.read::<Q>().and_then(|request| {
            let who = A::caller(principal)
                .ok_or_else(|| PERMISSION_DENIED.because("this is for people"))?;
            Ok(handler(Ctx { call, who }, request))
        });
        Box::pin(async move { Answer::render(&spec, &ready?.await?) })
    })))
}

pub(crate) fn listener<D, H, F>(handler: H) -> Arc<Handler>
where
    D: DeserializeOwned + Send + 'static,
    H: Fn(Ctx<Worker>, Received<D>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Outcome, Error>> + Send + 'static,
{
    Arc::new(Handler::Listener(Box::new(move |call, who, envelope, accepts| {
        let data = envelope.data_of(accepts)?;
        Ok(Box::pin(handler(Ctx { call, who }, Received { envelope, data })))
    })))
}

pub(crate) fn call<Q, S, H, F>(handler: H) -> Arc<Handler>
where
    Q: DeserializeOwned + Send + 'static,
    S: Serialize + Send + 'static,
    H: Fn(Ctx<Worker>, Q) -> F + Send + Sync + 'static,
    F: Future<Output = Result<S, Error>> + Send + 'static,
{
    Arc::new(Handler::Call(Box::new(move |call, who, request| {
        let malformed = |fault: serde_json::Error| Error::internal(format!("typed call: {fault}"));
        let ready = serde_json::from_value(request)
            .map_err(malformed)
            .map(|request| handler(Ctx { call, who }, request));
        Box::pin(async move { serde_json::to_value(ready?.await?).map_err(malformed) })
    })))
}

pub(crate) fn job<D, H, F>(handler: H) -> Arc<Handler>
where
    D: DeserializeOwned + Send + 'static,
    H: Fn(Ctx<System>, D) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), Error>> + Send + 'static,
{
    Arc::new(Handler::Job(Box::new(move |ctx, message| {
        let ready = serde_json::from_value(message)
            .map_err(|fault| Error::internal(format!("job: {fault}")))
            .map(|message| handler(ctx, message));
        Box::pin(async move { ready?.await })
    })))
}

pub(crate) fn batch<D, H, F>(handler: H) -> Arc<Handler>
where
    D: DeserializeOwned + Send + 'static,
    H: Fn(Ctx<Worker>, Vec<Received<D>>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Outcome, Error>> + Send + 'static,
{
    Arc::new(Handler::Batch(Arc::new(move |ctx, envelopes, accepts| {
        let read = |envelope: Envelope| {
            let data = envelope.data_of(accepts)?;
            Ok(Received { envelope, data })
        };
        let events = envelopes.into_iter().map(read).collect::<Result<Vec<_>, EnvelopeError>>()?;
        Ok(Box::pin(handler(ctx, events)))
    })))
}

pub(crate) fn operator<Q, S, H, F>(handler: H) -> Arc<Handler>
where
    Q: DeserializeOwned + Send + 'static,
    S: Serialize + Send + 'static,
    H: Fn(Ctx<Operator>, Q) -> F + Send + Sync + 'static,
    F: Future<Output = Result<S, Error>> + Send + 'static,
{
    Arc::new(Handler::Operator(Box::new(move |ctx, request| {
        let refused = |fault: serde_json::Error| VALIDATION_FAILED.because(fault.to_string());
        let ready =
            serde_json::from_value(request).map_err(refused).map(|request| handler(ctx, request));
        let unwritten = |fault: serde_json::Error| Error::internal(format!("answer: {fault}"));
        Box::pin(async move { serde_json::to_value(ready?.await?).map_err(unwritten) })
    })))
}

pub(crate) fn schedule<H, F>(handler: H) -> Arc<Handler>
where
    H: Fn(Ctx<System>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), Error>> + Send + 'static,
{
    Arc::new(Handler::Schedule(Box::new(move |ctx| Box::pin(handler(ctx)))))
}

pub(crate) fn stream<H, F>(handler: H) -> Arc<Handler>
where
    H: Fn(Ctx<System>, Vec<Record>) -> F + Send + Sync + 'static,
    F: Future<Output = Vec<String>> + Send + 'static,
{
    Arc::new(Handler::Stream(Box::new(move |ctx, records| Box::pin(handler(ctx, records)))))
}

pub(crate) fn authorizer<H, F>(handler: H) -> Arc<Handler>
where
    H: Fn(Ctx<System>, Inquiry) -> F + Send + Sync + 'static,
    F: Future<Output = Evidence> + Send + 'static,
{
    Arc::new(Handler::Authorizer(Box::new(move |ctx, inquiry| Box::pin(handler(ctx, inquiry)))))
}

pub(crate) fn socket<H, F>(handler: H) -> Arc<Handler>
where
    H: Fn(Ctx<System>, Frame) -> F + Send + Sync + 'static,
    F: Future<Output = Result<FrameReply, Error>> + Send + 'static,
{
    Arc::new(Handler::Socket(Box::new(move |ctx, frame| Box::pin(handler(ctx, frame)))))
}
