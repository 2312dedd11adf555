//! Starting a platform: from module tables to a cloud in which every declared thing exists.

mod resources;
mod settings;

pub use settings::{Chance, Options};

pub(crate) use resources::{ensure, map};
pub(crate) use settings::{IN_PROCESS_ENDPOINT, variables};

use std::net::SocketAddr;

use crate::OpenError;
use crate::aws::dynamodb::TableError;
use crate::aws::sns::SnsError;
use crate::aws::sqs::SqsError;
use crate::lambda::ProcessesError;
use crate::mail::MailboxError;
use crate::mapping::{InvokeError, MappingError};
use crate::schedule::ScheduleError;

/// Why a platform did not start. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The data folder is in use, of another version, or broken.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Another program has the port.
    #[error("port {port} is in use; stop the program that has it, or choose another with --port")]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// The port cannot be opened for another reason.
    #[error("{address} cannot be listened on: {message}")]
    NoPort {
        /// The address.
        address: SocketAddr,
        /// The system's words.
        message: String,
    },
    /// A setting is missing or malformed.
    #[error(transparent)]
    Setting(#[from] runtime::config::ConfigError),
    /// A table cannot be made, or is stored with other keys.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A queue cannot be made.
    #[error("queue {queue} cannot be made: {error}")]
    Queue {
        /// Queue name.
        queue: String,
        /// Why.
        error: SqsError,
    },
    /// A topic or subscription cannot be made.
    #[error("topic {topic} cannot be set up: {error}")]
    Topic {
        /// Topic name.
        topic: String,
        /// Why.
        error: SnsError,
    },
    /// A listener's declaration would lose events.
    #[error(transparent)]
    Lane(#[from] runtime::wiring::LaneError),
    /// A queue or stream cannot be mapped to its function.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// A schedule's expression is none.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// The stored mails cannot be read.
    #[error(transparent)]
    Mailbox(#[from] MailboxError),
    /// The modules' programs cannot be run.
    #[error(transparent)]
    Processes(#[from] ProcessesError),
    /// A function that makes keys at the first start failed.
    #[error("{function} failed at the start: {error}")]
    FirstRun {
        /// Function id.
        function: &'static str,
        /// Why.
        error: InvokeError,
    },
    /// The first tenants or accounts cannot be written.
    #[error("the first tenants and accounts cannot be written: {0}")]
    Seed(String),
}
