//! A whole platform: modules on a local cloud, with gateway, Lambda, mappings, schedules and mailbox.
//! Tests ask it without a socket; `talaria local` opens the ports.

mod lines;
mod listeners;

#[cfg(test)]
mod list_tests;
#[cfg(test)]
mod refusal_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod time_tests;

pub use listeners::Addresses;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use runtime::clock::{Entropy, SystemEntropy};
use runtime::config::LOCAL;
use runtime::page::{CURSOR_SEAL, SealKeys};
use runtime::{Config, Module, Ports};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::boot::{self, BootError, Chance, Options};
use crate::clock::VirtualClock;
use crate::gateway::{self, Front, Gateway, Quiet};
use crate::lambda::{Functions, InProcess, InvokeApi, Processes, Runner, SeededEntropy};
use crate::mail::{self, Mailbox};
use crate::mapping::{InvokeError, Mappings};
use crate::schedule::Schedules;
use crate::{Cloud, aws, seed};
use lines::Lines;
use listeners::Listeners;

/// Who calls where a test names nobody: an address of documentation (RFC 5737).
const SOMEBODY: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));
/// The issuer where no port is open.
const ISSUER_WITHOUT_PORT: &str = "http://127.0.0.1:8080";
/// How long clients may hold their connections open when the platform stops.
const GRACE: Duration = Duration::from_secs(1);

/// A running platform. Clones share it; it ends when the last is dropped.
#[derive(Clone)]
pub struct Platform {
    inner: Arc<Inner>,
}

struct Inner {
    cloud: Cloud,
    ports: Arc<Ports>,
    functions: Functions,
    processes: Option<Processes>,
    front: Arc<Front>,
    quiet: Quiet,
    mappings: Mappings,
    schedules: Schedules,
    mailbox: Mailbox,
    lines: Lines,
    addresses: Option<Addresses>,
    shutdown: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Platform {
    /// These modules in memory, without sockets, the same in every run: for tests.
    pub async fn in_memory(modules: Vec<Module>) -> Result<Self, BootError> {
        Self::start(modules, Options::in_memory()).await
    }

    /// Opens the cloud, makes what the modules declare and the first tenants, and starts. Without a
    /// port it is settled and the mailbox empty when this answers.
    pub async fn start(modules: Vec<Module>, options: Options) -> Result<Self, BootError> {
        let modules = runtime::wiring::subscribe(modules);
        let modules: Vec<Module> = modules.into_iter().map(|one| one.at(LOCAL)).collect();
        let listeners = match options.port {
            Some(port) => Some(Listeners::bind(port).await?),
            None => None,
        };
        let platform = Self::assemble(&modules, &options, listeners.as_ref())?;
        let http = listeners.map(|listeners| platform.serve_inside(listeners));
        if options.plants {
            platform.first_run(&modules).await?;
        }
        boot::map(&modules, &platform.inner.mappings)?;
        if options.port.is_none() {
            // A test starts from quiet; a developer need not wait for the owner's welcome.
            platform.settle().await;
            platform.mailbox().clear();
        }
        if let Some(http) = http {
            let (front, shutdown) = (platform.inner.front.clone(), platform.until_shutdown());
            platform.spawn(async move { drop(gateway::serve(front, http, shutdown).await) });
        }
        if options.schedules {
            let (schedules, shutdown) =
                (platform.inner.schedules.clone(), platform.until_shutdown());
            platform.spawn(async move {
                tokio::select! {
                    () = schedules.run() => {}
                    () = shutdown => {}
                }
            });
        }
        if let Some(seed) = options.chaos {
            platform.inner.cloud.faults().chaos(seed);
        }
        Ok(platform)
    }

    /// Everything in its place; nothing runs yet.
    fn assemble(
        modules: &[Module],
        options: &Options,
        listeners: Option<&Listeners>,
    ) -> Result<Self, BootError> {
        let addresses = listeners.map(|listeners| listeners.addresses);
        let issuer =
            addresses.map_or(ISSUER_WITHOUT_PORT.to_owned(), |at| format!("http://{}", at.http));
        let cloud = Cloud::open(options.storage.clone(), options.clock.clone())?;
        cloud.refuse_strays(options.refuse_strays);
        boot::ensure(modules, &cloud)?;
        let settings = boot::variables(modules, options, &issuer, boot::IN_PROCESS_ENDPOINT);
        let config = Config::read(&settings)?;
        let modules = modules.iter().cloned().map(|module| module.configured(&settings));
        let modules = &modules.collect::<Result<Vec<_>, _>>()?;
        let lines = Lines::new(options.remembers, options.log.clone());
        let mailbox = Mailbox::open(&cloud, &config.mail_from)?;
        let entropy: Arc<dyn Entropy> = match options.chance {
            Chance::System => Arc::new(SystemEntropy),
            Chance::Seeded(seed) => Arc::new(SeededEntropy::new(seed)),
        };
        let (prefix, mailer) = (config.function_prefix.clone(), Arc::new(mailbox.clone()));
        let in_process = InProcess::new(modules, &cloud, config, entropy, mailer, lines.log());
        let ports = in_process.ports().clone();
        let processes = match (&options.processes, addresses) {
            (Some(folder), Some(at)) => {
                let mut settings =
                    boot::variables(modules, options, &issuer, &format!("http://{}", at.aws));
                settings.insert("TALARIA_MAIL_URL".to_owned(), format!("smtp://{}", at.smtp));
                Some(Processes::new(modules, folder, &settings, at.runtime, lines.sink())?)
            }
            _ => None,
        };
        let runner: Arc<dyn Runner> = match &processes {
            Some(processes) => Arc::new(processes.clone()),
            None => Arc::new(in_process),
        };
        let functions =
            Functions::new(modules, &prefix, runner, options.clock.clone(), lines.sink());
        cloud.extend(Arc::new(InvokeApi::new(&functions)));
        let gateway = Gateway::new(modules, functions.clone(), options.clock.clone());
        let mappings = Mappings::new(&cloud, Arc::new(functions.clone()));
        let quiet = Quiet::of(&cloud, &mappings, &functions);
        let inner = Inner {
            ports,
            processes,
            front: Arc::new(Front::new(gateway, mailbox.clone(), quiet.clone())),
            quiet,
            mappings,
            schedules: Schedules::of(modules, &functions, cloud.tables(), cloud.clock())?,
            cloud,
            functions,
            mailbox,
            lines,
            addresses,
            shutdown: watch::channel(false).0,
            tasks: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Serves what functions in processes of their own need, and hands back the door for everybody.
    fn serve_inside(&self, listeners: Listeners) -> tokio::net::TcpListener {
        let (cloud, shutdown) = (self.inner.cloud.clone(), self.until_shutdown());
        self.spawn(async move {
            drop(aws::front::serve(cloud.services(), listeners.aws, shutdown).await);
        });
        let (mailbox, shutdown) = (self.inner.mailbox.clone(), self.until_shutdown());
        self.spawn(async move { drop(mail::smtp::serve(mailbox, listeners.smtp, shutdown).await) });
        if let Some(processes) = self.inner.processes.clone() {
            let shutdown = self.until_shutdown();
            self.spawn(async move {
                tokio::select! {
                    _ = processes.serve(listeners.runtime) => {}
                    () = shutdown => {}
                }
            });
        }
        listeners.http
    }

    /// Secrets and tenants, as far as they are missing: who keeps a secret makes it.
    async fn first_run(&self, modules: &[Module]) -> Result<(), BootError> {
        let rows = || modules.iter().flat_map(|module| &module.rows);
        for row in rows().filter(|row| !row.keeps.is_empty()) {
            let made = self.inner.functions.call(row.id, json!({})).await;
            made.map_err(|error| BootError::FirstRun { function: row.id, error })?;
        }
        // Lists of a module that runs without module `platform`, which keeps their seal.
        if !rows().any(|row| row.keeps.contains(&CURSOR_SEAL)) {
            let mut key = [0; 32];
            self.inner.ports.entropy.fill(&mut key);
            let made = self.inner.ports.secrets.create(CURSOR_SEAL, &SealKeys::first(key)).await;
            made.map_err(|fault| BootError::Seed(fault.to_string()))?;
        }
        seed::plant(&self.inner.ports, &self.inner.functions).await.map_err(BootError::Seed)
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks().push(tokio::spawn(task));
    }

    fn tasks(&self) -> std::sync::MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.inner.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn until_shutdown(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut shutdown = self.inner.shutdown.subscribe();
        async move {
            let _ = shutdown.wait_for(|stop| *stop).await;
        }
    }

    /// Takes no more requests, answers those under way, and ends everything.
    pub async fn stop(&self) {
        self.inner.shutdown.send_replace(true);
        self.inner.mappings.stop();
        let tasks = std::mem::take(&mut *self.tasks());
        for mut task in tasks {
            if tokio::time::timeout(GRACE, &mut task).await.is_err() {
                task.abort();
            }
        }
        if let Some(processes) = &self.inner.processes {
            processes.stop();
        }
    }

    /// Sends a request through the front door, as somebody.
    pub async fn request(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.request_from(SOMEBODY, request).await
    }

    /// Sends a request through the front door from this address.
    pub async fn request_from(&self, source: IpAddr, request: Request<Bytes>) -> Response<Bytes> {
        self.inner.front.answer(request, source).await
    }

    /// Runs a function on an event, as Lambda would.
    pub async fn invoke(&self, function: &str, event: Value) -> Result<Value, InvokeError> {
        self.inner.functions.call(function, event).await
    }

    /// Resolves when relay, queues and listeners are quiet: nothing runs and nothing is due now. What
    /// is hidden or delayed until later waits; move the clock to reach it. Never sleeps.
    pub async fn settle(&self) {
        self.inner.quiet.settle().await;
    }

    /// Runs every schedule that became due since the last tick, once, then settles.
    pub async fn tick(&self) {
        self.inner.schedules.tick().await;
        self.settle().await;
    }

    /// Moves the clock, runs what became due by schedule or queue, and settles.
    pub async fn pass(&self, span: Duration) {
        let by_ms = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        self.inner.cloud.clock().advance(by_ms);
        self.tick().await;
    }

    /// The clock of everything.
    pub fn clock(&self) -> &VirtualClock {
        self.inner.cloud.clock()
    }

    /// The AWS services, their faults and the stray accesses seen.
    pub fn cloud(&self) -> &Cloud {
        &self.inner.cloud
    }

    /// The ports functions run on: a store to look at rows with, configuration, entropy.
    pub fn ports(&self) -> &Arc<Ports> {
        &self.inner.ports
    }

    /// Every mail that was sent.
    pub fn mailbox(&self) -> &Mailbox {
        &self.inner.mailbox
    }

    /// The event source mappings, to switch one off.
    pub fn mappings(&self) -> &Mappings {
        &self.inner.mappings
    }

    /// The functions.
    pub fn functions(&self) -> &Functions {
        &self.inner.functions
    }

    /// The routes.
    pub fn gateway(&self) -> &Gateway {
        self.inner.front.gateway()
    }

    /// Log and metric lines so far, oldest first; only the last 20,000.
    pub fn logs(&self) -> Vec<String> {
        self.inner.lines.all()
    }

    /// (function id, process id) of every process there is, where functions have their own.
    pub fn processes(&self) -> Vec<(&'static str, u32)> {
        self.inner.processes.as_ref().map(Processes::running).unwrap_or_default()
    }

    /// Where it listens, where it does.
    pub fn addresses(&self) -> Option<Addresses> {
        self.inner.addresses
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.mappings.stop();
        for task in self.tasks.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            task.abort();
        }
    }
}
