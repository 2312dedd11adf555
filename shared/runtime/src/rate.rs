//! Rate limits: a sliding window over two fixed cells, counted in DynamoDB by leases.
//!
//! An environment reserves a lease of requests with one write and spends it locally: the limit is never
//! exceeded, and refusals come early by at most the unspent leases. A refused subject is remembered
//! until its window turns, so refusing costs nothing.

use std::collections::HashMap;
use std::sync::Mutex;

use interface::Rate;
use kernel::problem::DEPENDENCY_UNAVAILABLE;
use kernel::{Error, TenantId, Timestamp};
use store::{Consistency, Key, Scope, Store, Table, Update};

use crate::authorizer::RateState;
use crate::caller::PrincipalKind;
use crate::ports::Ports;

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

const fn open(name: &'static str, limit: u32, window_s: u32) -> Policy {
    let lease = if limit / 20 > 50 { 50 } else { limit / 20 };
    Policy {
        name,
        limit,
        window_s,
        lease: if lease == 0 { 1 } else { lease },
        closed_on_fault: false,
    }
}

const fn closed(name: &'static str, limit: u32, window_s: u32) -> Policy {
    Policy { name, limit, window_s, lease: 1, closed_on_fault: true }
}

const CREDENTIAL: [Policy; 2] =
    [closed("credential", 30, 60), closed("credential-hour", 300, 3_600)];
const EXPENSIVE: [Policy; 1] = [closed("expensive", 20, 3_600)];
const PUBLIC_DOCUMENT: [Policy; 1] = [open("public-doc", 300, 60)];
const NETWORK_TOKEN: [Policy; 1] = [closed("token", 120, 60)];
const NETWORK_WRITE: [Policy; 1] = [open("write", 30, 60)];
const NETWORK_READ: [Policy; 1] = [open("read", 120, 60)];
const PRINCIPAL_TOKEN: [Policy; 1] = [closed("token", 30, 60)];
const USER_WRITE: [Policy; 1] = [open("write", 120, 60)];
const USER_READ: [Policy; 1] = [open("read", 600, 60)];
const KEY_WRITE: [Policy; 1] = [open("write", 600, 60)];
const KEY_READ: [Policy; 1] = [open("read", 3_000, 60)];
const PUBLISHABLE_WRITE: [Policy; 1] = [open("write", 60, 60)];

/// The policies that count a network.
pub const fn of_network(class: Rate) -> &'static [Policy] {
    match class {
        Rate::Credential => &CREDENTIAL,
        Rate::Token => &NETWORK_TOKEN,
        Rate::Expensive => &EXPENSIVE,
        Rate::Write => &NETWORK_WRITE,
        Rate::Read => &NETWORK_READ,
        Rate::PublicDocument => &PUBLIC_DOCUMENT,
        Rate::Unlimited => &[],
    }
}

/// The policies that count a principal.
pub const fn of_principal(class: Rate, kind: PrincipalKind) -> &'static [Policy] {
    match (class, kind) {
        (Rate::Expensive, _) => &EXPENSIVE,
        (Rate::Write, PrincipalKind::User) => &USER_WRITE,
        (Rate::Write, PrincipalKind::Publishable) => &PUBLISHABLE_WRITE,
        (Rate::Write, _) => &KEY_WRITE,
        (Rate::Read, PrincipalKind::User) => &USER_READ,
        (Rate::Read, PrincipalKind::Publishable) => &NETWORK_READ,
        (Rate::Read, _) => &KEY_READ,
        (Rate::Token, _) => &PRINCIPAL_TOKEN,
        (Rate::Credential | Rate::PublicDocument | Rate::Unlimited, _) => &[],
    }
}

/// The policy that counts a whole tenant on the plan `free`.
pub const TENANT: Policy = open("tenant", 3_000, 60);

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

/// Counts a call of nobody in particular on its network.
pub(crate) async fn count_network(
    ports: &Ports,
    class: Rate,
    network: &str,
) -> Result<Vec<RateState>, Error> {
    let subject = crate::digest::hex_sha256(&[network.as_bytes()]);
    let scope = Scope::directory();
    let mut states = Vec::new();
    for policy in of_network(class) {
        let now = ports.clock.now();
        states.push(ports.limiter.count(&ports.store, now, &scope, policy, &subject).await?);
    }
    Ok(states)
}

/// Counts a call of a principal, and of its tenant: the authorizer's part.
pub async fn count_principal(
    ports: &Ports,
    class: Rate,
    tenant: TenantId,
    kind: PrincipalKind,
    subject: &str,
) -> Result<Vec<RateState>, Error> {
    let policies = of_principal(class, kind);
    if policies.is_empty() {
        return Ok(Vec::new());
    }
    let scope = Scope::tenant(tenant);
    let whole = tenant.to_string();
    let all = policies.iter().map(|policy| (policy, subject)).chain([(&TENANT, whole.as_str())]);
    let mut states = Vec::new();
    for (policy, subject) in all {
        let now = ports.clock.now();
        states.push(ports.limiter.count(&ports.store, now, &scope, policy, subject).await?);
    }
    Ok(states)
}
