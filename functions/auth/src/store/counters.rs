//! Counters of failed sign-ins. A place is taken before the password is looked at, by a write on
//! the version that was read, so that parallel guesses cannot pass the bound.

use std::time::Duration;

use kernel::problem::LOCK_TIMEOUT;
use kernel::{Error, Timestamp};
use runtime::{Ctx, InTenant};
use serde::{Deserialize, Serialize};
use store::{Change, Condition, Key, Scope, Store, Update, Written};

use super::keys::{self, AUTH};
use crate::domain::failures::{Closed, Failures};

/// How long a counter is kept after its last use.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// Races lost before a sign-in gives up: more than a window has places.
const RACES: u32 = 25;

/// A counter as stored.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct CounterRow {
    /// Below zero where a place was given back to a window that had just been closed.
    taken: i64,
    #[serde(with = "kernel::time::ms", rename = "window_started_at_ms")]
    window_started_at: Timestamp,
    consecutive: i64,
    pauses: i64,
    #[serde(with = "kernel::time::ms_option", rename = "closed_until_ms", default)]
    closed_until: Option<Timestamp>,
    v: u64,
}

impl CounterRow {
    fn to_failures(&self) -> Failures {
        let count = |stored: i64| u32::try_from(stored.max(0)).unwrap_or(u32::MAX);
        Failures {
            taken: count(self.taken),
            window_started_at: self.window_started_at,
            consecutive: count(self.consecutive),
            pauses: count(self.pauses),
            closed_until: self.closed_until,
        }
    }
}

/// A place that was taken: the right to have one password looked at.
#[derive(Clone, Debug)]
pub struct Place {
    key: Key,
    counter: Failures,
}

impl Place {
    /// Gives the place back after a right answer.
    pub fn refund(&self) -> Update {
        let Failures { consecutive, pauses, .. } = self.counter.refund();
        Update::of(AUTH, self.key.clone())
            .add("taken", -1)
            .add("v", 1)
            .set("consecutive", consecutive)
            .set("pauses", pauses)
    }

    /// After a wrong answer: closes the counter if this place was the last one. Answers the change
    /// and the end of the pause.
    pub fn close(&self, now: Timestamp) -> Option<(Change, Timestamp)> {
        let closed = self.counter.close_if_last(now)?;
        let until = closed.closed_until?;
        let update = Update::of(AUTH, self.key.clone())
            .set("taken", closed.taken)
            .set("pauses", closed.pauses)
            .set("closed_until_ms", until.ms())
            .add("v", 1);
        let mut change = Change::new();
        change.update(update);
        Some((change, until))
    }
}

/// The counters of one tenant.
pub struct Counters<'a> {
    store: &'a Store,
    scope: Scope,
}

impl<'a> Counters<'a> {
    /// The counters of the tenant of this call.
    pub fn of<Who: InTenant>(ctx: &'a Ctx<Who>) -> Self {
        Self { store: ctx.store(), scope: ctx.scope() }
    }

    /// Takes a place at the counter of `subject`, or says why there is none. `known` is the row if
    /// it was read. A refused answer costs one write too, so that nobody can tell by the work.
    pub async fn reserve(
        &self,
        subject: &str,
        known: Option<CounterRow>,
        now: Timestamp,
    ) -> Result<Result<Place, Closed>, Error> {
        let key = keys::counter(&self.scope, subject);
        let mut known = known;
        for _ in 0..RACES {
            let before = known.as_ref().map(CounterRow::to_failures).unwrap_or_default();
            let counter = match before.reserve(now) {
                Ok(counter) => counter,
                Err(closed) => {
                    self.note_refusal(&key, now).await?;
                    return Ok(Err(closed));
                }
            };
            let update = stored(&key, &counter, known.as_ref().map(|row| row.v), now);
            match self.store.update(update).await? {
                Written::Done(_) => return Ok(Ok(Place { key, counter })),
                Written::Refused(old) => {
                    let row = old.map(|item| item.decode::<CounterRow>()).transpose();
                    known = row.map_err(|fault| Error::internal(fault.to_string()))?;
                }
            }
        }
        Err(LOCK_TIMEOUT.because("too many sign-ins at once; try again").retry_after(1))
    }

    async fn note_refusal(&self, key: &Key, now: Timestamp) -> Result<(), Error> {
        let update = Update::of(AUTH, key.clone())
            .add("refused", 1)
            .set("expires_at", now.plus(KEPT).seconds());
        // A count of refusals is for operators; losing one changes nothing.
        match self.store.update(update).await {
            Ok(_) | Err(store::StoreError::Unknown) => Ok(()),
            Err(fault) => Err(fault.into()),
        }
    }
}

fn stored(key: &Key, counter: &Failures, version: Option<u64>, now: Timestamp) -> Update {
    let unchanged = match version {
        Some(version) => Condition::version(version),
        None => Condition::no_item(),
    };
    Update::of(AUTH, key.clone())
        .set("taken", counter.taken)
        .set("window_started_at_ms", counter.window_started_at.ms())
        .set("consecutive", counter.consecutive)
        .set("pauses", counter.pauses)
        .set("closed_until_ms", counter.closed_until.map(Timestamp::ms))
        .set("v", version.unwrap_or(0) + 1)
        .set("expires_at", now.plus(KEPT).seconds())
        .when(unchanged)
}
