//! The Lambda Runtime API (Lambda Developer Guide, "Using the Lambda runtime API for custom
//! runtimes"), one path prefix per execution environment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use super::{PAYLOAD_LIMIT_BYTES, Run};
use crate::aws::{ACCOUNT, REGION};
use crate::mapping::InvokeError;

/// What became of a run.
pub(super) type Outcome = Result<String, InvokeError>;

/// One run on its way to a process.
pub(super) struct Job {
    pub run: Run,
    pub reply: oneshot::Sender<Outcome>,
}

/// The environments that are served. Clones share them.
#[derive(Clone, Default)]
pub(super) struct RuntimeApi {
    desks: Arc<Mutex<HashMap<u64, Arc<Desk>>>>,
}

/// Where one environment gets its work.
struct Desk {
    jobs: tokio::sync::Mutex<mpsc::Receiver<Job>>,
    /// The run the process works on.
    current: Mutex<Option<(String, oneshot::Sender<Outcome>)>>,
}

impl Desk {
    fn current(&self) -> MutexGuard<'_, Option<(String, oneshot::Sender<Outcome>)>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the run of this id, or whichever is current.
    fn settle(&self, request_id: Option<&str>, outcome: Outcome) -> bool {
        let mut current = self.current();
        let found = current.take_if(|(id, _)| request_id.is_none_or(|wanted| wanted == id));
        match found {
            Some((_, reply)) => reply.send(outcome).is_ok(),
            None => false,
        }
    }
}

impl RuntimeApi {
    /// Opens an environment; jobs sent here go to whoever asks below its prefix.
    pub fn open(&self, environment: u64) -> mpsc::Sender<Job> {
        let (sender, jobs) = mpsc::channel(1);
        let desk = Desk { jobs: tokio::sync::Mutex::new(jobs), current: Mutex::new(None) };
        self.desks().insert(environment, Arc::new(desk));
        sender
    }

    /// Closes an environment.
    pub fn close(&self, environment: u64) {
        self.desks().remove(&environment);
    }

    /// The routes below `/{environment}`.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/{environment}/2018-06-01/runtime/invocation/next", get(next))
            .route(
                "/{environment}/2018-06-01/runtime/invocation/{request}/response",
                post(response),
            )
            .route("/{environment}/2018-06-01/runtime/invocation/{request}/error", post(error))
            .route("/{environment}/2018-06-01/runtime/init/error", post(init_error))
            .layer(DefaultBodyLimit::max(PAYLOAD_LIMIT_BYTES + 1024))
            .with_state(self.clone())
    }

    fn find(&self, environment: u64) -> Option<Arc<Desk>> {
        self.desks().get(&environment).cloned()
    }

    fn desks(&self) -> MutexGuard<'_, HashMap<u64, Arc<Desk>>> {
        self.desks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the next run; a process may wait for ever.
async fn next(State(api): State<RuntimeApi>, Path(environment): Path<u64>) -> Response {
    let Some(desk) = api.find(environment) else { return gone() };
    let Some(job) = desk.jobs.lock().await.recv().await else { return gone() };
    let run = job.run;
    *desk.current() = Some((run.request_id.clone(), job.reply));
    let name = runtime::wiring::resource_name(run.function);
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", run.request_id),
        ("lambda-runtime-deadline-ms", run.deadline_ms.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:talaria-local-{name}"),
        ),
    ];
    (headers, run.event).into_response()
}

async fn response(
    State(api): State<RuntimeApi>,
    Path((environment, request)): Path<(u64, String)>,
    body: Bytes,
) -> Response {
    let outcome = String::from_utf8(body.to_vec())
        .map_err(|_| InvokeError::Failed("the answer is not UTF-8".to_owned()));
    settle(&api, environment, Some(&request), outcome)
}

async fn error(
    State(api): State<RuntimeApi>,
    Path((environment, request)): Path<(u64, String)>,
    body: Bytes,
) -> Response {
    settle(&api, environment, Some(&request), Err(failure(&body)))
}

async fn init_error(
    State(api): State<RuntimeApi>,
    Path(environment): Path<u64>,
    body: Bytes,
) -> Response {
    settle(&api, environment, None, Err(failure(&body)))
}

fn settle(
    api: &RuntimeApi,
    environment: u64,
    request_id: Option<&str>,
    outcome: Outcome,
) -> Response {
    match api.find(environment).is_some_and(|desk| desk.settle(request_id, outcome)) {
        true => (StatusCode::ACCEPTED, json!({ "status": "OK" }).to_string()).into_response(),
        false => gone(),
    }
}

fn gone() -> Response {
    let body =
        json!({ "errorMessage": "nobody waits for this run", "errorType": "InvalidRequestID" });
    (StatusCode::BAD_REQUEST, body.to_string()).into_response()
}

/// What a process reports of its failure.
#[derive(Deserialize)]
struct Report {
    #[serde(rename = "errorMessage", default)]
    message: String,
}

fn failure(body: &[u8]) -> InvokeError {
    let report = serde_json::from_slice::<Report>(body).map(|report| report.message);
    InvokeError::Failed(report.unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned()))
}
