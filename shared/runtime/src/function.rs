//! One function: a row of a module table with its ports, ready to be invoked by Lambda or the local
//! cloud alike.

use std::sync::Arc;

use kernel::Timestamp;
use store::Deadline;

use crate::entry::Handler;
use crate::module::Row;
use crate::ports::Ports;
use crate::{background, http, listener};

/// A function of the platform.
#[derive(Clone)]
pub struct Function {
    pub row: Row,
    pub(crate) ports: Arc<Ports>,
}

/// What the platform says about one invocation.
#[derive(Clone, Debug)]
pub struct Meta {
    /// When the platform ends it.
    pub deadline: Timestamp,
    /// The trace it belongs to.
    pub trace: Option<String>,
    /// Whether it is the first of its process.
    pub cold: bool,
}

/// An invocation that failed as a whole: the platform tries again where its trigger says so.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvocationFailed(pub String);

impl Function {
    /// The function of this row, on these ports.
    pub fn new(row: Row, ports: Arc<Ports>) -> Self {
        Self { row, ports }
    }

    /// The ports of the process.
    pub fn ports(&self) -> &Arc<Ports> {
        &self.ports
    }

    /// When the store gives up for this invocation.
    pub(crate) fn time_left(&self, meta: &Meta) -> Deadline {
        Deadline::after(meta.deadline.since(self.ports.clock.now()))
    }

    /// The listener's own queue, where it is configured.
    pub(crate) fn queue_url(&self) -> Option<String> {
        let url = &self.ports.config.queue_url;
        (!url.is_empty()).then(|| self.of_listener(url))
    }

    /// The listener's dead-letter queue, where it is configured.
    pub(crate) fn dead_letter_url(&self) -> Option<String> {
        let url = &self.ports.config.dead_letter_url;
        (!url.is_empty()).then(|| self.of_listener(url))
    }

    /// In a process that holds many functions the setting is a pattern: `{listener}` stands for the id.
    fn of_listener(&self, url: &str) -> String {
        url.replace("{listener}", &self.row.id.replace('.', "-"))
    }

    /// Handles one event: JSON in, JSON out, exactly as on AWS.
    pub async fn invoke(&self, event: &str, meta: &Meta) -> Result<String, InvocationFailed> {
        match &*self.row.handler {
            Handler::Http(_) => Ok(http::serve(self, event, meta).await),
            Handler::Listener(handler) => listener::serve(self, handler, event, meta).await,
            Handler::Call(handler) => background::call(self, handler, event, meta).await,
            Handler::Schedule(handler) => background::schedule(self, handler, meta).await,
            Handler::Stream(handler) => background::stream(self, handler, event, meta).await,
            Handler::Authorizer(handler) => background::authorize(self, handler, event, meta).await,
            Handler::Socket(handler) => background::socket(self, handler, event, meta).await,
        }
    }
}
