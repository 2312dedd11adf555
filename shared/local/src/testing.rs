//! What the tests of this crate share: clouds in memory and real SDK clients on them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_credential_types::Credentials;

use crate::{Cloud, Storage, clock::VirtualClock};

/// Noon of 1 June 2030, the time every test cloud starts at.
pub(crate) const NOON_MS: i64 = 1_906_545_600_000;

pub(crate) fn cloud() -> Cloud {
    Cloud::open(Storage::Memory, VirtualClock::starting_at(NOON_MS)).unwrap()
}

/// A fresh folder of its own, removed when dropped.
pub(crate) struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let unique =
            format!("{name}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
        let path = std::env::temp_dir().join("talaria-local-tests").join(unique);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn credentials() -> Credentials {
    Credentials::new("local", "local", None, None, "tests")
}

macro_rules! client {
    ($name:ident, $sdk:ident) => {
        /// A real SDK client on this cloud, without retries.
        pub(crate) fn $name(cloud: &Cloud) -> $sdk::Client {
            let config = $sdk::Config::builder()
                .behavior_version($sdk::config::BehaviorVersion::latest())
                .region($sdk::config::Region::new("eu-central-1"))
                .credentials_provider(credentials())
                .retry_config($sdk::config::retry::RetryConfig::disabled())
                .http_client(cloud.http_client())
                .build();
            $sdk::Client::from_conf(config)
        }
    };
}

client!(dynamodb, aws_sdk_dynamodb);
client!(sqs, aws_sdk_sqs);
client!(sns, aws_sdk_sns);
client!(secretsmanager, aws_sdk_secretsmanager);
