//! One row of a module table: an entry point, its handler, and everything it may touch.

use std::sync::Arc;

use contracts::Spec;
use events::{EventSpec, Priority};
use store::Table;

use crate::entry::Handler;
use crate::stream::Births;

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
    Call(contracts::call::CallSpec),
    /// A route of the WebSocket API.
    Socket(&'static str),
}

/// How a listener hears: the row of `events.md` section 8.
#[derive(Clone, Debug)]
pub struct Listening {
    pub events: Vec<EventSpec>,
    /// Majors of those events it understands.
    pub accepts: Vec<u16>,
    /// Only messages of these facets (`notification.*` events name their channel).
    pub facets: Vec<&'static str>,
    /// Handler attempts, 1–20.
    pub tries: u32,
    /// Seconds to wait after the n-th failure; the last repeats.
    pub backoff_s: Vec<u32>,
    pub priority: Priority,
    /// Messages per invocation.
    pub batch: u32,
    /// Delay of every message, in seconds.
    pub delay_s: u32,
    /// Whether the inbox row is claimed before the handler runs (effects outside DynamoDB) or written
    /// in the transaction of the effect.
    pub claims: bool,
}

impl Listening {
    /// Seconds the queue hides a received message: six times the function's timeout.
    pub const fn visibility_s(timeout_s: u32) -> u32 {
        timeout_s * 6
    }

    /// Receives before the queue itself gives up: a crash backstop, never the retry counter.
    pub fn max_receives(&self) -> u32 {
        (self.tries + 5).max(10)
    }
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
    pub secrets: Vec<&'static str>,
    /// Secrets it writes new versions of.
    pub keeps: Vec<&'static str>,
    /// Whether it hands over mail.
    pub mails: bool,
    /// Whether it publishes to the topics without announcing events of its own.
    pub publishes: bool,
    /// Whether it reads the depth of every queue.
    pub watches_queues: bool,
    pub memory_mb: u32,
    pub timeout_s: u32,
    pub(crate) handler: Arc<Handler>,
}

/// Memory of a function that hashes passwords: one whole virtual CPU.
pub const HASHING_MEMORY_MB: u32 = 1_769;
const MEMORY_MB: u32 = 256;
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
            watches_queues: false,
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
    pub fn calls<Q, S>(mut self, call: &contracts::Call<Q, S>) -> Self {
        self.calls.push(call.spec.id);
        self
    }

    /// Opens these secrets.
    pub fn opens<const N: usize>(mut self, secrets: [&'static str; N]) -> Self {
        self.secrets.extend(secrets);
        self
    }

    /// Creates these secrets and puts new versions into them.
    pub fn keeps<const N: usize>(mut self, secrets: [&'static str; N]) -> Self {
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

    /// Reads the depth of every queue.
    pub fn watches_queues(mut self) -> Self {
        self.watches_queues = true;
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

    /// Tries a failing event this often, waiting `backoff_s` between.
    pub fn tries<const N: usize>(mut self, tries: u32, backoff_s: [u32; N]) -> Self {
        if let Trigger::Listener(listening) = &mut self.trigger {
            listening.tries = tries;
            listening.backoff_s = backoff_s.to_vec();
        }
        self
    }

    /// Hears urgent events in a lane of its own.
    pub fn urgent(mut self) -> Self {
        if let Trigger::Listener(listening) = &mut self.trigger {
            listening.priority = Priority::High;
        }
        self
    }

    /// Hears only messages of these facets.
    pub fn facets<const N: usize>(mut self, facets: [&'static str; N]) -> Self {
        if let Trigger::Listener(listening) = &mut self.trigger {
            listening.facets = facets.to_vec();
        }
        self
    }

    /// Claims the event before the handler runs: for effects outside DynamoDB.
    pub fn claims(mut self) -> Self {
        if let Trigger::Listener(listening) = &mut self.trigger {
            listening.claims = true;
        }
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

    /// The module: the first part of the id.
    pub fn module(&self) -> &'static str {
        self.id.split_once('.').map_or(self.id, |(module, _)| module)
    }
}
