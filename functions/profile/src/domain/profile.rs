//! What is known of a person.

use contracts::profile::PublicField;
use kernel::{Head, TenantId, Timestamp, UserId};
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
    #[serde(flatten)]
    pub head: Head,
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
            head: Head::NEW,
        }
    }
}
