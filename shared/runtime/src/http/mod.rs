//! One HTTP call: from the gateway's event to the answer.

mod admission;
pub mod context;
pub mod decode;
mod form;
mod node;
mod pipeline;
mod problem;
mod request;

pub(crate) use pipeline::{Served, serve};
pub use problem::{schema as problem_schema, wire as on_wire};
