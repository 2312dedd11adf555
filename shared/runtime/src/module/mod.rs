//! What a module says of itself: the table of its entry points, what starts each, what each may touch.

pub(crate) mod collect;
pub(crate) mod collecting;
pub(crate) mod function;
pub(crate) mod handler;
pub(crate) mod listening;
pub(crate) mod reactor;
pub(crate) mod row;
pub(crate) mod table;
mod words;

pub use collect::{COLLECTOR, collect, collector};
pub use listening::{Debounce, Exhausted, Listening};
pub use reactor::{Reactor, react};
pub use row::{ArchiveUse, HASHING_MEMORY_MB};
pub use table::{
    answer, authorize, every, job, listen, listen_all, operate, serve, socket, stream,
};

pub use crate::ports::cadence::Cadence;
