//! The module table, the call pipeline, the context of a call, event batches and the Lambda entry.
//!
//! Data walks one way: an event comes in at [`Function::invoke`], an entry's handler is run with a
//! [`Ctx`] by the pipeline of its kind, and what the handler commits goes through [`Ctx::commit`].
//!
//! The rooms stand one on the other, in the order below: none imports from those after it, and `http`
//! and `events` know nothing of each other. What a commit sets off in later rooms is handed to the call
//! that makes it.

// What a process has: clients, clock, configuration, log, mail, secrets, what it was told of others.
mod ports;

// One call: who calls, with what, why, and what is answered.
mod call;

// The one way to change state: change, events, timers, audit and cause in one transaction.
mod commit;

// What a module says of itself: rows, handlers, listening, reactors.
pub mod module;

// What stands around the rows outside the program: queues, topics, stages, the backbone.
pub mod wiring;

// The pipeline of an HTTP call.
pub mod http;

// The ways of events: relay, listeners, collected batches, redeliveries, due timers, dead letters.
mod events;

// Where invocations come in, and how the command makes some.
mod entry;

pub use call::caller::{
    Anonymous, Caller, Guest, InTenant, Operator, Principal, PrincipalKind, System, User, Worker,
};
pub use call::ctx::{Ctx, Remote};
pub use call::event::{Outcome, Received};
pub use call::reply::Reply;
pub use call::{access, authorizer, page, socket, stream};
pub use commit::builder::Commit;
pub use commit::deed::Deed;
pub use commit::schedule::{self, Timer};
pub use commit::transaction::Uncommitted;
pub use entry::{operate, run};
pub use events::collect::LEASE_LOST;
pub use events::{dead_letters, redelivery, relay};
pub use http::wire::preflight;
pub use module::function::{Function, InvocationFailed, Meta};
pub use module::reactor::Reacting;
pub use module::row::{Row, Trigger};
pub use module::table::{Group, Module};
pub use ports::config::Config;
pub use ports::process::{Ports, Surroundings};
pub use ports::{backbone, cache, clock, config, digest, log, mail, rate, secrets, settings};
