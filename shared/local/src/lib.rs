//! The local cloud: gateway, embedded engine, queues, topics, schedules, mail and faults.
//! Real AWS SDK clients work unmodified against it, in-process and over a loopback port.

pub mod aws;
pub mod boot;
pub mod clock;
pub mod connector;
pub mod fault;
pub mod gateway;
pub mod lambda;
pub mod mail;
pub mod mapping;
pub mod platform;
pub mod schedule;
pub mod seed;

mod cloud;
mod state;
mod told;

#[cfg(test)]
mod echo;
#[cfg(test)]
mod kill_tests;
#[cfg(test)]
mod testing;

pub use boot::{BootError, Options};
pub use cloud::{Cloud, OpenError, Storage};
pub use platform::Platform;
pub use told::Told;
