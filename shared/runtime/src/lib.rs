//! The module table, the call pipeline, the context of a call, event batches and the Lambda entry.
//!
//! Data walks one way: an event comes in at [`function::Function::invoke`], an entry's handler is run
//! with a [`Ctx`] by the pipeline of its kind, and what the handler commits goes through [`commit`].

pub mod access;
mod announcement;
mod answer;
mod audit;
pub mod authorizer;
pub mod backbone;
mod background;
pub mod cache;
mod call;
pub mod caller;
mod cause;
pub mod clock;
pub mod collect;
mod commit;
pub mod config;
mod ctx;
pub mod dead_letters;
mod depth;
pub mod digest;
mod entry;
mod event;
pub mod function;
pub mod http;
mod listener;
mod listening;
pub mod log;
pub mod mail;
pub mod module;
pub mod operate;
mod operator;
pub mod page;
pub mod ports;
mod precondition;
pub mod rate;
mod reactor;
pub mod redelivery;
mod refused;
pub mod relay;
mod reply;
mod row;
mod run;
pub mod schedule;
pub mod secrets;
pub mod settings;
pub mod socket;
pub mod stages;
pub mod stream;
mod trust;
mod wire;
pub mod wiring;

pub use caller::{
    Anonymous, Caller, Guest, InTenant, Operator, Principal, PrincipalKind, System, User, Worker,
};
pub use commit::{Commit, Uncommitted};
pub use config::Config;
pub use ctx::{Ctx, Remote};
pub use event::{Outcome, Received};
pub use function::{Function, Meta};
pub use module::{Group, Module, Row, Trigger};
pub use operator::Deed;
pub use ports::{Ports, Surroundings};
pub use reactor::Reacting;
pub use reply::Reply;
pub use run::run;
pub use schedule::Timer;
pub use wire::preflight;
