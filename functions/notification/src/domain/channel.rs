//! The ways to reach a person.

use serde::{Deserialize, Serialize};

/// A way to reach a person that has a dispatcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// The in-app inbox.
    Database,
    Mail,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 2] = [Self::Database, Self::Mail];

    /// The word in keys, rows and the topic attribute `facet`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Mail => "mail",
        }
    }

    /// The channel of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == word)
    }
}
