//! The other side of operators' orders: how a program invokes the functions that carry them out.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_lambda::config::{BehaviorVersion, Region, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_lambda::error::{DisplayErrorContext, SdkError};
use aws_sdk_lambda::operation::invoke::InvokeError;
use aws_sdk_lambda::primitives::Blob;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use interface::Operation;
use interface::operation::{Order, Report};
use kernel::RequestId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ports::clock::{SystemEntropy, WallClock, new_id};
use crate::ports::config::Config;
use crate::ports::trust::https;

/// A function of an operator runs 30 s at most; its answer takes a moment more.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(35);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// The function says no; the code and what to do about it.
    #[error("{code}: {message}")]
    Refused { code: String, message: String },
    /// Nothing answers at this endpoint.
    #[error("nothing answers at {0}")]
    NobodyThere(String),
    /// There is no such function, or who asks may not invoke it.
    #[error("{function} cannot be invoked: {reason}")]
    NotInvoked { function: String, reason: String },
    /// The function failed; its log says more.
    #[error("{function} failed; its log says why: {reason}")]
    Failed { function: String, reason: String },
}

/// Who orders, and on what terms.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Who asks: kept with the action.
    pub operator: String,
    /// Why, for whatever changes something.
    pub reason: Option<String>,
    /// Whether to do it, or only to hear what would be done.
    pub confirmed: bool,
    /// Names the order, so that it can be sent again and is done once; a new name where absent.
    pub key: Option<String>,
}

/// The functions of operators in one deployment.
pub struct Operators {
    lambda: aws_sdk_lambda::Client,
    config: Config,
}

impl Operators {
    /// The functions that this configuration names: by prefix, region, endpoint and credentials.
    /// Opens no connection yet.
    ///
    /// # Errors
    /// The built-in certificates cannot be read.
    pub fn connect(config: Config) -> Result<Self, String> {
        let http = https().map_err(|fault| fault.to_string())?;
        Ok(Self { lambda: client(&config, http), config })
    }

    /// Sends one order and waits for its answer. It is sent once: an order whose answer got lost
    /// may have been carried out.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn ask<Q: Serialize, S: DeserializeOwned>(
        &self,
        operation: &Operation<Q, S>,
        request: &Q,
        terms: &Terms,
    ) -> Result<S, Unanswered> {
        let function = operation.spec.id;
        let failed = |reason: String| Unanswered::Failed { function: function.to_owned(), reason };
        let new_key = || {
            let key: RequestId = new_id(&WallClock, &SystemEntropy);
            key.to_string()
        };
        let order = Order {
            operator: terms.operator.clone(),
            reason: terms.reason.clone(),
            confirmed: terms.confirmed,
            key: terms.key.clone().unwrap_or_else(new_key),
            request: serde_json::to_value(request).map_err(|fault| failed(fault.to_string()))?,
        };
        let payload = serde_json::to_vec(&order).map_err(|fault| failed(fault.to_string()))?;
        let name = self.config.function_name(function);
        let invoke = self.lambda.invoke().function_name(name).payload(Blob::new(payload));
        let answer = invoke.send().await.map_err(|fault| self.explain(function, &fault))?;
        let bytes = answer.payload().map(AsRef::as_ref).unwrap_or_default();
        if answer.function_error().is_some() {
            return Err(failed(words(bytes)));
        }
        match serde_json::from_slice(bytes).map_err(|fault| failed(fault.to_string()))? {
            Report::Done(value) => {
                serde_json::from_value(value).map_err(|fault| failed(fault.to_string()))
            }
            Report::Refused { code, message } => Err(Unanswered::Refused { code, message }),
        }
    }

    fn explain<R: std::fmt::Debug + Send + Sync + 'static>(
        &self,
        function: &str,
        fault: &SdkError<InvokeError, R>,
    ) -> Unanswered {
        match fault {
            SdkError::DispatchFailure(failure) if failure.is_io() || failure.is_timeout() => {
                Unanswered::NobodyThere(self.endpoint())
            }
            _ => Unanswered::NotInvoked {
                function: function.to_owned(),
                reason: DisplayErrorContext(fault).to_string(),
            },
        }
    }

    fn endpoint(&self) -> String {
        match own_endpoint(&self.config) {
            Some(url) => url.to_owned(),
            None => format!("Lambda in {}", self.config.region),
        }
    }
}

/// What a failed function says, as Lambda wraps it.
fn words(payload: &[u8]) -> String {
    let value: Value = serde_json::from_slice(payload).unwrap_or_default();
    let message = value.get("errorMessage").and_then(Value::as_str);
    message.map_or_else(|| value.to_string(), str::to_owned)
}

fn own_endpoint(config: &Config) -> Option<&str> {
    [&config.lambda_endpoint, &config.aws_endpoint]
        .into_iter()
        .find(|url| !url.is_empty())
        .map(String::as_str)
}

/// An order is never repeated behind the operator's back.
fn client(config: &Config, http: SharedHttpClient) -> aws_sdk_lambda::Client {
    let token = config.session_token.expose();
    let credentials = Credentials::new(
        config.access_key_id.clone(),
        config.secret_access_key.expose(),
        (!token.is_empty()).then(|| token.to_owned()),
        None,
        "environment",
    );
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    let builder = aws_sdk_lambda::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(config.region.clone()))
        .credentials_provider(credentials)
        .http_client(http)
        .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts);
    aws_sdk_lambda::Client::from_conf(match own_endpoint(config) {
        Some(url) => builder.endpoint_url(url).build(),
        None => builder.build(),
    })
}
