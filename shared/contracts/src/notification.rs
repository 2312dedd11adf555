//! Module `notification`: the in-app inbox.

use kernel::{List, NotificationId, Page, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Endpoint, Nothing, Own, endpoints};

endpoints! {
    /// Lists the caller's inbox, newest first.
    ///
    /// Without a filter the archived items are left out. Items that arrive meanwhile do not shift the
    /// pages that follow. An inbox holds the latest 1,000 items, each for at least 90 days.
    INBOX_LIST: Own<List<InboxPart>, Page<InboxItem>> =
        Endpoint::list("notification.inbox_list", "/v1/inbox").own().budget(2);

    /// Answers the counters of the caller's inbox, for a badge.
    INBOX_HEAD: Own<Nothing, InboxHead> =
        Endpoint::get("notification.inbox_head", "/v1/inbox/head").own().budget(1);

    /// Marks the inbox seen or read up to a number.
    ///
    /// Marks only move forward: a number below the mark changes nothing, one above the newest item
    /// counts as the newest. Reading up to a number reads every item up to it, also those that were
    /// marked unread.
    INBOX_MARK: Own<MarkInbox, InboxHead> =
        Endpoint::post("notification.inbox_mark", "/v1/inbox/marks")
            .own()
            .natural()
            .unaudited(OWN_VIEW)
            .budget(2);

    /// Marks one item read or unread, or archives it.
    ///
    /// Archiving an item reads it; marking an archived item unread takes it out of the archive. Both
    /// at once are refused.
    INBOX_UPDATE: Own<UpdateInboxItem, InboxItem> =
        Endpoint::patch("notification.inbox_update", "/v1/inbox/{seq}")
            .own()
            .natural()
            .unaudited(OWN_VIEW)
            .budget(2);
}

const OWN_VIEW: &str = "changes only what the person themselves sees";

/// Which part of the inbox.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InboxPart {
    /// Only unread, or only archived items.
    #[serde(default)]
    pub filter: Option<InboxFilter>,
}

/// A part of the inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InboxFilter {
    /// Not read yet.
    Unread,
    /// Put aside.
    Archived,
}

/// The counters of an inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct InboxHead {
    /// Number of the newest item; 0 when there is none.
    pub last_seq: u64,
    /// Items newer than the seen mark.
    pub unseen: u64,
    /// Items not read yet.
    pub unread: u64,
    /// The seen mark.
    pub seen_upto: u64,
    /// The read mark.
    pub read_upto: u64,
}

/// One item.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct InboxItem {
    /// Its number: dense from 1 within the inbox.
    pub seq: u64,
    pub notification_id: NotificationId,
    /// What it is about, such as `account` or `security`.
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
    /// Every item up to this one was on a screen.
    #[serde(default)]
    pub seen_upto: Option<u64>,
    /// Every item up to this one was read.
    #[serde(default)]
    pub read_upto: Option<u64>,
}

/// What changes about one item.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateInboxItem {
    /// The item's number.
    pub seq: u64,
    /// `true` reads it, `false` makes it unread again.
    #[serde(default)]
    pub read: Option<bool>,
    /// `true` puts it aside, `false` brings it back.
    #[serde(default)]
    pub archived: Option<bool>,
}
