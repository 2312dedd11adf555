//! The one table of entity types (the morph map): a reference to any entity is its alias and its id.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! entities {
    ($($name:ident = $alias:literal,)+) => {
        /// The types of entities that events and rows refer to.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EntityKind { $($name,)+ }

        impl EntityKind {
            /// Every type.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The alias in keys, events and references.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $alias,)+ }
            }
        }
    };
}

entities! {
    Account = "account",
    Client = "client",
    Conversation = "conversation",
    Funding = "funding",
    Inbox = "inbox",
    Investment = "investment",
    Invoice = "invoice",
    Ledger = "ledger",
    Link = "link",
    MemberMark = "member_mark",
    Notification = "notification",
    Operation = "ops",
    Payment = "payment",
    Profile = "profile",
    Schedule = "schedule",
    Session = "session",
    Settings = "settings",
    SigningKey = "signing_key",
    Subscription = "subscription",
    Suppression = "suppression",
    Swap = "swap",
    User = "user",
    WebhookDelivery = "webhook_delivery",
    WebhookEndpoint = "webhook_endpoint",
    Withdrawal = "withdrawal",
}

impl EntityKind {
    /// The type of that alias.
    pub fn parse(alias: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == alias)
    }
}

/// One entity: written `<alias>/<id>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityRef {
    kind: EntityKind,
    id: String,
}

/// Text that refers to no entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an entity reference is written <type>/<id>")]
pub struct NotAnEntity;

impl EntityRef {
    /// The entity of this type and id.
    pub fn new(kind: EntityKind, id: impl ToString) -> Self {
        Self { kind, id: id.to_string() }
    }

    pub fn kind(&self) -> EntityKind {
        self.kind
    }

    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Display for EntityRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.as_str(), self.id)
    }
}

impl FromStr for EntityRef {
    type Err = NotAnEntity;

    fn from_str(text: &str) -> Result<Self, NotAnEntity> {
        let (alias, id) = text.split_once('/').ok_or(NotAnEntity)?;
        let kind = EntityKind::parse(alias).ok_or(NotAnEntity)?;
        if id.is_empty() || id.contains(['/', '#']) {
            return Err(NotAnEntity);
        }
        Ok(Self::new(kind, id))
    }
}

impl Serialize for EntityRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EntityRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for EntityRef {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "EntityRef".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[a-z_]+/[^/#]+$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_round_trip() {
        for kind in EntityKind::ALL {
            let reference = EntityRef::new(*kind, "usr_1");
            assert_eq!(reference.to_string().parse(), Ok(reference));
        }
    }

    #[test]
    fn what_refers_to_nothing_is_refused() {
        for text in ["", "user", "user/", "spaceship/1", "user/a/b", "user/a#b"] {
            assert_eq!(text.parse::<EntityRef>(), Err(NotAnEntity), "{text}");
        }
    }
}
