//! One HTTP call: from the gateway's event to the answer.

pub mod context;
pub mod decode;
mod pipeline;
mod problem;
mod request;
mod strict_json;

pub(crate) use pipeline::{Served, serve};
pub use problem::{Catalogued, catalogue, schema as problem_schema};
