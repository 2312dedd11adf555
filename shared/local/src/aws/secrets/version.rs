//! A secret's versions and their staging labels (Secrets Manager User Guide, "What's in a Secrets
//! Manager secret?").

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Asked, SecretError, arn};

/// Label of the version in use.
pub(super) const CURRENT: &str = "AWSCURRENT";

/// Label of the version that was in use before.
const PREVIOUS: &str = "AWSPREVIOUS";

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Secret {
    pub name: String,
    pub description: Option<String>,
    pub created_at_ms: i64,
    pub changed_at_ms: i64,
    pub versions: BTreeMap<String, Version>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Version {
    pub text: Option<String>,
    /// Base64.
    pub binary: Option<String>,
    pub created_at_ms: i64,
    pub stages: BTreeSet<String>,
}

impl Secret {
    pub fn arn(&self) -> String {
        arn(&self.name)
    }

    /// Adds a version with these labels. The same id and value again change nothing; another value
    /// is refused (API reference, PutSecretValue, `ClientRequestToken`).
    pub fn add(
        &mut self,
        version_id: &str,
        asked: &Asked,
        stages: BTreeSet<String>,
        now_ms: i64,
    ) -> Result<(), SecretError> {
        if let Some(known) = self.versions.get(version_id) {
            if known.text == asked.secret_string && known.binary == asked.secret_binary {
                return Ok(());
            }
            let text = "A version with this ClientRequestToken has a different value.";
            return Err(SecretError::Exists(text.to_owned()));
        }
        let version = Version {
            text: asked.secret_string.clone(),
            binary: asked.secret_binary.clone(),
            created_at_ms: now_ms,
            stages: BTreeSet::new(),
        };
        self.versions.insert(version_id.to_owned(), version);
        for stage in stages {
            self.label(version_id, &stage);
        }
        self.changed_at_ms = now_ms;
        // Versions without a label are deprecated and go (User Guide, "Secret versions").
        self.versions.retain(|_, version| !version.stages.is_empty());
        Ok(())
    }

    /// Puts a label on a version and takes it off the one that has it; what was current becomes
    /// previous.
    pub fn label(&mut self, version_id: &str, stage: &str) {
        let holder = self.holder(stage).filter(|holder| holder != version_id);
        self.unlabel(stage);
        if let Some(version) = self.versions.get_mut(version_id) {
            version.stages.insert(stage.to_owned());
        }
        if stage == CURRENT
            && let Some(holder) = holder
        {
            self.label(&holder, PREVIOUS);
        }
    }

    pub fn unlabel(&mut self, stage: &str) {
        for version in self.versions.values_mut() {
            version.stages.remove(stage);
        }
    }

    pub fn holder(&self, stage: &str) -> Option<String> {
        let mut versions = self.versions.iter();
        versions.find(|(_, version)| version.stages.contains(stage)).map(|(id, _)| id.clone())
    }
}
