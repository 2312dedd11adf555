//! One HTTP call: from the gateway's event to the answer.

mod admission;
pub(crate) mod context;
mod form;
mod pipeline;
mod problem;
mod request;
mod served;
pub(crate) mod wire;

pub(crate) use pipeline::serve;
pub use problem::{schema as problem_schema, wire as on_wire};
