//! What is known of a person.

use contracts::profile::PublicField;
use kernel::{TenantId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// A profile as it is stored; before the first change only `user` and `home` are set.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Profile {
    pub home: TenantId,
    pub user: UserId,
    #[serde(flatten)]
    pub shown: Shown,
    pub public_fields: Vec<PublicField>,
    #[serde(default, with = "kernel::time::ms_option", rename = "updated_at_ms")]
    pub updated_at: Option<Timestamp>,
    #[serde(rename = "v")]
    version: u64,
    event_seq: u64,
}

/// The members a person writes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Shown {
    pub display_name: Option<String>,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub bio: Option<String>,
    pub locale: Option<String>,
    pub time_zone: Option<String>,
    pub phone: Option<String>,
    pub country: Option<String>,
    pub links: Vec<String>,
}

/// What others see unless the person says otherwise.
const DEFAULT_PUBLIC: [PublicField; 2] = [PublicField::DisplayName, PublicField::Avatar];

impl Profile {
    /// The profile of a person who has not written one.
    pub fn unwritten(home: TenantId, user: UserId) -> Self {
        Self {
            home,
            user,
            shown: Shown::default(),
            public_fields: DEFAULT_PUBLIC.to_vec(),
            updated_at: None,
            version: 0,
            event_seq: 0,
        }
    }

    /// Grows by one with every change; 0 before the first.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The number of the last event announced about it.
    pub fn event_seq(&self) -> u64 {
        self.event_seq
    }

    /// The same person, one change later.
    pub fn next(&self, shown: Shown, public_fields: Vec<PublicField>, now: Timestamp) -> Self {
        Self {
            shown,
            public_fields,
            updated_at: Some(now),
            version: self.version + 1,
            event_seq: self.event_seq + 1,
            ..self.clone()
        }
    }
}
