//! Module `notification`: the in-app inbox.

use kernel::{NotificationId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Endpoint, Own, endpoints};

endpoints! {
    /// Lists the caller's inbox, newest first.
    ///
    /// `before_seq` pages on; `limit=0` answers the counters alone, for a badge.
    INBOX_LIST: Own<ListInbox, Inbox> =
        Endpoint::get("notification.inbox_list", "/v1/inbox").own().budget(2);

    /// Marks the inbox seen or read up to a number.
    ///
    /// Marks only move forward; an older number changes nothing.
    INBOX_MARK: Own<MarkInbox, InboxHead> =
        Endpoint::post("notification.inbox_mark", "/v1/inbox/marks").own().natural().budget(2);

    /// Marks one item read or unread, or archives it.
    INBOX_UPDATE: Own<UpdateInboxItem, InboxItem> =
        Endpoint::patch("notification.inbox_update", "/v1/inbox/{seq}").own().natural().budget(2);
}

/// Which part of the inbox.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListInbox {
    /// Only items with a lower number.
    #[serde(default)]
    pub before_seq: Option<u64>,
    /// At most this many, 0 to 100.
    #[serde(default = "default_limit")]
    #[schemars(range(min = 0, max = 100))]
    pub limit: u32,
    /// Only unread, or only archived items.
    #[serde(default)]
    pub filter: Option<InboxFilter>,
}

fn default_limit() -> u32 {
    25
}

/// A part of the inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InboxFilter {
    Unread,
    Archived,
}

/// A page of the inbox and its counters.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Inbox {
    pub head: InboxHead,
    pub data: Vec<InboxItem>,
    pub has_more: bool,
}

/// The counters of an inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct InboxHead {
    /// Number of the newest item; 0 when there is none.
    pub last_seq: u64,
    pub unseen: u64,
    pub unread: u64,
    pub seen_upto: u64,
    pub read_upto: u64,
}

/// One item.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct InboxItem {
    pub seq: u64,
    pub notification_id: NotificationId,
    pub category: String,
    pub title: String,
    pub message: String,
    pub read: bool,
    pub archived: bool,
    pub created_at: Timestamp,
}

/// How far the inbox was seen and read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkInbox {
    #[serde(default)]
    pub seen_upto: Option<u64>,
    #[serde(default)]
    pub read_upto: Option<u64>,
}

/// What changes about one item.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateInboxItem {
    pub seq: u64,
    #[serde(default)]
    pub read: Option<bool>,
    #[serde(default)]
    pub archived: Option<bool>,
}
