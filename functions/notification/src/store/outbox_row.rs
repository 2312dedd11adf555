//! One channel of one notification: the row its dispatcher works on. Every step is conditional on
//! the claim of the dispatcher that takes it.

use std::time::Duration;

use kernel::{NotificationId, NotificationRowId, RequestId, Reserved, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use store::{Change, Condition, DUE, Key, Places, Stored, Table, Update};

use crate::domain::category::Category;
use crate::domain::channel::Channel;
use crate::domain::hand_off::{LEASE, Progress};
use crate::domain::outcome::{Outcome, Status};
use crate::domain::template::Template;
use crate::store::keys;

/// Label of the row's action in a change.
pub const CLAIM: &str = "claim";

/// The row.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct OutboxRow {
    #[serde(flatten)]
    pub key: Key,
    pub row_id: NotificationRowId,
    pub notification_id: NotificationId,
    pub user_id: UserId,
    pub channel: Channel,
    pub category: Category,
    pub template: Template,
    pub template_version: u32,
    pub locale: Option<String>,
    pub dedupe_key: String,
    pub status: Status,
    pub outcome: Option<Outcome>,
    /// Between claim and settlement: how far its dispatcher is.
    pub step: Option<Step>,
    /// The token of the dispatcher that holds it.
    pub claim: Option<RequestId>,
    #[serde(default, with = "kernel::time::ms_option", rename = "claimed_until_ms")]
    pub claimed_until: Option<Timestamp>,
    /// Hand-overs begun, counted before the provider is called.
    pub attempts: u32,
    pub provider: Option<String>,
    pub last_error_code: Option<String>,
    /// The number of its last event among the notification's. Given out by the plan, so that
    /// channels settle without meeting at the parent, and dense once all have.
    pub last_event: Reserved,
    #[serde(with = "kernel::time::ms", rename = "created_at_ms")]
    pub created_at: Timestamp,
    #[serde(default, with = "kernel::time::ms_option", rename = "handed_over_at_ms")]
    pub handed_over_at: Option<Timestamp>,
    #[serde(default, with = "kernel::time::ms_option", rename = "settled_at_ms")]
    pub settled_at: Option<Timestamp>,
    /// When the message is worth nothing any more.
    #[serde(default, with = "kernel::time::ms_option", rename = "worthless_at_ms")]
    pub worthless_at: Option<Timestamp>,
    /// When the sweeper looks at it; nothing once settled.
    #[serde(default, with = "kernel::time::ms_option", rename = "due_at_ms")]
    pub due_at: Option<Timestamp>,
    /// Unix seconds.
    pub expires_at: i64,
}

/// How far a dispatcher is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// It checks whether to send at all.
    Claimed,
    /// The provider is being called: without a result the outcome is unknown.
    HandingOver,
}

impl Stored for OutboxRow {
    const TABLE: Table = keys::NOTIFICATION;

    fn key(&self) -> Key {
        self.key.clone()
    }

    fn index(&self, places: &mut Places) {
        if let Some(due_at) = self.due_at {
            places.put(&DUE, keys::due_of(&self.key), due_at.ms());
        }
    }
}

impl OutboxRow {
    /// What decides about a dispatch.
    pub fn progress(&self) -> Progress {
        Progress {
            status: self.status,
            claimed_until: self.claimed_until,
            attempts: self.attempts,
            created_at: self.created_at,
            expires_at: self.worthless_at,
        }
    }
}

/// pending, or processing with a claim that ran out → processing: the holder of `claim` may go on
/// for [`LEASE`]. The sweeper looks again when that is over.
pub fn claim(row: &OutboxRow, claim: RequestId, now: Timestamp) -> Update {
    let until = now.plus(LEASE).ms();
    let over = Condition::equal("status", Status::Processing)
        .and(Condition::at_most("claimed_until_ms", now.ms()));
    Update::of(keys::NOTIFICATION, row.key.clone())
        .set("status", Status::Processing)
        .set("step", Step::Claimed)
        .set("claim", claim)
        .set("claimed_until_ms", until)
        .set("due_at_ms", until)
        .when(Condition::equal("status", Status::Pending).or(over))
}

/// claimed → handing over: counts the attempt before the provider is called.
pub fn hand_over(row: &OutboxRow, claim: RequestId, provider: &str, now: Timestamp) -> Update {
    let until = now.plus(LEASE).ms();
    Update::of(keys::NOTIFICATION, row.key.clone())
        .set("step", Step::HandingOver)
        .set("provider", provider)
        .set("attempts", row.attempts + 1)
        .set("handed_over_at_ms", now.ms())
        .set("claimed_until_ms", until)
        .set("due_at_ms", until)
        .when(held(claim))
}

/// processing → pending: to be dispatched again; the sweeper looks at `due_at`.
pub fn release(
    row: &OutboxRow,
    claim: RequestId,
    attempts: u32,
    code: &str,
    due_at: Timestamp,
) -> Update {
    Update::of(keys::NOTIFICATION, row.key.clone())
        .set("status", Status::Pending)
        .set("attempts", attempts)
        .set("last_error_code", code)
        .set("due_at_ms", due_at.ms())
        .remove("step")
        .remove("claim")
        .remove("claimed_until_ms")
        .when(held(claim))
}

/// processing → its end. Refused, labelled [`CLAIM`], once the claim is another's.
pub fn settle_claimed(row: &OutboxRow, claim: RequestId, end: Outcome, now: Timestamp) -> Change {
    settle(row, held(claim), end, now)
}

/// pending → its end, for a channel that needs no claim because its effect is in the same change.
pub fn settle_pending(row: &OutboxRow, end: Outcome, now: Timestamp) -> Change {
    settle(row, Condition::equal("status", Status::Pending), end, now)
}

fn settle(row: &OutboxRow, condition: Condition, end: Outcome, now: Timestamp) -> Change {
    let update = Update::of(keys::NOTIFICATION, row.key.clone())
        .set("status", end.status())
        .set("outcome", end)
        .set("settled_at_ms", now.ms())
        .remove("step")
        .remove("claim")
        .remove("claimed_until_ms")
        .remove(DUE.partition())
        .remove(DUE.sort())
        .when(condition);
    let mut change = Change::new();
    change.update(update).named(CLAIM);
    change
}

fn held(claim: RequestId) -> Condition {
    Condition::equal("claim", claim).and(Condition::equal("status", Status::Processing))
}

/// That a message was handed over on a channel: kept for [`GUARD_KEPT`], owned by one row.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct HandOffGuard {
    #[serde(flatten)]
    pub key: Key,
    pub row_id: NotificationRowId,
    /// Unix seconds.
    pub expires_at: i64,
}

/// How long guards keep a second copy away: 30 days.
pub const GUARD_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

impl Stored for HandOffGuard {
    const TABLE: Table = keys::NOTIFICATION;

    fn key(&self) -> Key {
        self.key.clone()
    }
}

impl HandOffGuard {
    /// What lets this row hand over: nobody's guard, its own, or one whose time is over.
    pub fn condition(&self, now: Timestamp) -> Condition {
        Condition::no_item()
            .or(Condition::equal("row_id", self.row_id))
            .or(Condition::at_most("expires_at", now.seconds()))
    }
}
