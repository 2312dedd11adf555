//! Money, typed ids, time, pages, permissions and the neutral error. No I/O, no async.

pub mod codec;
pub mod cron;
pub mod entity;
pub mod error;
pub mod fault;
pub mod head;
pub mod id;
pub mod json;
pub mod money;
pub mod page;
pub mod permission;
pub mod problem;
pub mod role;
pub mod secret;
pub mod text;
pub mod time;

pub use entity::{EntityKind, EntityRef};
pub use error::{Error, ErrorKind};
pub use fault::{Fault, FaultCode, Refusal};
pub use head::{Head, Reserved};
pub use id::*;
pub use money::{Currency, Money};
pub use page::{Cursor, Limit, List, Page};
pub use permission::{Permission, PermissionSet};
pub use problem::Problem;
pub use role::SystemRole;
pub use secret::Secret;
pub use time::Timestamp;
