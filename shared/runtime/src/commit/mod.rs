//! The one way to change state: everything that has to be true together, in one transaction.

pub(crate) mod announcement;
mod audit;
pub(crate) mod builder;
pub(crate) mod deed;
pub mod schedule;
pub(crate) mod transaction;
