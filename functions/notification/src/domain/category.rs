//! What messages are about, and the rules that follow from it.

use serde::{Deserialize, Serialize};

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    Security,
    Legal,
    Account,
    Billing,
    Money,
    Chat,
    Moderation,
    Developer,
    Product,
}

impl Category {
    /// The word in rows and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Legal => "legal",
            Self::Account => "account",
            Self::Billing => "billing",
            Self::Money => "money",
            Self::Chat => "chat",
            Self::Moderation => "moderation",
            Self::Developer => "developer",
            Self::Product => "product",
        }
    }

    /// Whether nobody may switch it off.
    pub const fn is_mandatory(self) -> bool {
        matches!(self, Self::Security | Self::Legal)
    }

    /// Whether mail of it only goes to an address its owner has proven. What concerns the account
    /// itself has to reach people who have not yet.
    pub const fn demands_verified(self) -> bool {
        !matches!(self, Self::Security | Self::Legal | Self::Account)
    }
}
