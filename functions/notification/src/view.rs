//! Inboxes as callers see them.

use contracts::notification::{InboxHead, InboxItem};

use crate::domain::inbox::Inbox;
use crate::store::inboxes::ItemRow;

/// The counters.
pub fn head(inbox: &Inbox) -> InboxHead {
    let counters = inbox.counters();
    InboxHead {
        last_seq: counters.last_seq,
        unseen: counters.unseen,
        unread: counters.unread,
        seen_upto: counters.seen_upto,
        read_upto: counters.read_upto,
    }
}

/// One item.
pub fn item(inbox: &Inbox, row: ItemRow) -> InboxItem {
    InboxItem {
        seq: row.seq,
        notification_id: row.notification_id,
        category: row.category.as_str().to_owned(),
        title: row.title,
        message: row.message,
        read: inbox.is_read(row.seq),
        archived: inbox.is_archived(row.seq),
        created_at: row.created_at,
    }
}
