//! The module table: which handler serves which entry point, and what it may touch.
//!
//! A module is one [`Module`] value, read by the Lambda entry, the local cloud and the generator alike.

use std::collections::BTreeMap;
use std::sync::Arc;

use interface::EventSpec;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::Table;

use super::handler::{self, Handler};
use super::listening::Listening;
use super::reactor::Reactor;
use super::row::{HTTP_TIMEOUT_S, LISTENER_TIMEOUT_S, Row, SCHEDULE_TIMEOUT_S, Trigger};
use crate::call::authorizer::{Evidence, Inquiry};
use crate::call::caller::{Decided, Operator, System, Worker};
use crate::call::ctx::Ctx;
use crate::call::event::{Outcome, Received};
use crate::call::page::CURSOR_SEAL;
use crate::call::reply::Reply;
use crate::call::socket::{Frame, FrameReply};
use crate::call::stream::{Births, Record};
use crate::ports::config::ConfigError;
use crate::ports::mail::Connect;
use crate::ports::settings::{SettingSpec, Settings};

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

/// Serves an HTTP endpoint: the types of contract and handler must agree, and the contract must have
/// an access decision.
///
/// ```
/// use interface::{Empty, Endpoint, Nothing, Public};
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
/// use interface::{Empty, Endpoint, Nothing};
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
/// use interface::{Empty, Endpoint, Nothing, Public};
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
/// use interface::{Empty, Endpoint, Nothing, Public};
///
/// const OPEN: Public<Nothing, Empty> = Endpoint::get("a.b", "/v1/a").public("");
/// let _ = OPEN.spec.id;
/// ```
pub fn serve<Q, S, A, H, F>(endpoint: &'static interface::Endpoint<Q, S, A>, handler: H) -> Row
where
    Q: DeserializeOwned + Send + 'static,
    S: Serialize + Send + 'static,
    A: Decided,
    H: Fn(Ctx<A::Caller>, Q) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Reply<S>, kernel::Error>> + Send + 'static,
{
    let entry = handler::http::<Q, S, A, H, F>(endpoint.spec, handler);
    let row = Row::new(endpoint.spec.id, Trigger::Http(endpoint.spec), HTTP_TIMEOUT_S, entry);
    if endpoint.spec.pages { row.opens([CURSOR_SEAL]) } else { row }
}

/// Listens to one event, through a queue.
pub fn listen<D, H, F>(id: &'static str, event: &interface::Event<D>, handler: H) -> Row
where
    D: DeserializeOwned + Send + 'static,
    H: Fn(Ctx<Worker>, Received<D>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Outcome, kernel::Error>> + Send + 'static,
{
    listener(id, vec![event.spec], handler::listener(handler))
}

/// Listens to several events, through one queue; the data arrives as JSON.
pub fn listen_all<H, F, const N: usize>(id: &'static str, heard: [EventSpec; N], handler: H) -> Row
where
    H: Fn(Ctx<Worker>, Received<serde_json::Value>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Outcome, kernel::Error>> + Send + 'static,
{
    listener(id, heard.to_vec(), handler::listener(handler))
}

fn listener(id: &'static str, events: Vec<EventSpec>, entry: Arc<Handler>) -> Row {
    Row::new(id, Trigger::Listener(Listening::to(events)), LISTENER_TIMEOUT_S, entry)
}

/// Answers a typed call.
pub fn answer<Q, S, H, F>(call: &interface::Call<Q, S>, handler: H) -> Row
where
    Q: DeserializeOwned + Send + 'static,
    S: Serialize + Send + 'static,
    H: Fn(Ctx<Worker>, Q) -> F + Send + Sync + 'static,
    F: Future<Output = Result<S, kernel::Error>> + Send + 'static,
{
    Row::new(call.spec.id, Trigger::Call(call.spec), HTTP_TIMEOUT_S, handler::call(handler))
}

/// Works through messages of a private queue. Each may come twice, and comes back where the handler
/// fails; the row it is about is what counts.
pub fn job<D, H, F>(id: &'static str, handler: H) -> Row
where
    D: DeserializeOwned + Send + 'static,
    H: Fn(Ctx<System>, D) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), kernel::Error>> + Send + 'static,
{
    Row::new(id, Trigger::Job, LISTENER_TIMEOUT_S, handler::job(handler))
}

/// Serves the command: work of an operator, through Lambda's `Invoke`, never routed.
pub fn operate<Q, S, H, F>(operation: &interface::Operation<Q, S>, handler: H) -> Row
where
    Q: DeserializeOwned + Send + 'static,
    S: Serialize + Send + 'static,
    H: Fn(Ctx<Operator>, Q) -> F + Send + Sync + 'static,
    F: Future<Output = Result<S, kernel::Error>> + Send + 'static,
{
    let (spec, entry) = (operation.spec, handler::operator(handler));
    let row = Row::new(spec.id, Trigger::Operator(spec), LISTENER_TIMEOUT_S, entry);
    if spec.pages { row.opens([CURSOR_SEAL]) } else { row }
}

/// Runs on a schedule.
pub fn every<H, F>(id: &'static str, expression: &'static str, handler: H) -> Row
where
    H: Fn(Ctx<System>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), kernel::Error>> + Send + 'static,
{
    Row::new(id, Trigger::Schedule(expression), SCHEDULE_TIMEOUT_S, handler::schedule(handler))
}

/// Reads a table's stream: the records that `births` selects.
pub fn stream<H, F>(id: &'static str, table: Table, births: Births, handler: H) -> Row
where
    H: Fn(Ctx<System>, Vec<Record>) -> F + Send + Sync + 'static,
    F: Future<Output = Vec<String>> + Send + 'static,
{
    let trigger = Trigger::Stream { table, births };
    Row::new(id, trigger, SCHEDULE_TIMEOUT_S, handler::stream(handler))
}

/// Gathers evidence for the HTTP APIs.
pub fn authorize<H, F>(id: &'static str, handler: H) -> Row
where
    H: Fn(Ctx<System>, Inquiry) -> F + Send + Sync + 'static,
    F: Future<Output = Evidence> + Send + 'static,
{
    Row::new(id, Trigger::Authorizer, HTTP_TIMEOUT_S, handler::authorizer(handler))
}

/// Serves a route of the WebSocket API: `$connect`, `$disconnect`, `$default` or an action.
pub fn socket<H, F>(id: &'static str, route: &'static str, handler: H) -> Row
where
    H: Fn(Ctx<System>, Frame) -> F + Send + Sync + 'static,
    F: Future<Output = Result<FrameReply, kernel::Error>> + Send + 'static,
{
    Row::new(id, Trigger::Socket(route), HTTP_TIMEOUT_S, handler::socket(handler))
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
    /// What joins its own transactions when it announces an event.
    pub reactors: Vec<Reactor>,
    /// How it hands over mail, where it does.
    pub mail: Option<Connect>,
    /// The settings it alone needs.
    pub settings: Arc<Settings>,
}

impl Module {
    /// A module of the given rows.
    pub fn new<const N: usize>(
        name: &'static str,
        group: Group,
        purpose: &'static str,
        rows: [Row; N],
    ) -> Self {
        let (tables, rows, reactors) = (Vec::new(), rows.into(), Vec::new());
        let settings = Arc::default();
        Self { name, group, purpose, tables, rows, reactors, mail: None, settings }
    }

    /// Owns these tables.
    pub fn owns<const N: usize>(mut self, tables: [Table; N]) -> Self {
        self.tables.extend(tables);
        self
    }

    /// Reacts to its own events inside the transaction that announces them.
    pub fn reacts<const N: usize>(mut self, reactors: [Reactor; N]) -> Self {
        self.reactors.extend(reactors);
        self
    }

    /// Hands over mail through this adapter.
    pub fn mails_through(mut self, connect: Connect) -> Self {
        self.mail = Some(connect);
        self
    }

    /// Needs these settings: the `SETTINGS` of its [`settings!`](crate::settings) table.
    pub fn settings(mut self, declared: &[SettingSpec]) -> Self {
        self.settings = Arc::new(Settings::of(declared));
        self
    }

    /// With the values of its settings; refuses one that is malformed, by its name.
    pub fn configured(self, variables: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let settings = Arc::new(self.settings.read(variables)?);
        Ok(Self { settings, ..self })
    }

    /// The entry of this id.
    pub fn row(&self, id: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.id == id)
    }
}
