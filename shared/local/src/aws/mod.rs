//! The AWS services of the local cloud, each speaking its own wire protocol, behind one door.
//! `Services::answer` is that door: the in-process connector and the loopback port both use it.

pub mod dynamodb;
pub mod front;
pub mod objects;
pub mod secrets;
pub mod sns;
pub mod sqs;

pub(crate) mod matching;
mod request;

pub(crate) use request::JSON_1_0;
pub use request::{Answer, Extension, Request, Service};

use std::sync::{Arc, PoisonError, RwLock};

use dynamodb::Tables;
use objects::Objects;
use secrets::Secrets;
use sns::Topics;
use sqs::Queues;

/// Account id in every ARN and queue URL of the local cloud.
pub const ACCOUNT: &str = "000000000000";

/// Region in every ARN of the local cloud; requests signed for another region are answered alike.
pub const REGION: &str = "us-east-1";

/// Every service of one cloud. Clones share state.
#[derive(Clone)]
pub(crate) struct Services {
    pub tables: Tables,
    pub queues: Queues,
    pub topics: Topics,
    pub secrets: Secrets,
    pub objects: Objects,
    pub extensions: Arc<RwLock<Vec<Arc<dyn Extension>>>>,
}

impl Services {
    /// Answers one request of a service we implement. Never fails: what goes wrong is an error
    /// answer in the service's own wire format.
    pub async fn answer(&self, request: &Request) -> Answer {
        match request.service {
            Service::DynamoDb => self.tables.answer(request).await,
            Service::Sqs => self.queues.answer(request).await,
            Service::Sns => self.topics.answer(request),
            Service::SecretsManager => self.secrets.answer(request),
            Service::Extension(name) => Answer::error_json(
                404,
                "UnknownOperationException",
                &format!("the local cloud has no service named {name}"),
            ),
        }
    }

    /// The extension that claims this request, if any.
    pub fn extension(&self, parts: &http::request::Parts) -> Option<Arc<dyn Extension>> {
        let extensions = self.extensions.read().unwrap_or_else(PoisonError::into_inner);
        extensions.iter().find(|extension| extension.claims(parts)).cloned()
    }
}
