//! Timers of table `platform` as operators see them, of every kind; and what they decide about
//! scheduled events, `<t>#SCH#<module>#<name>` / `-`.

use std::time::Duration;

use contracts::platform::{ScheduleAddress, ScheduleLine};
use kernel::{Error, Timestamp};
use serde::Deserialize;
use store::{Condition, Consistency, DUE, Item, Key, PLATFORM, Query, Store, Update, escaped};

use super::due::{self, DuePage};
use super::keys;
use super::outbox::scope_of;

/// The word of `due_kind` of a scheduled event.
const SCHEDULED: &str = "scheduled_event";
/// How long a row is kept once its timer is over: 30 days.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// What a timer that is over keeps nothing of.
const PLAN: [&str; 5] = ["plan", "fire_at_ms", "max_due_at_ms", "due_pk", "due_at_ms"];

/// All timers.
pub struct Timers<'a> {
    store: &'a Store,
}

/// A scheduled event, as far as operators decide about it.
#[derive(Clone, Debug, Deserialize)]
pub struct Scheduled {
    #[serde(flatten)]
    key: Key,
    #[serde(rename = "v")]
    version: u64,
    plan: Option<Planned>,
    ended: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Planned {
    #[serde(rename = "type")]
    kind: String,
}

/// A timer of any kind, as far as it is told.
#[derive(Deserialize)]
struct Timer {
    due_kind: String,
    #[serde(with = "kernel::time::ms", rename = "due_at_ms")]
    due_at: Timestamp,
    tenant_id: Option<kernel::TenantId>,
    #[serde(default)]
    livemode: bool,
    module: Option<String>,
    name: Option<String>,
    plan: Option<Planned>,
    listener: Option<String>,
}

impl<'a> Timers<'a> {
    pub fn of(store: &'a Store) -> Self {
        Self { store }
    }

    /// One page of timers, earliest first, and the cursor of the next.
    pub async fn page(
        &self,
        limit: usize,
        from: Option<&str>,
    ) -> Result<(Vec<ScheduleLine>, Option<String>), Error> {
        let shard = |number, from: Option<i64>| {
            let due = Query::index(PLATFORM, DUE, keys::due_shard(number));
            match from {
                Some(from) => due.from_value(from),
                None => due,
            }
        };
        let DuePage { keys, next } = due::page(self.store, limit, from, shard).await?;
        let keys: Vec<_> = keys.into_iter().map(|key| (PLATFORM, key)).collect();
        let rows = self.store.get_batch(&keys, Consistency::Strong).await?;
        let timers = rows.into_iter().flatten().filter_map(|row| row.decode::<Timer>().ok());
        Ok((timers.map(line).collect(), next))
    }

    /// A scheduled event; nothing where there was none, or it is forgotten.
    pub async fn get(&self, address: &ScheduleAddress) -> Result<Option<Scheduled>, Error> {
        let key = key_of(address);
        let item = self.store.get_item(&PLATFORM, &key, Consistency::Strong).await?;
        let corrupt = |fault: store::ItemError| Error::internal(format!("a timer: {fault}"));
        item.map(Item::decode).transpose().map_err(corrupt)
    }
}

impl Scheduled {
    /// The type it announces; nothing where it is over.
    pub fn announces(&self) -> Option<&str> {
        self.plan.as_ref().filter(|_| self.ended.is_none()).map(|plan| plan.kind.as_str())
    }

    /// How it ended, where it did.
    pub fn ended(&self) -> &str {
        self.ended.as_deref().unwrap_or("over")
    }

    /// Due now: the next sweep fires it.
    pub fn brought_forward(&self, now: Timestamp) -> Update {
        self.update().set("fire_at_ms", now.ms()).set("due_at_ms", now.ms())
    }

    /// scheduled → cancelled: nothing fires after that is committed.
    pub fn cancelled(&self, now: Timestamp) -> Update {
        let update = PLAN.into_iter().fold(self.update(), Update::remove);
        update
            .set("ended", "cancelled")
            .set("ended_at_ms", now.ms())
            .set("expires_at", now.plus(KEPT).seconds())
    }

    /// Every write raises the version, so this also says that it is still scheduled.
    fn update(&self) -> Update {
        let unchanged = Condition::equal("v", self.version).and(Condition::absent("ended"));
        Update::of(PLATFORM, self.key.clone()).add("v", 1).when(unchanged)
    }
}

fn key_of(address: &ScheduleAddress) -> Key {
    let scope = scope_of(address.tenant_id, address.livemode);
    Key::alone(scope.partition("SCH", (&address.module, escaped(&address.key))))
}

fn line(timer: Timer) -> ScheduleLine {
    let Timer { due_kind, due_at, tenant_id, livemode, module, name, plan, listener } = timer;
    let owner = tenant_id.zip(module).zip(name).filter(|_| due_kind == SCHEDULED);
    let schedule = owner.map(|((tenant_id, module), key)| ScheduleAddress {
        tenant_id,
        livemode,
        module,
        key,
    });
    let what = match (plan, listener) {
        (Some(plan), _) => format!("announces {}", plan.kind),
        (None, Some(listener)) => format!("for {listener}"),
        (None, None) => String::new(),
    };
    ScheduleLine { schedule, kind: due_kind, due_at, what }
}
