//! What stands around the rows outside the program: queues, topics and filters, what a stage changes
//! about them, and what all modules together say about events.

mod acting;
mod backbone;
mod grants;
mod lane;
mod stages;

pub use acting::rows as acting;
pub use backbone::subscribe;
pub use grants::{Grants, QueueGrant, READS, TableGrant, WRITES};
pub(crate) use lane::queues_of;
pub use lane::{
    Feed, JOB_CONCURRENCY, JOB_RECEIVES, Lane, LaneError, RETENTION_S, Staged, Topic, job_batch,
    queue_names,
};
pub use stages::{STAGES, Tuning};

pub use crate::ports::name::resource_name;
