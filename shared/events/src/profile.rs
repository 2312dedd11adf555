//! Events of module `profile`.

use kernel::{EntityKind, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Event, Fact, events};

events! {
    /// A person changed their profile. Names the members, never their values.
    UPDATED: Event<Updated> = Event::new("profile.profile.updated", EntityKind::Profile);
}

/// Data of [`UPDATED`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Updated {
    pub user_id: UserId,
    /// Names of the members that changed.
    #[schemars(length(max = 50), inner(length(max = 64)), extend("x-pii" = "fact"))]
    pub fields: Vec<String>,
    #[schemars(extend("x-pii" = "fact"))]
    pub version: u64,
}

impl Fact for Updated {
    fn sample() -> Self {
        Self {
            user_id: UserId::from_bytes([1, 147, 77, 12, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
            fields: vec!["bio".to_owned(), "display_name".to_owned()],
            version: 2,
        }
    }
}
