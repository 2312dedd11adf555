//! What a process holds once and every call shares.

use std::sync::{Arc, Mutex, PoisonError};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Region, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::SdkConfig;
use std::time::Duration;
use store::{Endpoint, Names, Random, Store};

use super::backbone::{Backbone, Unread};
use super::cache::Cache;
use super::clock::{Clock, Entropy};
use super::config::Config;
use super::log::Log;
use super::mail::Mailer;
use super::rate::Limiter;
use super::secrets::Secrets;

/// The ports of a process: clients are made once, on first use, from one HTTP client.
pub struct Ports {
    pub config: Arc<Config>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub store: Store,
    pub sns: aws_sdk_sns::Client,
    pub sqs: aws_sdk_sqs::Client,
    pub lambda: aws_sdk_lambda::Client,
    pub secrets: Secrets,
    pub cache: Arc<dyn Cache>,
    pub mailer: Option<Arc<dyn Mailer>>,
    pub limiter: Limiter,
    pub log: Log,
    http: SharedHttpClient,
    backbone: Unread,
    /// Clients that one module alone needs, by type.
    clients: Mutex<http::Extensions>,
}

/// What a process is built from besides its configuration: the seam between product and cloud.
pub struct Surroundings {
    pub http: SharedHttpClient,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub cache: Arc<dyn Cache>,
    pub mailer: Option<Arc<dyn Mailer>>,
    pub log: Log,
    /// What all module tables say together about events, at this stage.
    pub backbone: Unread,
}

impl Ports {
    /// Connects the ports; opens no connection yet.
    pub fn connect(config: Config, around: Surroundings) -> Self {
        let config = Arc::new(config);
        let aws = Aws { config: &config, http: &around.http };
        let secrets = Secrets::new(aws.secretsmanager(), &config, around.clock.clone());
        Self {
            store: aws.store(jitter(around.entropy.clone())),
            sns: aws.sns(),
            sqs: aws.sqs(),
            lambda: aws.lambda(),
            secrets,
            limiter: Limiter::new(),
            clock: around.clock,
            entropy: around.entropy,
            cache: around.cache,
            mailer: around.mailer,
            log: around.log,
            backbone: around.backbone,
            clients: Mutex::default(),
            http: around.http,
            config,
        }
    }

    /// Who hears what on the whole platform.
    pub fn backbone(&self) -> &Backbone {
        &self.backbone
    }

    /// What a client of one more AWS service is made from, for the module that alone needs it.
    /// `own` is the service's own endpoint, where one is configured.
    pub fn sdk_config(&self, own: &str) -> SdkConfig {
        Aws { config: &self.config, http: &self.http }.sdk_config(own)
    }

    /// A client that one module alone needs: made on first use, one of each type.
    pub(crate) fn client<C: Clone + Send + Sync + 'static>(
        &self,
        own: &str,
        make: impl FnOnce(&SdkConfig) -> C,
    ) -> C {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get::<C>() {
            return client.clone();
        }
        let client = make(&self.sdk_config(own));
        clients.insert(client.clone());
        client
    }

    /// The URL of the queue of this name after the stage's prefix.
    pub fn queue_url(&self, name: &str) -> String {
        format!("{}{name}", self.config.queue_prefix)
    }
}

fn jitter(entropy: Arc<dyn Entropy>) -> Random {
    Arc::new(move || {
        let mut bytes = [0; 8];
        entropy.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    })
}

/// Explicit SDK configuration: no profile files, no metadata calls, no retries behind our back.
struct Aws<'a> {
    config: &'a Config,
    http: &'a SharedHttpClient,
}

/// A lost answer must show within one function timeout, so that the caller can decide.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

impl Aws<'_> {
    fn sdk_config(&self, own: &str) -> SdkConfig {
        let mut builder = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.config.region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(self.credentials()))
            .http_client(self.http.clone())
            .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
            .retry_config(RetryConfig::disabled())
            .timeout_config(self.timeouts());
        builder.set_endpoint_url(self.endpoint(own));
        builder.build()
    }

    fn store(&self, random: Random) -> Store {
        let own = self.config.table_endpoints.iter().map(|(table, url)| {
            (table.clone(), Endpoint { url: url.clone(), client: self.dynamodb(url) })
        });
        let names = Names::prefixed(&self.config.table_prefix);
        Store::with_endpoints(
            self.dynamodb(&self.config.dynamodb_endpoint),
            own.collect(),
            names.renamed(self.config.table_names.clone()),
            random,
        )
    }

    fn dynamodb(&self, endpoint: &str) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.sdk_config(endpoint))
    }

    fn sns(&self) -> aws_sdk_sns::Client {
        aws_sdk_sns::Client::new(&self.sdk_config(&self.config.sns_endpoint))
    }

    fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.sdk_config(&self.config.sqs_endpoint))
    }

    fn lambda(&self) -> aws_sdk_lambda::Client {
        aws_sdk_lambda::Client::new(&self.sdk_config(&self.config.lambda_endpoint))
    }

    fn secretsmanager(&self) -> aws_sdk_secretsmanager::Client {
        let own = &self.config.secretsmanager_endpoint;
        aws_sdk_secretsmanager::Client::new(&self.sdk_config(own))
    }

    fn credentials(&self) -> Credentials {
        let token = self.config.session_token.expose();
        Credentials::new(
            self.config.access_key_id.clone(),
            self.config.secret_access_key.expose(),
            (!token.is_empty()).then(|| token.to_owned()),
            None,
            "environment",
        )
    }

    fn endpoint(&self, own: &str) -> Option<String> {
        [own, &self.config.aws_endpoint].into_iter().find(|url| !url.is_empty()).map(str::to_owned)
    }

    fn timeouts(&self) -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .build()
    }
}
