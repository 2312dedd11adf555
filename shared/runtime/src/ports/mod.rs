//! What a process has and shares among its calls: clients, clock, configuration, log, mail, secrets,
//! the limiter, and what it was told about the other modules.

pub mod backbone;
pub mod cache;
pub(crate) mod cadence;
pub mod clock;
pub mod config;
pub mod digest;
pub mod log;
pub mod mail;
pub(crate) mod name;
pub(crate) mod process;
pub mod rate;
pub mod secrets;
pub mod settings;
pub(crate) mod trust;
