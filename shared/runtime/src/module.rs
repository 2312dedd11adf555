//! The module table: which handler serves which entry point, and what it may touch.
//!
//! A module is one [`Module`] value, read by the Lambda entry, the local cloud and the generator alike.

use std::sync::Arc;

use contracts::Spec;
use events::{EventSpec, Priority};
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::Table;

use crate::authorizer::{Evidence, Inquiry};
use crate::caller::{Decided, System, Worker};
use crate::ctx::Ctx;
use crate::entry::{self, Handler};
use crate::event::{Outcome, Received};
use crate::reply::Reply;
use crate::socket::{Frame, FrameReply};
use crate::stream::{Births, Record};

/// The HTTP API a module's routes belong to: one per bounded context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    Identity,
    Money,
    Engagement,
}

impl Group {
    pub const ALL: [Self; 3] = [Self::Identity, Self::Money, Self::Engagement];

    /// The name in templates and host names.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Money => "money",
            Self::Engagement => "engagement",
        }
    }
}

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
const HTTP_TIMEOUT_S: u32 = 10;
const LISTENER_TIMEOUT_S: u32 = 30;
const SCHEDULE_TIMEOUT_S: u32 = 60;

impl Row {
    fn new(id: &'static str, trigger: Trigger, timeout_s: u32, handler: Arc<Handler>) -> Self {
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

/// Serves an HTTP endpoint: the types of contract and handler must agree, and the contract must have
/// an access decision.
///
/// ```
/// use contracts::{Empty, Endpoint, Nothing, Public};
/// use runtime::{Anonymous, Ctx, Reply, module::serve};
///
/// const OPEN: Public<Nothing, Empty> = Endpoint::get("a.b", "/v1/a").public("a reason");
/// async fn handle(_: Ctx<Anonymous>, _: Nothing) -> Result<Reply<Empty>, kernel::Error> {
///     Ok(Reply::empty())
/// }
/// serve(&OPEN, handle);
/// ```
///
/// Without an access decision it does not compile:
///
/// ```compile_fail,E0277
/// use contracts::{Empty, Endpoint, Nothing};
/// use runtime::{Anonymous, Ctx, Reply, module::serve};
///
/// const UNDECIDED: Endpoint<Nothing, Empty> = Endpoint::get("a.b", "/v1/a");
/// async fn handle(_: Ctx<Anonymous>, _: Nothing) -> Result<Reply<Empty>, kernel::Error> {
///     Ok(Reply::empty())
/// }
/// serve(&UNDECIDED, handle);
/// ```
///
/// A public handler cannot ask for a principal, and a protected one cannot do without:
///
/// ```compile_fail,E0631
/// use contracts::{Empty, Endpoint, Nothing, Public};
/// use runtime::{Ctx, Principal, Reply, module::serve};
///
/// const OPEN: Public<Nothing, Empty> = Endpoint::get("a.b", "/v1/a").public("a reason");
/// async fn handle(_: Ctx<Principal>, _: Nothing) -> Result<Reply<Empty>, kernel::Error> {
///     Ok(Reply::empty())
/// }
/// serve(&OPEN, handle);
/// ```
///
/// An empty reason is no reason:
///
/// ```compile_fail,E0080
/// use contracts::{Empty, Endpoint, Nothing, Public};
///
/// const OPEN: Public<Nothing, Empty> = Endpoint::get("a.b", "/v1/a").public("");
/// let _ = OPEN.spec.id;
/// ```
pub fn serve<Q, S, A, H, F>(endpoint: &'static contracts::Endpoint<Q, S, A>, handler: H) -> Row
where
    Q: DeserializeOwned + Send + 'static,
    S: Serialize + Send + 'static,
    A: Decided,
    H: Fn(Ctx<A::Caller>, Q) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Reply<S>, kernel::Error>> + Send + 'static,
{
    let entry = entry::http::<Q, S, A, H, F>(endpoint.spec, handler);
    Row::new(endpoint.spec.id, Trigger::Http(endpoint.spec), HTTP_TIMEOUT_S, entry)
}

/// Listens to one event, through a queue.
pub fn listen<D, H, F>(id: &'static str, event: &events::Event<D>, handler: H) -> Row
where
    D: DeserializeOwned + Send + 'static,
    H: Fn(Ctx<Worker>, Received<D>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Outcome, kernel::Error>> + Send + 'static,
{
    listener(id, vec![event.spec], entry::listener(handler))
}

/// Listens to several events, through one queue; the data arrives as JSON.
pub fn listen_all<H, F, const N: usize>(id: &'static str, heard: [EventSpec; N], handler: H) -> Row
where
    H: Fn(Ctx<Worker>, Received<serde_json::Value>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Outcome, kernel::Error>> + Send + 'static,
{
    listener(id, heard.to_vec(), entry::listener(handler))
}

fn listener(id: &'static str, events: Vec<EventSpec>, entry: Arc<Handler>) -> Row {
    let listening = Listening {
        events,
        accepts: vec![1],
        facets: Vec::new(),
        tries: 5,
        backoff_s: vec![30, 60, 120],
        priority: Priority::Normal,
        batch: 10,
        delay_s: 0,
        claims: false,
    };
    Row::new(id, Trigger::Listener(listening), LISTENER_TIMEOUT_S, entry)
}

/// Answers a typed call.
pub fn answer<Q, S, H, F>(call: &contracts::Call<Q, S>, handler: H) -> Row
where
    Q: DeserializeOwned + Send + 'static,
    S: Serialize + Send + 'static,
    H: Fn(Ctx<Worker>, Q) -> F + Send + Sync + 'static,
    F: Future<Output = Result<S, kernel::Error>> + Send + 'static,
{
    Row::new(call.spec.id, Trigger::Call(call.spec), HTTP_TIMEOUT_S, entry::call(handler))
}

/// Runs on a schedule.
pub fn every<H, F>(id: &'static str, expression: &'static str, handler: H) -> Row
where
    H: Fn(Ctx<System>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), kernel::Error>> + Send + 'static,
{
    Row::new(id, Trigger::Schedule(expression), SCHEDULE_TIMEOUT_S, entry::schedule(handler))
}

/// Reads a table's stream: the records that `births` selects.
pub fn stream<H, F>(id: &'static str, table: Table, births: Births, handler: H) -> Row
where
    H: Fn(Ctx<System>, Vec<Record>) -> F + Send + Sync + 'static,
    F: Future<Output = Vec<String>> + Send + 'static,
{
    let trigger = Trigger::Stream { table, births };
    Row::new(id, trigger, SCHEDULE_TIMEOUT_S, entry::stream(handler))
}

/// Gathers evidence for the HTTP APIs.
pub fn authorize<H, F>(id: &'static str, handler: H) -> Row
where
    H: Fn(Ctx<System>, Inquiry) -> F + Send + Sync + 'static,
    F: Future<Output = Evidence> + Send + 'static,
{
    Row::new(id, Trigger::Authorizer, HTTP_TIMEOUT_S, entry::authorizer(handler))
}

/// Serves a route of the WebSocket API: `$connect`, `$disconnect`, `$default` or an action.
pub fn socket<H, F>(id: &'static str, route: &'static str, handler: H) -> Row
where
    H: Fn(Ctx<System>, Frame) -> F + Send + Sync + 'static,
    F: Future<Output = Result<FrameReply, kernel::Error>> + Send + 'static,
{
    Row::new(id, Trigger::Socket(route), HTTP_TIMEOUT_S, entry::socket(handler))
}

/// A module: its name, its tables and its entry points.
#[derive(Clone)]
pub struct Module {
    pub name: &'static str,
    pub group: Group,
    /// What it is for, in one sentence.
    pub purpose: &'static str,
    /// The tables it owns.
    pub tables: Vec<Table>,
    pub rows: Vec<Row>,
    /// How it hands over mail, where it does.
    pub mail: Option<crate::mail::Connect>,
}

impl Module {
    /// A module of the given rows.
    pub fn new<const N: usize>(
        name: &'static str,
        group: Group,
        purpose: &'static str,
        rows: [Row; N],
    ) -> Self {
        let (tables, rows) = (Vec::new(), rows.into());
        Self { name, group, purpose, tables, rows, mail: None }
    }

    /// Owns these tables.
    pub fn owns<const N: usize>(mut self, tables: [Table; N]) -> Self {
        self.tables.extend(tables);
        self
    }

    /// Hands over mail through this adapter.
    pub fn mails_through(mut self, connect: crate::mail::Connect) -> Self {
        self.mail = Some(connect);
        self
    }

    /// The entry of this id.
    pub fn row(&self, id: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.id == id)
    }
}
