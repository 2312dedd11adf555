//! The in-app inboxes: one row of counters each, and an item that never changes per message.

use events::notification::{INBOX_CHANGED, InboxChanged};
use kernel::{EntityKind, EntityRef, Error, NotificationId, Timestamp, UserId};
use runtime::{Commit, Ctx, InTenant, Worker};
use serde::{Deserialize, Serialize};
use store::{
    Aggregate, BATCH_GET_MAX, Change, Condition, Consistency, Head, Key, Query, Scope, Stored,
    Table, Update, Versioned,
};

use crate::domain::category::Category;
use crate::domain::channel::Channel;
use crate::domain::inbox::Inbox;
use crate::domain::outcome::Outcome;
use crate::store::decoded;
use crate::store::keys::{self, RowName};
use crate::store::outbox::ended;
use crate::store::outbox_row::{self, HandOffGuard, OutboxRow};

/// The counters of one inbox.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct InboxRow {
    #[serde(flatten)]
    key: Key,
    user_id: UserId,
    #[serde(flatten)]
    pub inbox: Inbox,
    #[serde(flatten)]
    head: Head,
}

impl Stored for InboxRow {
    const TABLE: Table = keys::NOTIFICATION;

    fn key(&self) -> Key {
        self.key.clone()
    }
}

impl Versioned for InboxRow {
    fn head(&self) -> Head {
        self.head
    }
}

impl Aggregate for InboxRow {
    fn entity(&self) -> EntityRef {
        EntityRef::new(EntityKind::Inbox, self.user_id)
    }
}

impl InboxRow {
    fn unwritten(scope: &Scope, user: UserId) -> Self {
        let key = keys::inbox_meta(scope, user);
        Self { key, user_id: user, inbox: Inbox::empty(), head: Head::NEW }
    }

    /// Saves the counters as they are now and announces them.
    fn save(&self, commit: Commit) -> Commit {
        let last_seq = self.inbox.counters().last_seq;
        let data = InboxChanged { user_id: self.user_id, last_seq };
        commit.save(self).announcing(&INBOX_CHANGED, &data).facet(Channel::Database.as_str())
    }
}

/// One message in an inbox. Whether it is read or archived stands with the counters.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct ItemRow {
    #[serde(flatten)]
    key: Key,
    pub seq: u64,
    pub notification_id: NotificationId,
    pub category: Category,
    pub title: String,
    pub message: String,
    #[serde(with = "kernel::time::ms", rename = "created_at_ms")]
    pub created_at: Timestamp,
    /// Unix seconds.
    expires_at: i64,
}

impl Stored for ItemRow {
    const TABLE: Table = keys::NOTIFICATION;

    fn key(&self) -> Key {
        self.key.clone()
    }
}

/// The inboxes of a tenant.
pub struct Inboxes<'a, Who> {
    ctx: &'a Ctx<Who>,
    scope: Scope,
}

impl<'a, Who: InTenant> Inboxes<'a, Who> {
    /// The inboxes of the caller's tenant and mode.
    pub fn of(ctx: &'a Ctx<Who>) -> Self {
        Self { ctx, scope: ctx.mode_scope() }
    }

    /// The inbox as of now; empty where nothing ever came.
    pub async fn load(&self, user: UserId) -> Result<InboxRow, Error> {
        let key = keys::inbox_meta(&self.scope, user);
        let row = self.ctx.store().get(&key, Consistency::Strong).await?;
        Ok(self.as_of_now(row, user))
    }

    /// The inbox as of now and one of its items.
    pub async fn load_with(
        &self,
        user: UserId,
        seq: u64,
    ) -> Result<(InboxRow, Option<ItemRow>), Error> {
        let wanted = [
            (keys::NOTIFICATION, keys::inbox_meta(&self.scope, user)),
            (keys::NOTIFICATION, keys::inbox_item(&self.scope, user, seq)),
        ];
        let mut found = self.ctx.store().get_together(&wanted).await?.into_iter();
        let row = self.as_of_now(decoded(found.next().flatten())?, user);
        Ok((row, decoded(found.next().flatten())?))
    }

    /// The items of these numbers, newest first: one query where they lie together, else one batch
    /// read. Numbers go from new to old, at most 100.
    pub async fn items(&self, user: UserId, numbers: &[u64]) -> Result<Vec<ItemRow>, Error> {
        let (Some(newest), Some(oldest)) = (numbers.first(), numbers.last()) else {
            return Ok(Vec::new());
        };
        let span = usize::try_from(newest - oldest + 1).unwrap_or(usize::MAX);
        if span <= BATCH_GET_MAX * 2 {
            let query = Query::table(keys::NOTIFICATION, keys::inbox(&self.scope, user))
                .between(keys::item_sort(*oldest), keys::item_sort(*newest))
                .descending()
                .limit(span);
            let mut items = self.ctx.store().query::<ItemRow>(&query).await?.items;
            items.retain(|item| numbers.contains(&item.seq));
            return Ok(items);
        }
        let keys: Vec<Key> =
            numbers.iter().map(|seq| keys::inbox_item(&self.scope, user, *seq)).collect();
        let items = self.ctx.store().get_many::<ItemRow>(&keys, Consistency::Strong).await?;
        Ok(items.into_iter().flatten().collect())
    }

    /// Saves changed counters and announces them. An item that was read marks its notification
    /// seen.
    pub fn save(&self, row: &InboxRow, seen: Option<NotificationId>) -> Commit {
        let mut change = Change::new();
        if let Some(notification) = seen {
            let parent = keys::parent(&self.scope, notification);
            let now = self.ctx.now().ms();
            change.update(
                Update::of(keys::NOTIFICATION, parent)
                    .set_if_absent("seen_at_ms", now)
                    .when(Condition::some_item()),
            );
        }
        row.save(Commit::of(change))
    }

    fn as_of_now(&self, row: Option<InboxRow>, user: UserId) -> InboxRow {
        let mut row = row.unwrap_or_else(|| InboxRow::unwritten(&self.scope, user));
        row.inbox = row.inbox.aged(self.ctx.now());
        row
    }
}

/// The label of a message that another row put into the inbox before.
pub const GUARD: &str = "guard";

impl Inboxes<'_, Worker> {
    /// A row and the inbox it is for.
    pub async fn with_row(
        &self,
        name: &RowName,
        user: UserId,
    ) -> Result<(Option<OutboxRow>, InboxRow), Error> {
        let wanted = [
            (keys::NOTIFICATION, keys::row(&self.scope, name)),
            (keys::NOTIFICATION, keys::inbox_meta(&self.scope, user)),
        ];
        let mut found = self.ctx.store().get_together(&wanted).await?.into_iter();
        let row = decoded(found.next().flatten())?;
        Ok((row, self.as_of_now(decoded(found.next().flatten())?, user)))
    }

    /// Puts the row's card into the inbox: counters, item, the row's end, its guard and both events
    /// at once, so exactly once. A lost race for the counters makes the handler run again; a row that
    /// was settled meanwhile refuses as [`CLAIM`](outbox_row::CLAIM), a message that another row put
    /// there as [`GUARD`].
    pub fn deliver(&self, mut inbox: InboxRow, row: &OutboxRow, guard: &HandOffGuard) -> Commit {
        let now = self.ctx.now();
        let added = inbox.inbox.add(now);
        let card = row.template.card();
        let item = ItemRow {
            key: keys::inbox_item(&self.scope, row.user_id, added.seq),
            seq: added.seq,
            notification_id: row.notification_id,
            category: row.category,
            title: card.title.to_owned(),
            message: card.message.to_owned(),
            created_at: now,
            expires_at: added.expires_at,
        };
        let mut change = Change::new();
        change.create(&item);
        let mut change = change.append(outbox_row::settle_pending(row, Outcome::Accepted, now));
        change.put_when(guard, guard.condition(now)).named(GUARD);
        ended(inbox.save(Commit::of(change)), row, Outcome::Accepted)
    }
}
