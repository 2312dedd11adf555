//! One port of the local cloud: its own pages below `/_local`, the APIs everywhere else.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::response::Response;
use axum::serve::ListenerExt;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use tokio::net::TcpListener;

use super::quiet::Quiet;
use super::{BODY_LIMIT_BYTES, Gateway, answer};
use crate::mail::{self, Mailbox};

/// Everything that answers on the port.
pub struct Front {
    gateway: Gateway,
    mailbox: Mailbox,
    quiet: Quiet,
}

/// `POST` here answers 204 once nothing runs and nothing is due: scripts wait so for what a request
/// sets off.
pub const SETTLE: &str = "/_local/settle";
/// As [`SETTLE`], and waits for retries too: 204 once every queue is empty.
pub const DRAIN: &str = "/_local/drain";

impl Front {
    /// The APIs and the mailbox of a platform.
    pub fn new(gateway: Gateway, mailbox: Mailbox, quiet: Quiet) -> Self {
        Self { gateway, mailbox, quiet }
    }

    /// The APIs.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Answers one request that came from `source`.
    pub async fn answer(&self, request: Request<Bytes>, source: IpAddr) -> http::Response<Bytes> {
        let path = request.uri().path();
        if [SETTLE, DRAIN].contains(&path) && request.method() == Method::POST {
            match path {
                DRAIN => self.quiet.drain().await,
                _ => self.quiet.settle().await,
            }
            let mut settled = http::Response::new(Bytes::new());
            *settled.status_mut() = StatusCode::NO_CONTENT;
            return settled;
        }
        let below = path.strip_prefix(mail::PATH);
        if below.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '.'])) {
            return mail::answer(&self.mailbox, &request.into_parts().0);
        }
        self.gateway.answer(request, source).await
    }
}

/// Serves on a listener that is bound already, until `shutdown` resolves and the requests under way
/// are answered.
pub async fn serve(
    front: Arc<Front>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    // Answers are written whole; waiting for more to send would only delay them.
    let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
    let router = Router::new().fallback(take).with_state(front);
    axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(shutdown)
        .await
}

async fn take(
    State(front): State<Arc<Front>>,
    ConnectInfo(source): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT_BYTES).await else {
        let refusal = answer::message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        return refusal.map(Body::from);
    };
    let request = Request::from_parts(parts, body);
    // A function runs on when its client hangs up; in a task of its own so does ours.
    let answer = tokio::spawn(async move { front.answer(request, source.ip()).await });
    let broken = |_| answer::message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
    answer.await.unwrap_or_else(broken).map(Body::from)
}
