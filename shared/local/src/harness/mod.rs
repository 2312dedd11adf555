//! A platform in the hands of a test: some modules in memory, people and keys that call them, events that
//! are announced to them, operators that give orders, and a look at what they left behind.
//!
//! Where no module proves who calls, a stand-in does: it believes every [`Caller`]. Where no module
//! publishes what was committed and left behind, the stand-in does that too. So a module is tested
//! without the others, and by the very same words together with them.

#![expect(clippy::expect_used, reason = "a test whose platform fails it cannot go on")]

mod answer;
mod ask;
mod caller;
mod event;
mod invoke;
mod rows;
mod stand_in;
mod told;

#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use ask::Ask;
pub use caller::Caller;
pub use invoke::{Ordered, Refused};
pub use rows::Dump;
pub use stand_in::{gather, relay};
pub use told::Told;

use std::ops::Deref;
use std::time::Duration;

use futures_util::future::BoxFuture;
use kernel::{TenantId, Timestamp};
use runtime::Module;
use serde_json::Value;
use store::Scope;

use crate::fault::{Fault, FaultPlan};
use crate::{BootError, Options, Platform, seed};

/// What every call of a function has to survive.
pub const FAULTS: [Fault; 5] =
    [Fault::CrashBefore, Fault::CrashAfter, Fault::ErrorBefore, Fault::ReplyLost, Fault::Conflict];

/// A platform and the tenant and mode a test plays in. Clones share the platform.
///
/// Everything a [`Platform`] can do, a harness can. A step that the platform cannot take ends the test.
#[derive(Clone)]
pub struct Harness {
    platform: Platform,
    tenant: TenantId,
    livemode: bool,
}

impl Deref for Harness {
    type Target = Platform;

    fn deref(&self) -> &Platform {
        &self.platform
    }
}

impl Harness {
    /// These modules in memory, the same in every run, in live mode of the tenant to play with.
    pub async fn of(modules: Vec<Module>) -> Self {
        Self::start(modules, Options::in_memory()).await
    }

    /// These modules on a platform started like this.
    pub async fn start(modules: Vec<Module>, options: Options) -> Self {
        // Boxed: the start of a platform is a future as deep as the compiler can look.
        let starting: BoxFuture<'_, Result<Platform, BootError>> =
            Box::pin(Platform::start(stand_in::beside(modules), options));
        let platform = starting.await.expect("the platform starts");
        Self { platform, tenant: seed::DEMO_TENANT, livemode: true }
    }

    /// The same platform as this tenant sees it.
    #[must_use]
    pub fn within(&self, tenant: TenantId) -> Self {
        Self { tenant, ..self.clone() }
    }

    /// The same platform in test mode.
    #[must_use]
    pub fn in_test_mode(&self) -> Self {
        Self { livemode: false, ..self.clone() }
    }

    /// Founds one more tenant, which everybody may register in.
    pub async fn found(&self, slug: &str) -> TenantId {
        seed::found(self.ports(), slug).await.expect("the tenant is founded")
    }

    /// The tenant it plays in.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Keys of the tenant's rows of the mode it plays in.
    pub fn scope(&self) -> Scope {
        Scope::tenant(self.tenant).mode(self.livemode)
    }

    /// What the platform's clock shows.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.clock().now_ms())
    }

    /// Lets the clock run, minute by minute: what is due meanwhile happens when it is due.
    pub async fn minutes_pass(&self, minutes: u32) {
        for _ in 0..minutes {
            self.pass(Duration::from_secs(60)).await;
        }
    }

    /// The n-th AWS call of a function goes wrong like this.
    pub fn breaks(&self, function: &str, n: u64, fault: Fault) {
        let function = function.to_owned();
        self.cloud().faults().inject(FaultPlan::NthOf { function, n, fault });
    }

    /// The tokens in the links of all mails to this address, newest first.
    pub fn tokens_mailed_to(&self, address: &str) -> Vec<String> {
        let mails = self.mailbox().to(address);
        let links = mails.iter().filter_map(|mail| mail.text.split("token=").nth(1));
        let legal = |char: &char| char.is_ascii_alphanumeric() || "-_".contains(*char);
        links.map(|rest| rest.chars().take_while(legal).collect()).collect()
    }

    /// The log lines of this function so far, oldest first: one `done` line a call, and its own.
    pub fn lines_of(&self, function: &str) -> Vec<Value> {
        self.lines()
            .into_iter()
            .filter(|line| line.get("call").is_some_and(|call| call == function))
            .collect()
    }

    /// The log lines that somebody must act on.
    pub fn errors(&self) -> Vec<Value> {
        self.lines()
            .into_iter()
            .filter(|line| line.get("level").is_some_and(|level| level == "error"))
            .collect()
    }

    /// Every log line so far, oldest first.
    pub fn lines(&self) -> Vec<Value> {
        let lines = self.logs();
        lines.iter().map(|line| serde_json::from_str(line).expect("a log line is JSON")).collect()
    }
}
