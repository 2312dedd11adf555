//! Timers of table `platform` as operators see them, of every kind; and what they decide about
//! scheduled events, `<t>#SCH#<module>#<name>` / `-`.

use contracts::platform::{ScheduleAddress, ScheduleLine};
use kernel::{Error, Timestamp};
use serde::Deserialize;
use store::schedule::{DUE_KIND, Ending, ScheduledEvent, TimerKey};
use store::{Consistency, DUE, PLATFORM, Query, Store};

use super::due::{self, AfterDue, DuePage};

/// All timers.
pub struct Timers<'a> {
    store: &'a Store,
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

    /// So many timers, earliest first, and where the list goes on.
    pub async fn page(
        &self,
        limit: usize,
        from: Option<AfterDue>,
    ) -> Result<(Vec<ScheduleLine>, Option<AfterDue>), Error> {
        let shard = |number, from: Option<i64>| {
            let due = Query::index(PLATFORM, DUE, store::outbox::due_shard(number));
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
    pub async fn get(&self, address: &ScheduleAddress) -> Result<Option<ScheduledEvent>, Error> {
        let ScheduleAddress { tenant_id, livemode, module, key } = address;
        let key = TimerKey::new(*tenant_id, *livemode, module, key).key();
        Ok(self.store.get(&key, Consistency::Strong).await?)
    }
}

/// The type a scheduled event announces; nothing where it is over.
pub fn announced(row: &ScheduledEvent) -> Option<&str> {
    row.plan.as_ref().filter(|_| row.ended.is_none()).map(|plan| plan.kind.as_str())
}

/// How a scheduled event ended, where it did.
pub fn ending(row: &ScheduledEvent) -> &'static str {
    match row.ended {
        Some(Ending::Cancelled) => "cancelled",
        Some(Ending::Failed) => "failed",
        Some(Ending::Fired) => "fired",
        None => "over",
    }
}

fn line(timer: Timer) -> ScheduleLine {
    let Timer { due_kind, due_at, tenant_id, livemode, module, name, plan, listener } = timer;
    let owner = tenant_id.zip(module).zip(name).filter(|_| due_kind == DUE_KIND);
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
