//! How a platform is started, and the settings its functions see.

use std::collections::BTreeMap;
use std::path::PathBuf;

use runtime::Module;
use runtime::config::LOCAL;

use crate::Storage;
use crate::aws::{ACCOUNT, REGION, sns};
use crate::clock::VirtualClock;
use crate::gateway::API_ID;
use crate::lambda::LineSink;

/// What names of tables, functions, queues and topics start with.
pub(crate) const PREFIX: &str = "talaria-local-";
/// What names of secrets start with.
const SECRET_PREFIX: &str = "talaria/local/";
/// Where SDK clients in this process think AWS is.
pub(crate) const IN_PROCESS_ENDPOINT: &str = "http://aws.local";
/// Noon of 1 June 2030, when every platform in memory starts.
const NOON_MS: i64 = 1_906_545_600_000;

/// Where random bytes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chance {
    /// The operating system.
    System,
    /// The same in every run of one seed: for tests.
    Seeded(u64),
}

/// How to start a platform.
#[derive(Clone)]
pub struct Options {
    /// Where data is kept.
    pub storage: Storage,
    /// The clock of everything.
    pub clock: VirtualClock,
    /// Where random bytes come from.
    pub chance: Chance,
    /// The port of the APIs on 127.0.0.1, 0 for any; `None` opens no socket at all.
    pub port: Option<u16>,
    /// Whether schedules run by themselves; without it they run when told to `tick`.
    pub schedules: bool,
    /// Whether an access beyond the caller's tenant is refused, or only recorded.
    pub refuse_strays: bool,
    /// The folder of the modules' programs, to run each function in a process of its own.
    pub processes: Option<PathBuf>,
    /// Seed of random faults in AWS calls of functions.
    pub chaos: Option<u64>,
    /// Whether modules take the settings that tests do not have to wait for.
    pub quick: bool,
    /// Settings of the functions that differ from the local ones.
    pub settings: BTreeMap<String, String>,
    /// Whether tenants, owner and keys are made where they are missing.
    pub plants: bool,
    /// Whether the platform remembers log lines.
    pub remembers: bool,
    /// Where log lines go besides the platform's own memory of them.
    pub log: Option<LineSink>,
}

impl Options {
    /// In memory, without sockets, at a fixed time with fixed chance: for tests. Schedules run when
    /// told to, stray accesses are refused, settings of modules are the quick ones, nothing is
    /// archived unless asked for.
    pub fn in_memory() -> Self {
        let settings = [("TALARIA_ARCHIVE_BUCKET", String::new())];
        Self {
            storage: Storage::Memory,
            clock: VirtualClock::starting_at(NOON_MS),
            chance: Chance::Seeded(1),
            port: None,
            schedules: false,
            refuse_strays: true,
            processes: None,
            chaos: None,
            quick: true,
            settings: settings.map(|(name, value)| (name.to_owned(), value)).into(),
            plants: true,
            remembers: true,
            log: None,
        }
    }

    /// As [`in_memory`](Self::in_memory), but empty and without a memory of log lines: as little as
    /// modules of their own need, so that a platform can be started for each of many short runs.
    pub fn bare() -> Self {
        Self { plants: false, remembers: false, ..Self::in_memory() }
    }

    /// On the computer's clock and chance, listening on a port: for a developer.
    pub fn on_port(storage: Storage, port: u16) -> Self {
        Self {
            storage,
            clock: VirtualClock::from_system(),
            chance: Chance::System,
            port: Some(port),
            schedules: true,
            refuse_strays: false,
            quick: false,
            settings: BTreeMap::new(),
            ..Self::in_memory()
        }
    }

    /// With this setting of the functions.
    #[must_use]
    pub fn setting(mut self, name: &str, value: impl Into<String>) -> Self {
        self.settings.insert(name.to_owned(), value.into());
        self
    }

    /// With published events archived.
    #[must_use]
    pub fn archiving(self) -> Self {
        self.setting("TALARIA_ARCHIVE_BUCKET", archive_bucket())
    }

    /// With the chance of this seed.
    #[must_use]
    pub fn seeded(mut self, seed: u64) -> Self {
        self.chance = Chance::Seeded(seed);
        self
    }
}

/// The settings of the functions of these modules, which find AWS at this endpoint.
pub(crate) fn variables(
    modules: &[Module],
    options: &Options,
    issuer: &str,
    endpoint: &str,
) -> BTreeMap<String, String> {
    let own = [
        ("TALARIA_STAGE", LOCAL.to_owned()),
        ("TALARIA_TABLE_PREFIX", PREFIX.to_owned()),
        ("TALARIA_FUNCTION_PREFIX", PREFIX.to_owned()),
        ("TALARIA_SECRET_PREFIX", SECRET_PREFIX.to_owned()),
        ("TALARIA_ISSUER", issuer.to_owned()),
        ("TALARIA_EVENTS_TOPIC", sns::topic_arn(&events_topic())),
        ("TALARIA_EVENTS_FIFO_TOPIC", sns::topic_arn(&events_fifo_topic())),
        ("TALARIA_QUEUE_PREFIX", format!("{endpoint}/{ACCOUNT}/{PREFIX}")),
        ("TALARIA_ARCHIVE_BUCKET", archive_bucket()),
        ("TALARIA_API_ID", API_ID.to_owned()),
        ("TALARIA_TEST_MODE", "true".to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_ENDPOINT_URL", endpoint.to_owned()),
    ];
    let declared = modules.iter().flat_map(|module| &module.settings.declared);
    let quick = declared.filter(|_| options.quick).filter_map(|setting| {
        let text = setting.quick?;
        Some((setting.variable.name, text.to_owned()))
    });
    let own = own.into_iter().chain(quick).map(|(name, value)| (name.to_owned(), value));
    own.chain(options.settings.clone()).collect()
}

/// Name of the bucket of the archive.
pub(crate) fn archive_bucket() -> String {
    format!("{PREFIX}archive")
}

/// Name of the standard topic.
pub(crate) fn events_topic() -> String {
    format!("{PREFIX}events")
}

/// Name of the FIFO topic.
pub(crate) fn events_fifo_topic() -> String {
    format!("{PREFIX}events.fifo")
}
