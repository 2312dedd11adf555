//! Secrets: loaded on first use, refreshed by age, never from environment variables.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use kernel::problem::DEPENDENCY_UNAVAILABLE;
use kernel::{Error, Secret, Timestamp};

use super::clock::Clock;
use super::config::Config;

/// How long a loaded secret is used before it is asked for again.
const FRESH: Duration = Duration::from_secs(300);

/// The name of a secret after the stage's prefix: `<module>/…` of the module that keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SecretName(&'static str);

impl SecretName {
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// The module that keeps it.
    pub fn module(self) -> &'static str {
        self.0.split('/').next().unwrap_or_default()
    }
}

impl std::fmt::Display for SecretName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// The secrets of a process.
pub struct Secrets {
    client: Client,
    prefix: String,
    clock: Arc<dyn Clock>,
    loaded: Mutex<HashMap<SecretName, Loaded>>,
}

#[derive(Clone)]
struct Loaded {
    text: Arc<Secret<String>>,
    at: Timestamp,
}

impl Secrets {
    pub(crate) fn new(client: Client, config: &Config, clock: Arc<dyn Clock>) -> Self {
        Self { client, prefix: config.secret_prefix.clone(), clock, loaded: Mutex::default() }
    }

    /// The current version of a secret, at most five minutes old; `None` where it was never made.
    pub async fn get(&self, name: SecretName) -> Result<Option<Arc<Secret<String>>>, Error> {
        self.get_within(name, FRESH).await
    }

    /// The current version of a secret, at most `age` old.
    pub async fn get_within(
        &self,
        name: SecretName,
        age: Duration,
    ) -> Result<Option<Arc<Secret<String>>>, Error> {
        let now = self.clock.now();
        if let Some(found) = self.held(name).filter(|found| now.since(found.at) < age) {
            return Ok(Some(found.text));
        }
        let request = self.client.get_secret_value().secret_id(self.name(name));
        let text = match request.send().await {
            Ok(answer) => answer.secret_string.map(|text| Arc::new(Secret::new(text))),
            Err(fault) if fault.code() == Some("ResourceNotFoundException") => None,
            // What was loaded before is better than no answer.
            Err(_) => match self.held(name) {
                Some(found) => return Ok(Some(found.text)),
                None => return Err(unavailable(name)),
            },
        };
        if let (Some(text), Ok(mut loaded)) = (&text, self.loaded.lock()) {
            loaded.insert(name, Loaded { text: text.clone(), at: now });
        }
        Ok(text)
    }

    /// Makes a secret that does not exist yet; `false` where it does.
    pub async fn create(&self, name: SecretName, text: &Secret<String>) -> Result<bool, Error> {
        let request = self.client.create_secret().name(self.name(name));
        match request.secret_string(text.expose()).send().await {
            Ok(_) => Ok(true),
            Err(fault) if fault.code() == Some("ResourceExistsException") => Ok(false),
            Err(_) => Err(unavailable(name)),
        }
    }

    /// Puts a new current version into a secret; the version before stays as the previous one.
    pub async fn replace(&self, name: SecretName, text: &Secret<String>) -> Result<(), Error> {
        let request = self.client.put_secret_value().secret_id(self.name(name));
        request.secret_string(text.expose()).send().await.map_err(|_| unavailable(name))?;
        self.forget(name);
        Ok(())
    }

    /// Asks again at the next use.
    pub fn forget(&self, name: SecretName) {
        if let Ok(mut loaded) = self.loaded.lock() {
            loaded.remove(&name);
        }
    }

    fn held(&self, name: SecretName) -> Option<Loaded> {
        self.loaded.lock().ok().and_then(|loaded| loaded.get(&name).cloned())
    }

    fn name(&self, name: SecretName) -> String {
        format!("{}{name}", self.prefix)
    }
}

fn unavailable(name: SecretName) -> Error {
    DEPENDENCY_UNAVAILABLE.because(format!("secret {name} cannot be read right now"))
}
