//! The context of a call: who it acts for, and the few ports a handler needs.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use interface::EventSpec;
use kernel::{Error, EventId, Id, Kind, RequestId, Timestamp};
use serde_json::Value;
use store::outbox::Birth;
use store::{Change, Scope, Store};

use super::caller::{Anonymous, Guest, InTenant, Principal, System, User, Worker};
use super::cause::{Cause, Signal};
use super::policies;
use super::precondition::IfMatch;
use crate::ports::config::Config;
use crate::ports::process::Ports;
use crate::ports::settings::{Setting, Settings};

/// What every handler is given first. `Who` is what the contract's access decision promises: a
/// [`Principal`], a [`User`], [`Anonymous`], or the platform itself.
#[derive(Clone)]
pub struct Ctx<Who = Principal> {
    pub(crate) call: Arc<Call>,
    pub(crate) who: Who,
}

/// One invocation, or one item of a batch: shared by everything that happens in it.
pub struct Call {
    pub(crate) ports: Arc<Ports>,
    /// The entry's id.
    pub(crate) function: &'static str,
    /// The contract, where the call came over HTTP.
    pub(crate) spec: Option<interface::Spec>,
    pub(crate) request_id: RequestId,
    /// The id of the request that started the chain.
    pub(crate) correlation: String,
    pub(crate) causation: Option<EventId>,
    pub(crate) traceparent: Option<String>,
    /// When the platform ends the invocation.
    pub(crate) deadline: Timestamp,
    pub(crate) remote: Remote,
    /// The store, counting for this call.
    pub(crate) store: Store,
    pub(crate) cause: Cause,
    pub(crate) if_match: IfMatch,
    pub(crate) signal: Signal,
    /// The settings of the module whose function this is.
    pub(crate) settings: Arc<Settings>,
    /// What announced events bring with them in the module whose function this is.
    pub(crate) consequences: Arc<dyn Consequences>,
    /// Commits tried so far: each has a request token of its own.
    pub(crate) commits: std::sync::atomic::AtomicU16,
}

/// What an announced event brings with it in its own module. A commit knows no modules: whoever makes
/// the call hands this in.
pub(crate) trait Consequences: Send + Sync {
    /// Whether the row of this function says that it announces the event.
    fn announces(&self, function: &str, event: &EventSpec) -> bool;

    /// The writes that join the transaction: those of the module's reactors.
    fn reactions(&self, birth: &Birth, snapshot: Option<&Value>) -> Result<Change, Error>;

    /// Rings the inline doorbell: publishes what was just committed.
    fn ring<'a>(&self, call: &'a Call, births: &'a [Birth]) -> BoxFuture<'a, ()>;

    /// Runs the module's own inline listeners of what was just committed.
    fn run_inline<'a>(
        self: Arc<Self>,
        call: &'a Arc<Call>,
        births: &'a [Birth],
    ) -> BoxFuture<'a, ()>;
}

/// Where a request came from.
#[derive(Clone, Debug, Default)]
pub struct Remote {
    pub source_ip: String,
    pub user_agent: String,
    /// The path as requested.
    pub path: String,
    /// The `Origin` header of a browser.
    pub origin: Option<String>,
}

impl Remote {
    /// The network of the caller: /24 for IPv4, /56 for IPv6. What limits and audit rows name.
    pub fn network(&self) -> String {
        match self.source_ip.parse() {
            Ok(std::net::IpAddr::V4(address)) => {
                let [a, b, c, _] = address.octets();
                format!("{a}.{b}.{c}.0/24")
            }
            Ok(std::net::IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}:{:x}::/56", d & 0xff00)
            }
            Err(_) => "unknown".to_owned(),
        }
    }
}

impl Call {
    /// Waits before the handler runs again, with full jitter; false where no time is left for it.
    pub(crate) async fn back_off(&self, run: u32) -> bool {
        let mut byte = [0];
        self.ports.entropy.fill(&mut byte);
        let [byte] = byte;
        let most_ms = (RERUN_FIRST_MS << run.min(4)).min(RERUN_MOST_MS);
        let pause = Duration::from_millis(most_ms * u64::from(byte) / 255);
        if self.deadline.since(self.ports.clock.now()) < pause + RERUN_RESERVE {
            return false;
        }
        tokio::time::sleep(pause).await;
        true
    }
}

/// Runs of a handler: the first, and those after lost races.
pub(crate) const RUNS_MAX: u32 = 5;
/// Pauses before a rerun: 10 to 160 ms at most, and the time a rerun needs.
const RERUN_FIRST_MS: u64 = 10;
const RERUN_MOST_MS: u64 = 160;
const RERUN_RESERVE: Duration = Duration::from_millis(500);

impl<Who> Ctx<Who> {
    /// Now. The only clock handlers read.
    pub fn now(&self) -> Timestamp {
        self.call.ports.clock.now()
    }

    /// A new id of this instant.
    pub fn new_id<K: Kind>(&self) -> Id<K> {
        crate::ports::clock::new_id(&*self.call.ports.clock, &*self.call.ports.entropy)
    }

    /// Random bytes that cannot be guessed.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.call.ports.entropy.fill(&mut bytes);
        bytes
    }

    /// The store, counting this call's requests.
    pub fn store(&self) -> &Store {
        &self.call.store
    }

    pub fn config(&self) -> &Config {
        &self.call.ports.config
    }

    /// The value of a setting of the function's own module.
    pub fn setting<T: Clone + 'static>(&self, setting: &Setting<T>) -> Result<T, Error> {
        self.call.settings.get(setting)
    }

    pub fn secrets(&self) -> &crate::ports::secrets::Secrets {
        &self.call.ports.secrets
    }

    pub fn cache(&self) -> &dyn crate::ports::cache::Cache {
        &*self.call.ports.cache
    }

    pub fn sqs(&self) -> &aws_sdk_sqs::Client {
        &self.call.ports.sqs
    }

    /// The client of an AWS service that one module alone uses, made once in a process; `own` is
    /// the service's own endpoint, where one is configured.
    pub fn client<C: Clone + Send + Sync + 'static>(
        &self,
        own: &str,
        make: impl FnOnce(&aws_types::SdkConfig) -> C,
    ) -> C {
        self.call.ports.client(own, make)
    }

    pub(crate) fn ports(&self) -> &Ports {
        &self.call.ports
    }

    /// Who hears what on the whole platform.
    pub fn backbone(&self) -> &crate::ports::backbone::Backbone {
        self.call.ports.backbone()
    }

    /// The mail system; refused where the function did not declare that it mails.
    pub fn mailer(&self) -> Result<&dyn crate::ports::mail::Mailer, Error> {
        let mailer = self.call.ports.mailer.as_deref();
        mailer.ok_or_else(|| Error::internal("this function has no mail system"))
    }

    pub fn request_id(&self) -> RequestId {
        self.call.request_id
    }

    pub fn remote(&self) -> &Remote {
        &self.call.remote
    }

    /// Who acts.
    pub fn who(&self) -> &Who {
        &self.who
    }

    /// Writes one metric.
    pub fn metric(&self, metric: &crate::ports::log::Metric<'_>) {
        let ports = self.ports();
        ports.log.metric(&ports.config, self.now(), metric);
    }

    /// Writes one line to the log.
    pub fn log(&self, line: crate::ports::log::Line) {
        let ports = self.ports();
        let line = line.with("request_id", self.call.request_id.to_string());
        ports.log.write(&ports.config, self.now(), self.call.function, line);
    }

    /// What is left of the invocation's time.
    pub fn remaining(&self) -> Duration {
        self.call.deadline.since(self.now())
    }

    /// Keys of look-ups made before the tenant is known.
    pub fn directory(&self) -> Scope {
        Scope::directory()
    }

    /// Refuses the change unless `If-Match`, where it was sent, names this version (412).
    pub fn expect_version(&self, version: u64) -> Result<(), Error> {
        self.call.if_match.check(version)
    }
}

impl<Who: InTenant> Ctx<Who> {
    /// Keys of the tenant's rows that have no mode: identity data.
    pub fn scope(&self) -> Scope {
        Scope::tenant(self.who.tenant())
    }

    /// Keys of the tenant's rows of this mode: live or test.
    pub fn mode_scope(&self) -> Scope {
        Scope::tenant(self.who.tenant()).mode(self.who.livemode())
    }

    pub fn tenant(&self) -> kernel::TenantId {
        self.who.tenant()
    }
}

impl Ctx<User> {
    pub fn user(&self) -> &User {
        &self.who
    }
}

impl Ctx<Principal> {
    pub fn principal(&self) -> &Principal {
        &self.who
    }
}

impl Ctx<Anonymous> {
    /// Goes on inside a tenant the request named and the directory knows. `actor` is the person, once
    /// their password, code or link has proven them.
    pub fn enter(
        &self,
        tenant: kernel::TenantId,
        livemode: bool,
        actor: Option<kernel::AnyId>,
    ) -> Ctx<Guest> {
        self.call.signal.enter(tenant, livemode);
        Ctx { call: self.call.clone(), who: Guest { tenant, livemode, actor } }
    }
}

impl Ctx<System> {
    /// Counts a call of this principal, and of its tenant, in a rate class: the authorizer's part of the
    /// limits. Refused with 503 where a class that must be counted cannot be.
    pub async fn count_principal(
        &self,
        class: interface::Rate,
        principal: &Principal,
    ) -> Result<Vec<crate::ports::rate::RateState>, Error> {
        let subject = principal.key().map_or(principal.subject(), Into::into).to_string();
        let (tenant, kind) = (principal.tenant(), principal.kind());
        policies::count_principal(self.ports(), class, tenant, kind, &subject).await
    }

    /// Keys of platform rows and sweep indexes.
    pub fn system_scope(&self) -> Scope {
        Scope::system()
    }

    /// Goes on at work for the platform itself: events about the platform have no other tenant.
    pub fn enter_platform(&self) -> Ctx<Worker> {
        self.enter(kernel::TenantId::from_bytes([0; 16]), true)
    }

    /// Goes on at work for one tenant.
    pub fn enter(&self, tenant: kernel::TenantId, livemode: bool) -> Ctx<Worker> {
        let who = Worker { tenant, livemode, actor: None, subject: None };
        Ctx { call: self.call.clone(), who }
    }
}
