//! One row of a module table: an entry point, its handler, and everything it may touch.

use std::sync::Arc;

use interface::EventSpec;
use interface::Spec;
use interface::operation::OperationSpec;
use store::Table;

use super::collecting::Collecting;
use super::handler::Handler;
use super::listening::Listening;
use crate::call::stream::Births;
use crate::ports::secrets::SecretName;

/// What starts an entry.
#[derive(Clone, Debug)]
pub enum Trigger {
    /// A route of an HTTP API.
    Http(Spec),
    /// The authorizer of the HTTP APIs.
    Authorizer,
    /// Events, through a queue of its own.
    Listener(Listening),
    /// New records of a table's stream.
    Stream { table: Table, births: Births },
    /// A schedule: `rate(1 minute)` or `cron(…)`.
    Schedule(&'static str),
    /// A typed call of another function.
    Call(interface::call::CallSpec),
    /// Messages of a private queue of its own.
    Job,
    /// The command, through Lambda's `Invoke`: never routed.
    Operator(OperationSpec),
    /// A route of the WebSocket API.
    Socket(&'static str),
}

/// What an entry does with the archive of published events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveUse {
    /// Knows its name: whether there is one.
    Named,
    /// Lists and reads its files.
    Read,
    /// Writes its files.
    Written,
}

/// One entry point: trigger, handler, and everything it may touch.
#[derive(Clone)]
pub struct Row {
    pub id: &'static str,
    pub trigger: Trigger,
    /// Tables it reads.
    pub reads: Vec<Table>,
    /// Tables it writes (and reads).
    pub writes: Vec<Table>,
    /// Events it announces.
    pub emits: Vec<EventSpec>,
    /// Typed calls it makes.
    pub calls: Vec<&'static str>,
    /// Secrets it opens.
    pub secrets: Vec<SecretName>,
    /// Secrets it writes new versions of.
    pub keeps: Vec<SecretName>,
    /// Whether it hands over mail.
    pub mails: bool,
    /// Whether it publishes to the topics without announcing events of its own.
    pub publishes: bool,
    /// Jobs it sends messages to.
    pub jobs: Vec<&'static str>,
    /// Whether it sends to whatever listener or job a row names: events to one listener alone, batches
    /// to the job of a listener.
    pub sends: bool,
    /// What it does with the archive of published events.
    pub archive: Option<ArchiveUse>,
    /// Whether it reads the depth of every queue.
    pub watches_queues: bool,
    /// Whether it looks through dead-letter queues and takes messages out of them.
    pub clears_dead_letters: bool,
    /// The events that are collected for it, where a job works through batches of them.
    pub collects: Option<Collecting>,
    /// Whether each message of a job gets an invocation of its own: it may take all the time there is.
    pub one_at_a_time: bool,
    /// Whether it hashes passwords: costly work, which strangers can ask for.
    pub hashes: bool,
    /// Whether new code of the module is tried on it first.
    pub canary: bool,
    /// Most writes of one of its commits, outbox rows, cause and audit aside.
    pub max_writes: usize,
    pub memory_mb: u32,
    pub timeout_s: u32,
    pub(crate) handler: Arc<Handler>,
}

/// Memory of a function that hashes passwords: one whole virtual CPU.
const HASHING_MEMORY_MB: u32 = 1_769;
const MEMORY_MB: u32 = 256;
const MAX_WRITES: usize = 20;
pub(crate) const HTTP_TIMEOUT_S: u32 = 10;
pub(crate) const LISTENER_TIMEOUT_S: u32 = 30;
pub(crate) const SCHEDULE_TIMEOUT_S: u32 = 60;

impl Row {
    pub(crate) fn new(
        id: &'static str,
        trigger: Trigger,
        timeout_s: u32,
        handler: Arc<Handler>,
    ) -> Self {
        Self {
            id,
            trigger,
            reads: Vec::new(),
            writes: Vec::new(),
            emits: Vec::new(),
            calls: Vec::new(),
            secrets: Vec::new(),
            keeps: Vec::new(),
            mails: false,
            publishes: false,
            jobs: Vec::new(),
            sends: false,
            archive: None,
            watches_queues: false,
            clears_dead_letters: false,
            collects: None,
            one_at_a_time: false,
            hashes: false,
            canary: false,
            max_writes: MAX_WRITES,
            memory_mb: MEMORY_MB,
            timeout_s,
            handler,
        }
    }

    /// May read these tables.
    pub fn reads<const N: usize>(mut self, tables: [Table; N]) -> Self {
        self.reads.extend(tables);
        self
    }

    /// May read and write these tables.
    pub fn writes<const N: usize>(mut self, tables: [Table; N]) -> Self {
        self.writes.extend(tables);
        self
    }

    /// Announces these events.
    pub fn emits<const N: usize>(mut self, events: [EventSpec; N]) -> Self {
        self.emits.extend(events);
        self
    }

    /// Makes this typed call.
    pub fn calls<Q, S>(mut self, call: &interface::Call<Q, S>) -> Self {
        self.calls.push(call.spec.id);
        self
    }

    /// Opens these secrets.
    pub fn opens<const N: usize>(mut self, secrets: [SecretName; N]) -> Self {
        self.secrets.extend(secrets);
        self
    }

    /// Creates these secrets and puts new versions into them.
    pub fn keeps<const N: usize>(mut self, secrets: [SecretName; N]) -> Self {
        self.keeps.extend(secrets);
        self
    }

    /// Hands over mail.
    pub fn mails(mut self) -> Self {
        self.mails = true;
        self
    }

    /// Publishes what others announced.
    pub fn publishes(mut self) -> Self {
        self.publishes = true;
        self
    }

    /// Schedules these events for later.
    pub fn schedules<const N: usize>(self, events: [EventSpec; N]) -> Self {
        self.emits(events).writes([store::PLATFORM]).enqueues([crate::commit::schedule::FIRE])
    }

    /// Sends messages to these jobs.
    pub fn enqueues<const N: usize>(mut self, jobs: [&'static str; N]) -> Self {
        self.jobs.extend(jobs);
        self
    }

    /// Sends to whatever listener or job a row names.
    pub fn sends(mut self) -> Self {
        self.sends = true;
        self
    }

    /// Gives each message of the job an invocation of its own.
    pub fn one_at_a_time(mut self) -> Self {
        self.one_at_a_time = true;
        self
    }

    /// Writes files to the archive.
    pub fn archives(mut self) -> Self {
        self.archive = Some(ArchiveUse::Written);
        self
    }

    /// Lists and reads the files of the archive.
    pub fn reads_archive(mut self) -> Self {
        self.archive = Some(ArchiveUse::Read);
        self
    }

    /// Is told which bucket the archive is, and may not touch it.
    pub fn names_archive(mut self) -> Self {
        self.archive = Some(ArchiveUse::Named);
        self
    }

    /// Writes at most so many items in one commit; 20 unless stated.
    pub fn max_writes(mut self, items: usize) -> Self {
        self.max_writes = items;
        self
    }

    /// Reads the depth of every queue.
    pub fn watches_queues(mut self) -> Self {
        self.watches_queues = true;
        self
    }

    /// Looks through dead-letter queues and takes messages out of them.
    pub fn clears_dead_letters(mut self) -> Self {
        self.clears_dead_letters = true;
        self
    }

    /// Hashes passwords: gets a whole virtual CPU, and a limit of its own where a stage names one.
    pub fn hashes(mut self) -> Self {
        (self.hashes, self.memory_mb) = (true, HASHING_MEMORY_MB);
        self
    }

    /// Goes first where new code is rolled out by degrees; the other functions of its module follow. One
    /// per module: a function that is called all day, and shows what is wrong.
    pub fn canary(mut self) -> Self {
        self.canary = true;
        self
    }

    /// Gets this much memory, in MB.
    pub fn memory(mut self, memory_mb: u32) -> Self {
        self.memory_mb = memory_mb;
        self
    }

    /// May run this long, in seconds.
    pub fn timeout(mut self, timeout_s: u32) -> Self {
        self.timeout_s = timeout_s;
        self
    }

    /// The HTTP contract, where the entry is a route.
    pub fn http(&self) -> Option<&Spec> {
        match &self.trigger {
            Trigger::Http(spec) => Some(spec),
            _ => None,
        }
    }

    /// The listener's settings, where the entry is one.
    pub fn listening(&self) -> Option<&Listening> {
        match &self.trigger {
            Trigger::Listener(listening) => Some(listening),
            _ => None,
        }
    }

    /// Its settings as a listener, to change while the table is written.
    pub(crate) fn listening_mut(&mut self) -> Option<&mut Listening> {
        match &mut self.trigger {
            Trigger::Listener(listening) => Some(listening),
            _ => None,
        }
    }

    /// Whether it rings the inline doorbell: it announces events, or blocks an aggregate and says so.
    pub fn rings(&self) -> bool {
        let blocks = self.listening().is_some_and(Listening::blocks);
        !self.emits.is_empty() || self.publishes || blocks
    }

    /// The module: the first part of the id.
    pub fn module(&self) -> &'static str {
        self.id.split_once('.').map_or(self.id, |(module, _)| module)
    }
}
