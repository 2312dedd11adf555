//! Secrets Manager: secrets with versions and staging labels, in AWS JSON 1.1. Values are in the
//! state file in the clear: it holds development secrets only.

mod version;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::{Value, json};

use super::request::JSON_1_1;
use super::sqs::uuid;
use super::{ACCOUNT, Answer, REGION, Request};
use crate::clock::VirtualClock;
use crate::fault::SplitMix;
use crate::state::{Change, Store, StoreError};
use version::{CURRENT, Secret, Version};

/// Row kind of the state file.
const SECRET: &str = "secretsmanager.secret";

/// The secrets of one cloud. Clones share state.
#[derive(Clone)]
pub struct Secrets {
    inner: Arc<Inner>,
}

struct Inner {
    clock: VirtualClock,
    store: Store,
    secrets: Mutex<BTreeMap<String, Secret>>,
}

/// Why a secret operation was refused (Secrets Manager API reference, "Errors").
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// No such secret, version or stage.
    #[error("Secrets Manager can't find the specified secret{0}.")]
    NotFound(String),
    /// There is one of that name, or a version of that id with another value.
    #[error("{0}")]
    Exists(String),
    /// A parameter is missing or not allowed.
    #[error("{0}")]
    Invalid(String),
    /// The state file cannot be written.
    #[error("{0}")]
    Broken(String),
}

impl SecretError {
    fn answer(&self) -> Answer {
        let (code, status) = match self {
            Self::NotFound(_) => ("ResourceNotFoundException", 400),
            Self::Exists(_) => ("ResourceExistsException", 400),
            Self::Invalid(_) => ("InvalidParameterException", 400),
            Self::Broken(_) => ("InternalServiceError", 500),
        };
        let mut answer = Answer::error_json(status, code, &self.to_string());
        answer.content_type = JSON_1_1;
        answer
    }
}

impl From<StoreError> for SecretError {
    fn from(error: StoreError) -> Self {
        Self::Broken(error.to_string())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Asked {
    #[serde(alias = "Name", default)]
    secret_id: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    client_request_token: Option<String>,
    #[serde(default)]
    secret_string: Option<String>,
    #[serde(default)]
    secret_binary: Option<String>,
    #[serde(default)]
    version_id: Option<String>,
    #[serde(default)]
    version_stage: Option<String>,
    #[serde(default)]
    version_stages: Option<BTreeSet<String>>,
    #[serde(default)]
    move_to_version_id: Option<String>,
    #[serde(default)]
    remove_from_version_id: Option<String>,
}

impl Secrets {
    pub(crate) fn open(store: &Store, clock: &VirtualClock) -> Result<Self, StoreError> {
        let rows = store.load::<Secret>(SECRET)?;
        let secrets = rows.into_iter().map(|(_, name, secret)| (name, secret)).collect();
        let inner =
            Inner { clock: clock.clone(), store: store.clone(), secrets: Mutex::new(secrets) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Makes the secret with this value unless one of that name exists. For the boot: a developer's
    /// own value survives restarts.
    pub fn ensure(&self, name: &str, value: &str) -> Result<(), SecretError> {
        if self.secrets().contains_key(name) {
            return Ok(());
        }
        self.create(&Asked::named(name, value)).map(|_| ())
    }

    /// Names of all secrets, sorted. Values are never listed.
    pub fn names(&self) -> Vec<String> {
        self.secrets().keys().cloned().collect()
    }

    /// Answers one wire request.
    pub(crate) fn answer(&self, request: &Request) -> Answer {
        let asked: Result<Asked, _> = serde_json::from_slice(&request.body);
        let result = match (request.operation.as_str(), asked) {
            (_, Err(error)) => Err(SecretError::Invalid(error.to_string())),
            ("CreateSecret", Ok(asked)) => self.create(&asked),
            ("PutSecretValue", Ok(asked)) => self.put_value(&asked),
            ("GetSecretValue", Ok(asked)) => self.get_value(&asked),
            ("DescribeSecret", Ok(asked)) => self.find(&asked.secret_id).map(|s| described(&s)),
            ("UpdateSecretVersionStage", Ok(asked)) => self.move_stage(&asked),
            ("ListSecrets", Ok(_)) => {
                let all: Vec<_> = self.secrets().values().map(described).collect();
                Ok(json!({ "SecretList": all }))
            }
            (other, Ok(_)) => Err(SecretError::Invalid(format!(
                "The local cloud does not offer the Secrets Manager operation {other}."
            ))),
        };
        match result {
            Ok(body) => Answer::json(JSON_1_1, &body),
            Err(error) => error.answer(),
        }
    }

    fn create(&self, asked: &Asked) -> Result<Value, SecretError> {
        let name = &asked.secret_id;
        if name.is_empty() || name.len() > 512 {
            return Err(SecretError::Invalid("Name must have 1 to 512 characters.".to_owned()));
        }
        if self.secrets().contains_key(name) {
            let text = "The operation failed because the secret already exists.";
            return Err(SecretError::Exists(text.to_owned()));
        }
        let now_ms = self.inner.clock.now_ms();
        let mut secret = Secret {
            name: name.clone(),
            description: asked.description.clone(),
            created_at_ms: now_ms,
            changed_at_ms: now_ms,
            versions: BTreeMap::new(),
        };
        let mut answer = json!({ "ARN": secret.arn(), "Name": name });
        if asked.secret_string.is_some() || asked.secret_binary.is_some() {
            let version_id = self.version_id(asked, &secret);
            secret.add(&version_id, asked, BTreeSet::from([CURRENT.to_owned()]), now_ms)?;
            if let Some(members) = answer.as_object_mut() {
                members.insert("VersionId".to_owned(), json!(version_id));
            }
        }
        self.keep(secret)?;
        Ok(answer)
    }

    fn put_value(&self, asked: &Asked) -> Result<Value, SecretError> {
        let mut secret = self.find(&asked.secret_id)?;
        if asked.secret_string.is_some() == asked.secret_binary.is_some() {
            let text = "You must provide either SecretString or SecretBinary.";
            return Err(SecretError::Invalid(text.to_owned()));
        }
        let version_id = self.version_id(asked, &secret);
        let default = || BTreeSet::from([CURRENT.to_owned()]);
        let stages = asked.version_stages.clone().unwrap_or_else(default);
        secret.add(&version_id, asked, stages.clone(), self.inner.clock.now_ms())?;
        let answer = json!({
            "ARN": secret.arn(),
            "Name": secret.name,
            "VersionId": version_id,
            "VersionStages": stages,
        });
        self.keep(secret)?;
        Ok(answer)
    }

    fn get_value(&self, asked: &Asked) -> Result<Value, SecretError> {
        let secret = self.find(&asked.secret_id)?;
        let wanted = |(id, version): &(&String, &Version)| {
            let by_id = asked.version_id.as_ref();
            let by_stage = asked.version_stage.as_ref();
            match (by_id, by_stage) {
                (None, None) => version.stages.contains(CURRENT),
                (id_wanted, stage) => {
                    id_wanted.is_none_or(|wanted| wanted == *id)
                        && stage.is_none_or(|stage| version.stages.contains(stage))
                }
            }
        };
        let found = secret.versions.iter().find(wanted);
        let (version_id, version) = found.ok_or_else(|| {
            let stage = asked.version_stage.as_deref().unwrap_or(CURRENT);
            SecretError::NotFound(format!(" value for staging label: {stage}"))
        })?;
        let mut answer = json!({
            "ARN": secret.arn(),
            "Name": secret.name,
            "VersionId": version_id,
            "VersionStages": version.stages,
            "CreatedDate": seconds(version.created_at_ms),
        });
        if let Some(members) = answer.as_object_mut() {
            for (name, value) in
                [("SecretString", &version.text), ("SecretBinary", &version.binary)]
            {
                if let Some(value) = value {
                    members.insert(name.to_owned(), json!(value));
                }
            }
        }
        Ok(answer)
    }

    fn move_stage(&self, asked: &Asked) -> Result<Value, SecretError> {
        let mut secret = self.find(&asked.secret_id)?;
        let missing = || SecretError::Invalid("VersionStage is required.".to_owned());
        let stage = asked.version_stage.clone().ok_or_else(missing)?;
        let holder = secret.holder(&stage);
        if holder.is_some() && holder != asked.remove_from_version_id {
            let text = format!(
                "The parameter RemoveFromVersionId must name the version that has the staging \
                 label {stage}."
            );
            return Err(SecretError::Invalid(text));
        }
        match &asked.move_to_version_id {
            Some(version_id) if secret.versions.contains_key(version_id) => {
                secret.label(version_id, &stage);
            }
            Some(_) => return Err(SecretError::NotFound(" version".to_owned())),
            None => secret.unlabel(&stage),
        }
        secret.changed_at_ms = self.inner.clock.now_ms();
        let answer = json!({ "ARN": secret.arn(), "Name": secret.name });
        self.keep(secret)?;
        Ok(answer)
    }

    fn version_id(&self, asked: &Asked, secret: &Secret) -> String {
        asked.client_request_token.clone().unwrap_or_else(|| {
            let now = u64::try_from(self.inner.clock.now_ms()).unwrap_or(0);
            let seed = secret
                .name
                .bytes()
                .fold(now, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
            let count = u64::try_from(secret.versions.len()).unwrap_or(0);
            uuid(&mut SplitMix::new(seed.wrapping_add(count << 48)))
        })
    }

    fn find(&self, id: &str) -> Result<Secret, SecretError> {
        let name = id.strip_prefix(&arn("")).unwrap_or(id);
        let secrets = self.secrets();
        secrets.get(name).cloned().ok_or_else(|| SecretError::NotFound(String::new()))
    }

    fn keep(&self, secret: Secret) -> Result<(), SecretError> {
        self.inner.store.apply(&[Change::put(SECRET, "", &secret.name, &secret)])?;
        self.secrets().insert(secret.name.clone(), secret);
        Ok(())
    }

    fn secrets(&self) -> MutexGuard<'_, BTreeMap<String, Secret>> {
        self.inner.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked {
    fn named(name: &str, value: &str) -> Self {
        Self {
            secret_id: name.to_owned(),
            description: None,
            client_request_token: None,
            secret_string: Some(value.to_owned()),
            secret_binary: None,
            version_id: None,
            version_stage: None,
            version_stages: None,
            move_to_version_id: None,
            remove_from_version_id: None,
        }
    }
}

fn arn(name: &str) -> String {
    format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}")
}

fn described(secret: &Secret) -> Value {
    let stages: BTreeMap<_, _> =
        secret.versions.iter().map(|(id, version)| (id, &version.stages)).collect();
    let mut line = json!({
        "ARN": secret.arn(),
        "Name": secret.name,
        "CreatedDate": seconds(secret.created_at_ms),
        "LastChangedDate": seconds(secret.changed_at_ms),
        "VersionIdsToStages": stages,
        "SecretVersionsToStages": stages,
    });
    if let (Some(members), Some(description)) = (line.as_object_mut(), &secret.description) {
        members.insert("Description".to_owned(), json!(description));
    }
    line
}

fn seconds(unix_ms: i64) -> f64 {
    unix_ms as f64 / 1000.0
}
