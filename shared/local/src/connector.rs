//! The seam between product and cloud: an HTTP client for the AWS SDKs that answers in-process.
//! Every call made within an [`Invocation`] is recorded, checked by the tenant guard and open to
//! injected faults; calls outside any invocation (boot, tools) just pass.

mod call;
mod failure;
mod guard;
mod invocation;
mod permit;
mod unprocessed;

#[cfg(test)]
mod tests;

pub use call::{Call, Outcome};
pub(crate) use guard::Guard;
pub use guard::Violation;
pub use invocation::{CallLog, Crashed, Invocation};
pub use permit::Permit;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::BodyExt;
use serde_json::Value;

use crate::aws::dynamodb::Touched;
use crate::aws::{Answer, Extension, Request, Service, Services};
use crate::clock::VirtualClock;
use crate::fault::{Fault, Faults};
use invocation::Shared;
use unprocessed::LeftOut;

/// Sees every call of an invocation when it ends.
pub type Observer = Arc<dyn Fn(&Call) + Send + Sync>;

/// The in-process HTTP client of one cloud. Clones share state.
#[derive(Clone)]
pub(crate) struct Connector {
    pub services: Services,
    pub clock: VirtualClock,
    pub faults: Faults,
    pub guard: Guard,
    pub observers: Arc<RwLock<Vec<Observer>>>,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Connector")
    }
}

impl HttpClient for Connector {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = self.clone();
        let invocation = Invocation::current();
        HttpConnectorFuture::new(async move {
            let incoming = Incoming::read(&connector.services, request).await?;
            match invocation {
                None => incoming.pass(&connector.services).await.into_response("outside"),
                Some(invocation) => connector.within(&invocation, incoming).await,
            }
        })
    }
}

impl Connector {
    /// A call within an invocation: recorded, guarded, open to faults.
    async fn within(
        &self,
        invocation: &Arc<Shared>,
        incoming: Incoming,
    ) -> Result<HttpResponse, ConnectorError> {
        if invocation.has_crashed() {
            return std::future::pending().await;
        }
        let subject = self.subject(&incoming);
        let permit = invocation.permit.as_deref();
        let beyond = permit.and_then(|permit| incoming.lacks(permit)).map(|word| {
            let function = &invocation.function;
            format!("the row of {function} does not say {word}")
        });
        let stray = stray(invocation.tenant(), &subject).or(beyond);
        let fault = self.faults.next(&invocation.function);
        let call = self.begun(&incoming, &subject, fault);
        let operation = call.operation.clone();
        let index = invocation.begin(call);
        let end = |outcome, units| self.finish(invocation, index, outcome, units);
        // The services answer at once; without this, calls made together would never overlap and
        // the log would count them as a chain.
        tokio::task::yield_now().await;
        if invocation.has_crashed() {
            return std::future::pending().await;
        }

        let refused = stray.and_then(|reason| self.refuse(invocation, &incoming, &subject, reason));
        let answer = match (refused, fault) {
            (Some(answer), _) => answer,
            (None, Some(Fault::CrashBefore)) => {
                end(Outcome::Crashed, (0.0, 0.0));
                invocation.end_by_crash();
                return std::future::pending().await;
            }
            (None, fault) => self.answer(incoming, fault).await,
        };
        let units = call::units(&operation, &answer.body);
        match fault {
            Some(Fault::CrashAfter) => {
                end(Outcome::Crashed, units);
                invocation.end_by_crash();
                std::future::pending().await
            }
            Some(Fault::ReplyLost) => {
                end(Outcome::ReplyLost, units);
                let lost = "injected: the connection broke before the answer arrived";
                Err(ConnectorError::io(std::io::Error::other(lost).into()))
            }
            _ => {
                end(answer.error.clone().map_or(Outcome::Ok, Outcome::Error), units);
                answer.into_response(&format!("{}-{index}", invocation.request_id))
            }
        }
    }

    /// What the service says, or what the fault makes of it. Faults that end or hide the answer are
    /// the caller's part.
    async fn answer(&self, mut incoming: Incoming, fault: Option<Fault>) -> Outgoing {
        match fault {
            Some(Fault::ErrorBefore) => return failure::broken(incoming.built_in()).into(),
            Some(Fault::Throttle) => return failure::throttled(incoming.built_in()).into(),
            Some(Fault::Conflict) => {
                if let Some(answer) = failure::conflict(incoming.built_in()) {
                    return answer.into();
                }
            }
            Some(Fault::Delay(delay_ms)) => {
                tokio::time::sleep(Duration::from_millis(delay_ms)).await;
            }
            Some(Fault::Duplicate) => incoming.change(|request| request.copies = 2),
            Some(Fault::StaleIndex) => {
                let stale = failure::reads_an_index(incoming.built_in());
                let answer = incoming.pass(&self.services).await;
                return match stale && answer.error.is_none() {
                    true => failure::without_last_item(&answer.body).into(),
                    false => answer,
                };
            }
            Some(Fault::EntryRefused(position)) => {
                incoming.change(|request| request.refused_entry = Some(position));
                let left_out = incoming.leave_out(position);
                let answer = incoming.pass(&self.services).await;
                return match left_out {
                    Some(left_out) if answer.error.is_none() => left_out.note(&answer.body).into(),
                    Some(_) | None => answer,
                };
            }
            Some(Fault::ReplyLost | Fault::CrashBefore | Fault::CrashAfter) | None => {}
        }
        incoming.pass(&self.services).await
    }

    fn begun(&self, incoming: &Incoming, subject: &Touched, fault: Option<Fault>) -> Call {
        let (service, operation) = incoming.names();
        Call {
            index: 0,
            function: String::new(),
            request_id: String::new(),
            service,
            operation,
            targets: subject.tables.clone(),
            keys: subject.keys.clone(),
            round: 0,
            at_ms: self.clock.now_ms(),
            read_units: 0.0,
            write_units: 0.0,
            fault,
            outcome: Outcome::Unanswered,
        }
    }

    fn finish(&self, invocation: &Shared, index: usize, outcome: Outcome, units: (f64, f64)) {
        invocation.finish(index, outcome, units);
        let observers = self.observers.read().unwrap_or_else(PoisonError::into_inner);
        if observers.is_empty() {
            return;
        }
        if let Some(call) = invocation.call(index) {
            observers.iter().for_each(|observer| observer(&call));
        }
    }

    /// What the call is about: DynamoDB tables and keys, or the queue, topic or secret.
    fn subject(&self, incoming: &Incoming) -> Touched {
        let Incoming::BuiltIn(request) = incoming else { return Touched::default() };
        let target = match request.service {
            Service::DynamoDb => {
                let keys_of = |table: &str| self.services.tables.keys_of(table);
                return Touched::by(&request.operation, &request.json(), &keys_of);
            }
            Service::Sqs => crate::aws::sqs::queue_of(request),
            Service::Sns => crate::aws::sns::topic_name(request),
            Service::SecretsManager => {
                let body = request.json();
                let id = body.get("SecretId").or_else(|| body.get("Name"));
                id.and_then(Value::as_str).map(str::to_owned)
            }
            Service::Extension(_) => None,
        };
        Touched { tables: target.into_iter().collect(), ..Touched::default() }
    }

    /// Reports a violation; in strict mode also answers it.
    fn refuse(
        &self,
        invocation: &Shared,
        incoming: &Incoming,
        subject: &Touched,
        reason: String,
    ) -> Option<Outgoing> {
        let answer = self.guard.is_strict().then(|| {
            let code = "com.amazon.coral.service#AccessDeniedException";
            Answer::error_json(400, code, &format!("local guard: {reason}")).into()
        });
        self.guard.report(Violation {
            function: invocation.function.clone(),
            request_id: invocation.request_id.clone(),
            tenant: invocation.tenant().map(str::to_owned),
            operation: incoming.names().1,
            tables: subject.tables.clone(),
            reason,
        });
        answer
    }
}

/// Why this subject is out of bounds for an invocation of `tenant`, if it is.
fn stray(tenant: Option<&str>, subject: &Touched) -> Option<String> {
    if let Some(why) = subject.unchecked {
        return Some(why.to_owned());
    }
    let tenant = tenant?;
    let key = subject.keys.iter().find(|key| !guard::may_touch(tenant, key))?;
    Some(format!("key {key} is not tenant {tenant}'s"))
}

/// A request as it arrived, told apart.
enum Incoming {
    BuiltIn(Request),
    Extension(Arc<dyn Extension>, http::Request<Bytes>),
    Unknown(String),
}

impl Incoming {
    async fn read(services: &Services, request: HttpRequest) -> Result<Self, ConnectorError> {
        let request =
            request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(ConnectorError::user)?.to_bytes();
        if let Some(request) = Request::recognise(&parts, &body) {
            return Ok(Self::BuiltIn(request));
        }
        Ok(match services.extension(&parts) {
            Some(extension) => Self::Extension(extension, http::Request::from_parts(parts, body)),
            None => Self::Unknown(format!("{} {}", parts.method, parts.uri)),
        })
    }

    fn built_in(&self) -> Option<&Request> {
        match self {
            Self::BuiltIn(request) => Some(request),
            Self::Extension(..) | Self::Unknown(_) => None,
        }
    }

    fn names(&self) -> (Service, String) {
        match self {
            Self::BuiltIn(request) => (request.service, request.operation.clone()),
            Self::Extension(extension, request) => (
                Service::Extension(extension.name()),
                format!("{} {}", request.method(), request.uri().path()),
            ),
            Self::Unknown(what) => (Service::Extension("unknown"), what.clone()),
        }
    }

    /// The word this request needs and the function's row does not have.
    fn lacks(&self, permit: &Permit) -> Option<String> {
        match self {
            Self::BuiltIn(request) => permit.lacks(request),
            Self::Extension(extension, request) => {
                permit.lacks_of_extension(extension.name(), request)
            }
            Self::Unknown(_) => None,
        }
    }

    /// Changes a request of a built-in service.
    fn change(&mut self, change: impl FnOnce(&mut Request)) {
        if let Self::BuiltIn(request) = self {
            change(request);
        }
    }

    /// Takes one entry out of a DynamoDB batch; `None` when it is no batch of several.
    fn leave_out(&mut self, position: u64) -> Option<LeftOut> {
        match self {
            Self::BuiltIn(request) => LeftOut::take(request, position),
            Self::Extension(..) | Self::Unknown(_) => None,
        }
    }

    /// Lets the service answer.
    async fn pass(self, services: &Services) -> Outgoing {
        match self {
            Self::BuiltIn(request) => services.answer(&request).await.into(),
            Self::Extension(extension, request) => extension.answer(request).await.into(),
            Self::Unknown(what) => {
                let message = format!("the local cloud does not know this request: {what}");
                Answer::error_json(404, "UnknownOperationException", &message).into()
            }
        }
    }
}

/// An answer on its way to the SDK.
struct Outgoing {
    body: Bytes,
    error: Option<String>,
    form: OutgoingForm,
}

enum OutgoingForm {
    Answer(Answer),
    Http(http::Response<Bytes>),
}

impl From<Answer> for Outgoing {
    fn from(answer: Answer) -> Self {
        let (body, error) = (answer.body.clone(), answer.error.clone());
        Self { body, error, form: OutgoingForm::Answer(answer) }
    }
}

impl From<http::Response<Bytes>> for Outgoing {
    fn from(response: http::Response<Bytes>) -> Self {
        let failed = response.status().is_client_error() || response.status().is_server_error();
        let error = failed.then(|| response.status().as_str().to_owned());
        Self { body: response.body().clone(), error, form: OutgoingForm::Http(response) }
    }
}

impl Outgoing {
    fn into_response(self, request_id: &str) -> Result<HttpResponse, ConnectorError> {
        let response = match self.form {
            OutgoingForm::Answer(answer) => answer.into_http(request_id),
            OutgoingForm::Http(response) => response,
        };
        HttpResponse::try_from(response.map(SdkBody::from))
            .map_err(|error| ConnectorError::other(error.into(), None))
    }
}
