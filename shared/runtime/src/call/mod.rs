//! One call: what its handler is given, and what the handler answers.

pub mod access;
pub(crate) mod answer;
pub mod authorizer;
pub mod caller;
pub(crate) mod cause;
pub(crate) mod ctx;
pub(crate) mod delivery;
pub(crate) mod event;
mod job;
pub mod page;
pub(crate) mod parameters;
pub(crate) mod policies;
pub(crate) mod precondition;
pub(crate) mod refused;
pub(crate) mod reply;
pub mod socket;
pub mod stream;
pub(crate) mod typed;
