//! Rate limits: a sliding window over two fixed cells, counted in DynamoDB by leases.
//!
//! An environment reserves a lease of requests with one write and spends it locally: the limit is never
//! exceeded, and refusals come early by at most the unspent leases. A refused subject is remembered
//! until its window turns, so refusing costs nothing.

use std::collections::HashMap;
use std::sync::Mutex;

use kernel::problem::DEPENDENCY_UNAVAILABLE;
use kernel::{Error, Timestamp};
use store::{Consistency, Key, Scope, Store, Table, Update};

/// The cells of all limits.
pub const CELLS: Table = Table::new("gateway").expires("expires_at");

/// One limit: so many in so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    pub name: &'static str,
    pub limit: u32,
    pub window_s: u32,
    /// Reserved at a time.
    pub lease: u32,
    /// What holds when the cells cannot be reached: refuse, or count in this process alone.
    pub closed_on_fault: bool,
}

/// The verdict of a rate policy, as the limiter gives it and the headers show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateState {
    pub policy: String,
    pub limit: u32,
    pub window_s: u32,
    pub remaining: u32,
    /// Seconds until the window turns.
    pub reset_s: u32,
    pub refused: bool,
}

/// The limiter of one process.
#[derive(Default)]
pub struct Limiter {
    windows: Mutex<HashMap<String, Window>>,
}

/// What this process knows about one subject in the current window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Window {
    number: i64,
    previous: u32,
    /// What all processes have reserved, as of our last write.
    reserved: u32,
    /// What is left of our own reservation.
    unspent: u32,
    refused: bool,
}

/// Subjects one process remembers, at most.
const SUBJECTS: usize = 50_000;

impl Limiter {
    /// A limiter that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts one request of `subject` and gives the verdict.
    pub async fn count(
        &self,
        store: &Store,
        now: Timestamp,
        scope: &Scope,
        policy: &Policy,
        subject: &str,
    ) -> Result<RateState, Error> {
        let cell = Cell { scope, policy, subject, now };
        let known = self.recall(&cell);
        if known.refused {
            return Ok(cell.verdict(&known, true));
        }
        if known.unspent > 0 {
            let spent = Window { unspent: known.unspent - 1, ..known };
            self.remember(&cell, spent);
            return Ok(cell.verdict(&spent, false));
        }
        match cell.reserve(store, known).await {
            Ok(reserved) => {
                let refused = cell.used(&reserved) > policy.limit;
                let unspent = policy.lease.saturating_sub(1);
                let window =
                    Window { refused, unspent: if refused { 0 } else { unspent }, ..reserved };
                self.remember(&cell, window);
                Ok(cell.verdict(&window, refused))
            }
            Err(_) if policy.closed_on_fault => Err(DEPENDENCY_UNAVAILABLE
                .because("requests cannot be counted right now; try again")
                .retry_after(1)),
            Err(_) => {
                let window = Window { reserved: known.reserved.saturating_add(1), ..known };
                let refused = cell.used(&window) > policy.limit;
                let window = Window { refused, ..window };
                self.remember(&cell, window);
                Ok(cell.verdict(&window, refused))
            }
        }
    }

    fn recall(&self, cell: &Cell<'_>) -> Window {
        let held = self.windows.lock().ok().and_then(|windows| windows.get(&cell.name()).copied());
        let number = cell.number();
        match held {
            Some(window) if window.number == number => window,
            Some(window) if window.number == number - 1 => {
                Window { number, previous: window.reserved, ..Window::default() }
            }
            _ => Window { number: number - 2, ..Window::default() },
        }
    }

    fn remember(&self, cell: &Cell<'_>, window: Window) {
        let Ok(mut windows) = self.windows.lock() else { return };
        if windows.len() >= SUBJECTS {
            windows.clear();
        }
        windows.insert(cell.name(), window);
    }
}

struct Cell<'a> {
    scope: &'a Scope,
    policy: &'a Policy,
    subject: &'a str,
    now: Timestamp,
}

impl Cell<'_> {
    fn name(&self) -> String {
        format!("{}#{}#{}", self.scope.prefix(), self.policy.name, self.subject)
    }

    fn number(&self) -> i64 {
        self.now.seconds().div_euclid(i64::from(self.policy.window_s))
    }

    fn key(&self, number: i64) -> Key {
        let parts = (self.policy.name, store::escaped(self.subject));
        Key::new(self.scope.partition("RL", parts), format!("{number:012}"))
    }

    /// One atomic addition for a lease; the previous cell is read once per window.
    async fn reserve(&self, store: &Store, known: Window) -> Result<Window, store::StoreError> {
        let number = self.number();
        let previous = match known.number == number {
            true => known.previous,
            false => self.read(store, number - 1).await?,
        };
        let life = i64::from(self.policy.window_s) * 2;
        let update = Update::of(CELLS, self.key(number))
            .add("n", i128::from(self.policy.lease))
            .set("expires_at", self.now.seconds() + life);
        let reserved = store.update(update).await?.done().map_or(0, |item| count_of(&item));
        Ok(Window { number, previous, reserved, unspent: 0, refused: false })
    }

    async fn read(&self, store: &Store, number: i64) -> Result<u32, store::StoreError> {
        let item = store.get_item(&CELLS, &self.key(number), Consistency::Eventual).await?;
        Ok(item.map_or(0, |item| count_of(&item)))
    }

    /// Sliding use: the share of the previous window that still counts, and this one.
    fn used(&self, window: &Window) -> u32 {
        let window_s = i64::from(self.policy.window_s);
        let left = window_s - self.now.seconds().rem_euclid(window_s);
        let previous = i64::from(window.previous) * left / window_s;
        let spent = window.reserved.saturating_sub(window.unspent);
        u32::try_from(previous).unwrap_or(u32::MAX).saturating_add(spent)
    }

    fn verdict(&self, window: &Window, refused: bool) -> RateState {
        let window_s = i64::from(self.policy.window_s);
        let reset = window_s - self.now.seconds().rem_euclid(window_s);
        let remaining = self.policy.limit.saturating_sub(self.used(window));
        RateState {
            policy: self.policy.name.to_owned(),
            limit: self.policy.limit,
            window_s: self.policy.window_s,
            remaining: if refused { 0 } else { remaining },
            reset_s: u32::try_from(reset).unwrap_or(1),
            refused,
        }
    }
}

fn count_of(item: &store::Item) -> u32 {
    item.number("n").and_then(|number| u32::try_from(number).ok()).unwrap_or(u32::MAX)
}
