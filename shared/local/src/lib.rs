//! The local cloud: gateway, embedded engine, queues, topics, schedules, mail and faults.
//! Real AWS SDK clients work unmodified against it, in-process and over a loopback port.

pub mod aws;
pub mod clock;
pub mod connector;
pub mod fault;
pub mod mapping;

mod cloud;
mod state;

#[cfg(test)]
mod kill_tests;
#[cfg(test)]
mod testing;

pub use cloud::{Cloud, OpenError, Storage};
