//! One function: a row of a module table with its ports, ready to be invoked by Lambda or the local
//! cloud alike.

use std::sync::Arc;

use kernel::Timestamp;
use store::Deadline;

use super::row::Row;
use super::table::Module;
use crate::ports::process::Ports;

/// A function of the platform.
#[derive(Clone)]
pub struct Function {
    pub row: Row,
    pub(crate) module: Arc<Module>,
    pub(crate) ports: Arc<Ports>,
}

/// What the platform says about one invocation.
#[derive(Clone, Debug)]
pub struct Meta {
    /// When the platform ends it.
    pub deadline: Timestamp,
    /// The trace it belongs to.
    pub trace: Option<String>,
    /// Whether it is the first of its process.
    pub cold: bool,
}

/// An invocation that failed as a whole: the platform tries again where its trigger says so.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvocationFailed(pub String);

impl Function {
    /// The function of this row of the module, on these ports.
    pub fn new(module: Arc<Module>, row: Row, ports: Arc<Ports>) -> Self {
        Self { row, module, ports }
    }

    /// The ports of the process.
    pub fn ports(&self) -> &Arc<Ports> {
        &self.ports
    }

    /// When the store gives up for this invocation.
    pub(crate) fn time_left(&self, meta: &Meta) -> Deadline {
        Deadline::after(meta.deadline.since(self.ports.clock.now()))
    }
}
