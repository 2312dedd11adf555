//! Plans as they are kept: what one event meant for one person, why, and one row per channel.

use std::time::Duration;

use kernel::{EntityKind, EntityRef, Error, EventId, NotificationId, Reserved, Timestamp, UserId};
use runtime::{Commit, Ctx, Worker};
use serde::{Deserialize, Serialize};
use store::{
    Aggregate, Change, Condition, Head, Key, PartitionKey, Scope, Stored, Table, Versioned,
};

use crate::domain::binding::Binding;
use crate::domain::category::Category;
use crate::domain::channel::Channel;
use crate::domain::outcome::{Outcome, Status};
use crate::domain::plan::{Decision, Plan, Planned};
use crate::domain::template::Template;
use crate::store::contacts::Contact;
use crate::store::decoded;
use crate::store::keys::{self, RowName};
use crate::store::outbox::{FIRST, ended, queued};
use crate::store::outbox_row::{GUARD_KEPT, OutboxRow};

/// How long notifications are kept.
const KEPT: Duration = Duration::from_secs(400 * 24 * 3600);
/// How long it is kept why.
const WHY_KEPT: Duration = Duration::from_secs(90 * 24 * 3600);
/// When the sweeper first looks at a row nobody dispatched.
const DUE_AFTER: Duration = Duration::from_secs(120);

/// One notification: what all its channels share.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
struct Notification {
    #[serde(flatten)]
    key: Key,
    #[serde(flatten)]
    head: Head,
    notification_id: NotificationId,
    event_id: EventId,
    event_type: String,
    /// Who is told.
    notifiable: EntityRef,
    /// What it is about.
    entity: EntityRef,
    /// The event's data: ids and facts.
    payload: String,
    dedupe_key: String,
    channels: Vec<Channel>,
    category: Category,
    template: Template,
    #[serde(with = "kernel::time::ms", rename = "created_at_ms")]
    created_at: Timestamp,
    /// Unix seconds.
    expires_at: i64,
    /// The partition of [`keys::BY_USER`].
    user_pk: PartitionKey,
    /// The partition of [`keys::BY_DAY`].
    day_pk: PartitionKey,
}

impl Stored for Notification {
    const TABLE: Table = keys::NOTIFICATION;

    fn key(&self) -> Key {
        self.key.clone()
    }
}

impl Versioned for Notification {
    fn head(&self) -> Head {
        self.head
    }
}

impl Aggregate for Notification {
    fn entity(&self) -> EntityRef {
        EntityRef::new(EntityKind::Notification, self.notification_id)
    }
}

/// The label of reasons that were written before.
pub const EXPLAINED: &str = "explained";

/// Why an event led to what it led to, for one person.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
struct Why {
    #[serde(flatten)]
    key: Key,
    event_id: EventId,
    user_id: UserId,
    /// Nothing where no channel was planned.
    notification_id: Option<NotificationId>,
    decisions: Vec<Decision>,
    #[serde(with = "kernel::time::ms", rename = "decided_at_ms")]
    decided_at: Timestamp,
    /// Unix seconds.
    expires_at: i64,
}

impl Stored for Why {
    const TABLE: Table = keys::NOTIFICATION;

    fn key(&self) -> Key {
        self.key.clone()
    }
}

/// That a message was planned for a person.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
struct PlanGuard {
    #[serde(flatten)]
    key: Key,
    notification_id: NotificationId,
    /// Unix seconds.
    expires_at: i64,
}

impl Stored for PlanGuard {
    const TABLE: Table = keys::NOTIFICATION;

    fn key(&self) -> Key {
        self.key.clone()
    }
}

/// What led to a plan.
#[derive(Clone, Debug)]
pub struct Occasion {
    pub binding: &'static Binding,
    pub event_id: EventId,
    /// What the event is about.
    pub entity: EntityRef,
    /// The event's data.
    pub payload: String,
    pub user: UserId,
    pub locale: Option<String>,
}

impl Occasion {
    /// The same message has the same key: event and template.
    fn dedupe_key(&self) -> String {
        format!("{}:{}", self.event_id, self.binding.template.as_str())
    }
}

/// The plans of a tenant.
pub struct Plans<'a> {
    ctx: &'a Ctx<Worker>,
    scope: Scope,
}

impl<'a> Plans<'a> {
    /// The plans of the caller's tenant and mode.
    pub fn of(ctx: &'a Ctx<Worker>) -> Self {
        Self { ctx, scope: ctx.mode_scope() }
    }

    /// The person's contact, where one is remembered, and whether the message was planned before.
    pub async fn snapshot(&self, occasion: &Occasion) -> Result<(Option<Contact>, bool), Error> {
        let table = keys::NOTIFICATION;
        let wanted = [
            (table, keys::contact(&self.scope, occasion.user)),
            (table, keys::plan_guard(&self.scope, &occasion.dedupe_key(), occasion.user)),
        ];
        let mut found = self.ctx.store().get_together(&wanted).await?.into_iter();
        let contact = decoded(found.next().flatten())?;
        let guard: Option<PlanGuard> = decoded(found.next().flatten())?;
        let now = self.ctx.now().seconds();
        Ok((contact, guard.is_some_and(|guard| guard.expires_at > now)))
    }

    /// What saves a plan: parent, rows, guard, reasons and one event per row. A guard that appeared
    /// since the snapshot makes the handler run again. A plan without rows leaves only its reasons;
    /// where they were written before, it is refused as [`EXPLAINED`].
    pub fn save(&self, occasion: &Occasion, plan: Plan) -> Commit {
        let now = self.ctx.now();
        let mut change = Change::new();
        if plan.rows.is_empty() {
            change.create(&self.why(occasion, plan.decisions, None)).named(EXPLAINED);
            return Commit::of(change);
        }
        let notification: NotificationId = self.ctx.new_id();
        let guard = PlanGuard {
            key: keys::plan_guard(&self.scope, &occasion.dedupe_key(), occasion.user),
            notification_id: notification,
            expires_at: now.plus(GUARD_KEPT).seconds(),
        };
        let over = Condition::at_most("expires_at", now.seconds());
        change.put_when(&guard, Condition::no_item().or(over));
        // Reasons of an earlier plan of the same event, whose guard is over, make room.
        let other = Condition::different("notification_id", notification);
        change.put_when(&self.why(occasion, plan.decisions, Some(notification)), other);
        let mut head = Head::NEW;
        let rows = self.rows(occasion, notification, &plan.rows, &mut head);
        for (row, _) in &rows {
            change.create(row);
        }
        let parent = self.parent(occasion, notification, head, &rows);
        rows.iter().fold(Commit::saving(&parent).with(change), |commit, (row, number)| {
            match row.outcome {
                None => queued(commit, row, *number),
                Some(outcome) => ended(commit, row, outcome),
            }
        })
    }

    fn parent(
        &self,
        what: &Occasion,
        id: NotificationId,
        head: Head,
        rows: &[(OutboxRow, Reserved)],
    ) -> Notification {
        let now = self.ctx.now();
        Notification {
            key: keys::parent(&self.scope, id),
            head,
            notification_id: id,
            event_id: what.event_id,
            event_type: what.binding.event.to_owned(),
            notifiable: EntityRef::new(EntityKind::User, what.user),
            entity: what.entity.clone(),
            payload: what.payload.clone(),
            dedupe_key: what.dedupe_key(),
            channels: rows.iter().map(|(row, _)| row.channel).collect(),
            category: what.binding.category,
            template: what.binding.template,
            created_at: now,
            expires_at: now.plus(KEPT).seconds(),
            user_pk: keys::of_user(&self.scope, what.user),
            day_pk: keys::of_day(&self.scope, &now.day()),
        }
    }

    /// One row per channel, with the number of its first event. The notification gives out the
    /// numbers of all of them here: first one for each row, then one for the end of each that is due,
    /// so that channels settle without meeting at the parent.
    fn rows(
        &self,
        what: &Occasion,
        notification: NotificationId,
        planned: &[Planned],
        head: &mut Head,
    ) -> Vec<(OutboxRow, Reserved)> {
        let count = u64::try_from(planned.len()).unwrap_or(u64::MAX);
        let first: Vec<Reserved> = head.reserve(count).collect();
        let numbered = planned.iter().zip(first);
        numbered
            .map(|(one, number)| {
                let end = match one.skipped {
                    Some(_) => number,
                    None => head.reserve(1).last().unwrap_or(number),
                };
                (self.row(what, notification, one, end), number)
            })
            .collect()
    }

    fn row(
        &self,
        what: &Occasion,
        notification: NotificationId,
        one: &Planned,
        last_event: Reserved,
    ) -> OutboxRow {
        let now = self.ctx.now();
        let outcome = one.skipped.map(Outcome::Skipped);
        let name = RowName { notification, channel: one.channel, number: FIRST };
        OutboxRow {
            key: keys::row(&self.scope, &name),
            row_id: self.ctx.new_id::<kernel::NotificationRowKind>(),
            notification_id: notification,
            user_id: what.user,
            channel: one.channel,
            category: what.binding.category,
            template: what.binding.template,
            template_version: what.binding.template.version(),
            locale: what.locale.clone(),
            dedupe_key: what.dedupe_key(),
            status: outcome.map_or(Status::Pending, Outcome::status),
            outcome,
            step: None,
            claim: None,
            claimed_until: None,
            attempts: 0,
            provider: None,
            last_error_code: None,
            last_event,
            created_at: now,
            handed_over_at: None,
            settled_at: outcome.map(|_| now),
            worthless_at: what.binding.expires_after.map(|life| now.plus(life)),
            due_at: outcome.is_none().then(|| now.plus(DUE_AFTER)),
            expires_at: now.plus(KEPT).seconds(),
        }
    }

    fn why(
        &self,
        what: &Occasion,
        decisions: Vec<Decision>,
        notification: Option<NotificationId>,
    ) -> Why {
        let now = self.ctx.now();
        Why {
            key: keys::why(&self.scope, what.event_id, what.user),
            event_id: what.event_id,
            user_id: what.user,
            notification_id: notification,
            decisions,
            decided_at: now,
            expires_at: now.plus(WHY_KEPT).seconds(),
        }
    }
}
