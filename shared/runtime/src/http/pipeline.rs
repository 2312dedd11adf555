//! The one pipeline of every HTTP function: checks in a fixed order, the handler, the answer.
//!
//! The order is contract: the first refusal wins, and a test walks it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::AtomicU16;

use futures_util::FutureExt;
use interface::{Idempotency, Precondition, Rate, Spec};
use kernel::problem::{
    BODY_TOO_LARGE, IDEMPOTENCY_KEY_INVALID, LOCK_TIMEOUT, MISROUTED, PRECONDITION_REQUIRED,
    UNSUPPORTED_MEDIA_TYPE,
};
use kernel::{Error, ErrorKind, RequestId};

use super::admission::{admit, check_origin, evidence};
use super::request::Request;
use super::served::Served;
use super::{form, problem, wire};
use crate::call::answer::Answer;
use crate::call::authorizer::Evidence;
use crate::call::caller::{InTenant, Principal};
use crate::call::cause::{Cause, RequestKey, Signal, Verdict};
use crate::call::ctx::{Call, RUNS_MAX, Remote};
use crate::call::parameters::Parameters;
use crate::call::policies;
use crate::call::precondition::{IfMatch, none_match_names};
use crate::call::refused;
use crate::commit::transaction;
use crate::module::function::{Function, Meta};
use crate::module::handler::Handler;
use crate::ports::clock;
use crate::ports::digest::hex_sha256;

/// Serves one event of the HTTP API and renders the answer in payload format 2.0.
pub(crate) async fn serve(function: &Function, event: &str, meta: &Meta) -> String {
    let ports = &function.ports;
    let started = ports.clock.now();
    let request_id: RequestId = clock::new_id(&*ports.clock, &*ports.entropy);
    let mut served = Served::default();
    let outcome = run(function, event, meta, request_id, &mut served).await;
    let answer = match outcome {
        Ok(answer) => answer,
        Err(error) => {
            let violated = served.violated();
            let answer = problem::render(&error, &request_id.to_string(), &violated);
            served.error = Some(error);
            answer
        }
    };
    served.log(function, meta, request_id, started, &answer);
    wire::render(function, &served, answer, &request_id.to_string())
}

async fn run(
    function: &Function,
    event: &str,
    meta: &Meta,
    request_id: RequestId,
    served: &mut Served,
) -> Result<Answer, Error> {
    let request = Request::read(event)?;
    let Some(spec) = function.row.http().copied() else {
        return Err(Error::internal("this function serves no HTTP endpoint"));
    };
    served.spec = Some(spec);
    served.route = request.route_key().to_owned();
    served.origin = request.header("origin").map(str::to_owned);
    served.inbound_id =
        request.header("x-request-id").filter(|id| is_request_id(id)).map(str::to_owned);
    check_route(function, &spec, &request)?;
    check_shape(&spec, &request)?;
    let evidence = evidence(&spec, &request)?;
    served.standing = Some(evidence.standing);
    count(function, &spec, &request, &evidence, served).await?;
    let principal = admit(&spec, &request, evidence, function.ports.clock.now(), served)?;
    served.caller.clone_from(&principal);
    let posted = form::is_posted(&spec, &request);
    // Our own pages send no referrer, and for that browsers name their origin "null".
    let origin = served.origin.as_deref().filter(|origin| !(posted && *origin == "null"));
    check_origin(function, &spec, origin)?;
    let call = prepare(function, &spec, &request, meta, request_id, &principal, served)?;
    let parameters = parameters(&spec, &request)?;
    let call = with_key(call, &spec, &request, &parameters, principal.as_ref())?;
    served.meter = call.store.meter().clone();
    served.if_none_match = request.header("if-none-match").map(str::to_owned);
    let call = Arc::new(call);
    let answer = attempt(function, &call, principal, &parameters, served).await;
    let answer = answer.map_err(|error| {
        refused::listed(&function.ports.config, spec.id, &spec.refused(true), error)
    });
    served.entered = call.signal.entered().map(|(tenant, _)| tenant);
    let answer = if posted { form::goes_on(&spec, answer?) } else { answer? };
    not_modified(&spec, served.if_none_match.as_deref(), answer)
}

/// Check 1: the event is of the declared API and route.
fn check_route(function: &Function, spec: &Spec, request: &Request) -> Result<(), Error> {
    let misrouted = |what: &str| MISROUTED.because(what.to_owned());
    let api_id = &function.ports.config.api_id;
    if !api_id.is_empty() && request.api_id() != api_id {
        return Err(misrouted("the event came from another API"));
    }
    match spec.serves(request.route_key()) {
        true => Ok(()),
        false => Err(misrouted("the event is of another route")),
    }
}

/// Check 3: sizes, media type, UTF-8, query grammar.
fn check_shape(spec: &Spec, request: &Request) -> Result<(), Error> {
    let size = request.body().len();
    if size > spec.body_limit_bytes {
        let message = format!("send at most {} bytes", spec.body_limit_bytes);
        return Err(BODY_TOO_LARGE.because(message));
    }
    let readable = is_json(request.header("content-type")) || form::is_posted(spec, request);
    if spec.method.has_body() && size > 0 && !readable {
        return Err(UNSUPPORTED_MEDIA_TYPE.error());
    }
    request.query().map(|_| ())
}

fn is_json(content_type: Option<&str>) -> bool {
    let mut parts = content_type.unwrap_or_default().split(';').map(str::trim);
    let json = parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/json"));
    json && parts.all(|parameter| {
        let charset = parameter.to_ascii_lowercase();
        charset.is_empty() || charset == "charset=utf-8" || charset == "charset=\"utf-8\""
    })
}

fn is_request_id(id: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (8..=64).contains(&id.len()) && id.chars().all(allowed)
}

/// Check 4: the rate verdict; the authorizer's for principals, ours for networks.
async fn count(
    function: &Function,
    spec: &Spec,
    request: &Request,
    evidence: &Evidence,
    served: &mut Served,
) -> Result<(), Error> {
    let by_authorizer = evidence.principal.is_some() && spec.rate != Rate::Credential;
    served.rates = match (spec.rate, by_authorizer) {
        (Rate::Unlimited, _) => Vec::new(),
        (_, true) => evidence.rates.clone(),
        (class, false) => {
            let remote = remote(request);
            policies::count_network(&function.ports, class, &remote.network()).await?
        }
    };
    let wait = served.rates.iter().filter(|rate| rate.refused).map(|rate| rate.reset_s).max();
    wait.map_or(Ok(()), |seconds| Err(Error::rate_limited(seconds.max(1))))
}

fn remote(request: &Request) -> Remote {
    Remote {
        source_ip: request.source_ip().to_owned(),
        user_agent: request.header("user-agent").unwrap_or_default().chars().take(256).collect(),
        path: request.path().to_owned(),
        origin: request.header("origin").map(str::to_owned),
    }
}

fn prepare(
    function: &Function,
    spec: &Spec,
    request: &Request,
    meta: &Meta,
    request_id: RequestId,
    principal: &Option<Principal>,
    served: &Served,
) -> Result<Call, Error> {
    let if_match = match spec.precondition {
        Precondition::None => IfMatch::Absent,
        _ => IfMatch::parse(request.header("if-match"))?,
    };
    let correlation = served.inbound_id.clone().unwrap_or_else(|| request_id.to_string());
    let tenant = principal.as_ref().map(InTenant::tenant);
    Ok(Call {
        ports: function.ports.clone(),
        function: spec.id,
        spec: Some(*spec),
        request_id,
        correlation,
        causation: None,
        traceparent: request.header("traceparent").map(str::to_owned),
        deadline: meta.deadline,
        remote: remote(request),
        store: function.ports.store.metered(Arc::default()).until(function.time_left(meta)),
        cause: Cause::None,
        if_match,
        signal: Signal::of(tenant.zip(principal.as_ref().map(InTenant::livemode))),
        settings: function.module.settings.clone(),
        consequences: function.module.clone(),
        commits: AtomicU16::new(0),
    })
}

/// Check 11: path, query and body can be read.
fn parameters(spec: &Spec, request: &Request) -> Result<Parameters, Error> {
    if spec.is_catch_all() {
        return Ok(Parameters::none());
    }
    let query =
        if spec.path.starts_with("/.well-known/") { Vec::new() } else { request.query()? };
    let path = request.path_parameters();
    match form::is_posted(spec, request) {
        true => Parameters::gather(spec, path, query, &form::as_json(request.body())?),
        false => Parameters::gather(spec, path, query, request.body()),
    }
}

/// Checks 12 and 13, the parts that need no read: precondition sent, key well formed.
fn with_key(
    mut call: Call,
    spec: &Spec,
    request: &Request,
    parameters: &Parameters,
    principal: Option<&Principal>,
) -> Result<Call, Error> {
    if spec.precondition == Precondition::Required && call.if_match == IfMatch::Absent {
        return Err(PRECONDITION_REQUIRED.error());
    }
    let Some(key) = request.header("idempotency-key") else { return Ok(call) };
    if spec.idempotency != Idempotency::Key {
        return Ok(call);
    }
    let printable = |c: char| (' '..='~').contains(&c);
    if !(1..=255).contains(&key.len()) || !key.chars().all(printable) {
        return Err(IDEMPOTENCY_KEY_INVALID.error());
    }
    let canonical = parameters.canonical();
    call.cause = Cause::Key(RequestKey {
        principal: principal
            .map_or_else(|| "anonymous".to_owned(), |who| who.subject().to_string()),
        key: hex_sha256(&[key.as_bytes()]),
        request_hash: hex_sha256(&[spec.id.as_bytes(), canonical.as_bytes()]),
    });
    Ok(call)
}

/// Check 14 and the answer: runs the handler, again after a lost race, and replays earlier answers.
async fn attempt(
    function: &Function,
    call: &Arc<Call>,
    principal: Option<Principal>,
    parameters: &Parameters,
    served: &mut Served,
) -> Result<Answer, Error> {
    let Handler::Http(handler) = &*function.row.handler else {
        return Err(Error::internal("this function serves no HTTP endpoint"));
    };
    for run in 0..RUNS_MAX {
        served.reruns = run;
        let running = async { handler(call.clone(), principal.clone(), parameters).await };
        let outcome = AssertUnwindSafe(running).catch_unwind().await;
        let error = match outcome {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => error,
            Err(panic) => return Err(panicked(&*panic)),
        };
        match call.signal.take() {
            Some(Verdict::Replay(stored)) => return Ok(Answer::from_stored(stored)),
            Some(Verdict::Rerun) if call.back_off(run).await => continue,
            _ => return settle(call, error).await,
        }
    }
    Err(LOCK_TIMEOUT.error())
}

/// A handler's error stands, unless the same request succeeded before, or another one under its key:
/// what failed may only have failed because that one succeeded.
async fn settle(call: &Arc<Call>, error: Error) -> Result<Answer, Error> {
    if matches!(error.kind(), ErrorKind::Internal | ErrorKind::Unavailable | ErrorKind::RateLimited)
    {
        return Err(error);
    }
    let Some((tenant, livemode)) = call.signal.entered() else { return Err(error) };
    match transaction::stored_answer(call, &store::Scope::tenant(tenant).mode(livemode)).await {
        Some(Ok(stored)) => Ok(Answer::from_stored(stored)),
        Some(Err(reused)) => Err(reused),
        None => Err(error),
    }
}

/// The panic's own words go to the call's log line, once; the process lives on.
fn panicked(panic: &(dyn std::any::Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    Error::internal(format!("the handler panicked: {}", text.unwrap_or_default()))
}

fn not_modified(spec: &Spec, sent: Option<&str>, answer: Answer) -> Result<Answer, Error> {
    let Some(tag) = answer.tag.as_deref().filter(|_| answer.status == 200) else {
        return Ok(answer);
    };
    if spec.method != interface::Method::Get || !none_match_names(sent, tag)? {
        return Ok(answer);
    }
    Ok(Answer { status: 304, content_type: None, body: String::new(), ..answer })
}
