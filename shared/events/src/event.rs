//! One domain event as a value.

use std::marker::PhantomData;

use kernel::EntityKind;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What an event says: ids and facts a listener needs. Never models, secrets, tokens, message bodies,
/// addresses or card data.
pub trait Fact: Serialize + DeserializeOwned + JsonSchema + Send + 'static {
    /// The golden sample, the same at every call.
    fn sample() -> Self;
}

/// How urgent the listeners' work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    Low,
    Normal,
    High,
}

impl Priority {
    /// The word of the message attribute.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }
}

/// Whether events of one entity arrive in sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordering {
    /// Each event stands alone.
    None,
    /// In sequence within one entity, through the FIFO topic.
    Aggregate,
}

impl Ordering {
    /// The promise for all events of an entity type (an entity has one for all of them).
    pub const fn of(entity: EntityKind) -> Self {
        match entity {
            EntityKind::User
            | EntityKind::Client
            | EntityKind::Payment
            | EntityKind::Invoice
            | EntityKind::Subscription
            | EntityKind::Investment
            | EntityKind::Funding
            | EntityKind::Withdrawal
            | EntityKind::Swap
            | EntityKind::Ledger
            | EntityKind::WebhookEndpoint => Self::Aggregate,
            _ => Self::None,
        }
    }

    /// The word of the message attribute.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Aggregate => "aggregate",
        }
    }
}

/// Everything about an event but the type of its data.
#[derive(Clone, Copy, Debug)]
pub struct EventSpec {
    /// The canonical name: `module.entity.past_tense`; at most 64 characters.
    pub name: &'static str,
    /// Raised by breaking changes only.
    pub major: u16,
    pub entity: EntityKind,
    pub priority: Priority,
    /// Whether tenants may receive it.
    pub public: bool,
    /// Other names accepted wherever an event type is an input.
    pub aliases: &'static [&'static str],
    pub docs: &'static str,
}

impl EventSpec {
    /// The owning module: the first part of the name.
    pub fn module(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(module, _)| module)
    }

    /// The value of the topic attribute `type`: the name, with `@major` from major 2 on.
    pub fn topic_type(&self) -> String {
        match self.major {
            0 | 1 => self.name.to_owned(),
            major => format!("{}@{major}", self.name),
        }
    }

    /// The identifier of the data's schema.
    pub fn data_schema(&self) -> String {
        format!("urn:talaria:event:{}:{}", self.name, self.major)
    }

    /// How events of this entity are ordered.
    pub const fn ordering(&self) -> Ordering {
        Ordering::of(self.entity)
    }
}

/// A domain event with the type of its data.
pub struct Event<Data> {
    pub spec: EventSpec,
    data: PhantomData<fn() -> Data>,
}

impl<Data> Event<Data> {
    /// An event of major 1, normal priority, not public.
    pub const fn new(name: &'static str, entity: EntityKind) -> Self {
        let spec = EventSpec {
            name,
            major: 1,
            entity,
            priority: Priority::Normal,
            public: false,
            aliases: &[],
            docs: "",
        };
        Self { spec, data: PhantomData }
    }

    /// The tenant's text; the [`events!`](crate::events) table fills it in.
    pub const fn documented(mut self, docs: &'static str) -> Self {
        self.spec.docs = docs;
        self
    }

    /// Tenants may receive it.
    pub const fn public(mut self) -> Self {
        self.spec.public = true;
        self
    }

    /// Its listeners have their own urgent lanes.
    pub const fn urgent(mut self) -> Self {
        self.spec.priority = Priority::High;
        self
    }

    /// Is also known by these names.
    pub const fn also(mut self, aliases: &'static [&'static str]) -> Self {
        self.spec.aliases = aliases;
        self
    }
}
