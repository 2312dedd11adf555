//! One domain event as a value.

use std::marker::PhantomData;

use kernel::EntityKind;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Longest name of an event.
pub const NAME_MAX: usize = 64;

/// What an event says: ids and facts a listener needs. Never models, secrets, tokens, message bodies,
/// addresses or card data.
///
/// Every member that is no id says so with `#[schemars(extend("x-pii" = "fact"))]`, every text and list
/// has a length, and a member that can be missing is absent, never null: [`crate::rules`] refuses
/// others.
pub trait Fact: Serialize + DeserializeOwned + JsonSchema + Send + 'static {
    /// The golden sample, the same at every call.
    fn sample() -> Self;
}

/// The data of an older major, made from the major that replaced it.
pub trait Superseded: Fact {
    /// The data of the next major.
    type By: Fact;

    /// The same fact in the older shape. Pure, and cannot fail: where it could, the facts differ and the
    /// newer event needs another name.
    fn downgrade(newer: Self::By) -> Self;
}

/// Data of the next major as data of this one; refuses data of another shape.
pub type Downgrade = fn(Value) -> Result<Value, serde_json::Error>;

fn downgrade<Data: Superseded>(newer: Value) -> Result<Value, serde_json::Error> {
    serde_json::to_value(Data::downgrade(serde_json::from_value(newer)?))
}

/// How urgent the listeners' work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    Low,
    Normal,
    High,
}

impl Priority {
    /// Every urgency.
    pub const ALL: &[Self] = &[Self::Low, Self::Normal, Self::High];

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

/// Everything about one major of an event but the type of its data.
#[derive(Clone, Copy, Debug)]
pub struct EventSpec {
    /// The canonical name: `module.entity.past_tense`; at most 64 characters. Other names of the same
    /// fact stand in `events::alias`.
    pub name: &'static str,
    /// Raised by breaking changes only.
    pub major: u16,
    pub entity: EntityKind,
    /// The urgency of the type.
    pub priority: Priority,
    /// Whether an announcement may be of another urgency than its type.
    pub varies: bool,
    /// The values of the topic attribute `facet`; none where its messages have no such attribute.
    pub facets: &'static [&'static str],
    /// Its number among the events of its entity, where that is the same for every entity: a link is
    /// requested once, a session is created first and revoked second.
    pub nth: Option<u64>,
    /// Whether tenants may receive it.
    pub public: bool,
    /// The announcing module, where it is not the first part of the name.
    pub announcer: Option<&'static str>,
    pub docs: &'static str,
}

impl EventSpec {
    /// The announcing module.
    pub fn module(&self) -> &'static str {
        self.announcer.unwrap_or_else(|| self.family())
    }

    /// The first part of the name: what the event's file is called.
    pub fn family(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(family, _)| family)
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

/// One major of a domain event, with the type of its data.
pub struct Event<Data> {
    pub spec: EventSpec,
    /// Makes its data from the next major's, where there is one.
    pub downgrade: Option<Downgrade>,
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
            varies: false,
            facets: &[],
            nth: None,
            public: false,
            announcer: None,
            docs: "",
        };
        Self { spec, downgrade: None, data: PhantomData }
    }

    /// The text for tenants; the [`events!`](crate::events) table fills it in.
    pub const fn documented(mut self, docs: &'static str) -> Self {
        self.spec.docs = docs;
        self
    }

    /// Its data broke with that of the major before, which is declared beside it for one release.
    pub const fn major(mut self, major: u16) -> Self {
        self.spec.major = major;
        self
    }

    /// Is always number `nth` of its entity, which keeps no count of its events.
    pub const fn nth(mut self, nth: u64) -> Self {
        assert!(nth > 0, "events are numbered from 1");
        self.spec.nth = Some(nth);
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

    /// An announcement may be of another urgency than its type.
    pub const fn varies(mut self) -> Self {
        self.spec.varies = true;
        self
    }

    /// Its messages are each of one of these facets.
    pub const fn facets(mut self, facets: &'static [&'static str]) -> Self {
        self.spec.facets = facets;
        self
    }

    /// This module announces it, whatever its name begins with.
    pub const fn announced_by(mut self, module: &'static str) -> Self {
        self.spec.announcer = Some(module);
        self
    }
}

impl<Data: Superseded> Event<Data> {
    /// The major before `newer`, announced beside it for one release: of the same name, entity and
    /// urgency, and never public, since tenants pinned to it are served by its downgrade.
    ///
    /// Nothing comes before major 1:
    ///
    /// ```compile_fail,E0080
    /// # use interface::event::Superseded;
    /// # use interface::{Event, Fact};
    /// # use kernel::EntityKind;
    /// # #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    /// # struct Data {}
    /// # impl Fact for Data {
    /// #     fn sample() -> Self { Self {} }
    /// # }
    /// # impl Superseded for Data {
    /// #     type By = Self;
    /// #     fn downgrade(newer: Self) -> Self { newer }
    /// # }
    /// const FIRST: Event<Data> = Event::new("a.b.done", EntityKind::Link);
    /// const BEFORE: Event<Data> = Event::before(&FIRST);
    /// let _ = BEFORE.spec.name;
    /// ```
    pub const fn before(newer: &Event<Data::By>) -> Self {
        assert!(newer.spec.major > 1, "nothing comes before major 1");
        let spec = EventSpec { major: newer.spec.major - 1, public: false, docs: "", ..newer.spec };
        Self { spec, downgrade: Some(downgrade::<Data>), data: PhantomData }
    }
}
