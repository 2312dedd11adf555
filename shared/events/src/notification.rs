//! Events of module `notification`.

use kernel::{EntityKind, NotificationId, NotificationRowId, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Event, Fact, events};

events! {
    /// A message is due on one channel.
    QUEUED: Event<Queued> =
        Event::new("notification.queued", EntityKind::Notification).facets(CHANNELS).varies();

    /// A message was handed over to its channel.
    SENT: Event<Sent> =
        Event::new("notification.sent", EntityKind::Notification).facets(CHANNELS).public();

    /// A message could not be handed over.
    FAILED: Event<Failed> =
        Event::new("notification.failed", EntityKind::Notification).facets(CHANNELS).public();

    /// A message was left out on purpose.
    SKIPPED: Event<Skipped> =
        Event::new("notification.skipped", EntityKind::Notification).facets(CHANNELS);

    /// The inbox of a person changed.
    INBOX_CHANGED: Event<InboxChanged> =
        Event::new("notification.inbox.changed", EntityKind::Inbox).facets(&[Channel::Database.as_str()]);
}

/// The facets of events about one channel.
const CHANNELS: &[&str] = &[
    Channel::Database.as_str(),
    Channel::Mail.as_str(),
    Channel::Sms.as_str(),
    Channel::Push.as_str(),
    Channel::Webhook.as_str(),
];

/// A way to reach a person.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// The in-app inbox.
    Database,
    Mail,
    Sms,
    Push,
    Webhook,
}

impl Channel {
    /// The word on the wire, also the topic attribute `facet`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Mail => "mail",
            Self::Sms => "sms",
            Self::Push => "push",
            Self::Webhook => "webhook",
        }
    }
}

/// Data of [`QUEUED`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Queued {
    pub notification_id: NotificationId,
    pub row_id: NotificationRowId,
    pub user_id: UserId,
    #[schemars(extend("x-pii" = "fact"))]
    pub channel: Channel,
    /// Which of the channel's rows: 1, and more where a person has several devices.
    #[schemars(extend("x-pii" = "fact"))]
    pub number: u32,
}

impl Fact for Queued {
    fn sample() -> Self {
        Self {
            notification_id: NotificationId::from_bytes(SAMPLE),
            row_id: NotificationRowId::from_bytes(SAMPLE),
            user_id: UserId::from_bytes(SAMPLE),
            channel: Channel::Mail,
            number: 1,
        }
    }
}

/// Data of [`SENT`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Sent {
    pub notification_id: NotificationId,
    pub row_id: NotificationRowId,
    #[schemars(extend("x-pii" = "fact"))]
    pub channel: Channel,
    /// Who took it.
    #[schemars(length(max = 64), extend("x-pii" = "fact"))]
    pub provider: String,
}

impl Fact for Sent {
    fn sample() -> Self {
        Self {
            notification_id: NotificationId::from_bytes(SAMPLE),
            row_id: NotificationRowId::from_bytes(SAMPLE),
            channel: Channel::Mail,
            provider: "smtp".to_owned(),
        }
    }
}

/// Data of [`FAILED`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Failed {
    pub notification_id: NotificationId,
    pub row_id: NotificationRowId,
    #[schemars(extend("x-pii" = "fact"))]
    pub channel: Channel,
    /// `address`, `content`, `auth`, `unknown` or `exhausted`.
    #[schemars(length(max = 64), extend("x-pii" = "fact"))]
    pub reason: String,
}

impl Fact for Failed {
    fn sample() -> Self {
        Self {
            notification_id: NotificationId::from_bytes(SAMPLE),
            row_id: NotificationRowId::from_bytes(SAMPLE),
            channel: Channel::Mail,
            reason: "address".to_owned(),
        }
    }
}

/// Data of [`SKIPPED`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Skipped {
    pub notification_id: NotificationId,
    pub row_id: NotificationRowId,
    #[schemars(extend("x-pii" = "fact"))]
    pub channel: Channel,
    /// Why it was left out: `duplicate`, `expired` or `no_address`.
    #[schemars(length(max = 64), extend("x-pii" = "fact"))]
    pub reason: String,
}

impl Fact for Skipped {
    fn sample() -> Self {
        Self {
            notification_id: NotificationId::from_bytes(SAMPLE),
            row_id: NotificationRowId::from_bytes(SAMPLE),
            channel: Channel::Mail,
            reason: "no_address".to_owned(),
        }
    }
}

/// Data of [`INBOX_CHANGED`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct InboxChanged {
    pub user_id: UserId,
    /// Number of the newest item.
    #[schemars(extend("x-pii" = "fact"))]
    pub last_seq: u64,
}

impl Fact for InboxChanged {
    fn sample() -> Self {
        Self { user_id: UserId::from_bytes(SAMPLE), last_seq: 1 }
    }
}

const SAMPLE: [u8; 16] = [1, 147, 77, 12, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
