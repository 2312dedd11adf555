//! What the module keeps: accounts, sessions, links, counters of failed sign-ins and signing keys.

pub mod accounts;
pub mod counters;
pub mod keys;
pub mod links;
pub mod sessions;
pub mod signing_keys;

pub use accounts::{Accounts, AddressRow, SubjectRow};
pub use counters::{CounterRow, Counters};
pub use links::{LinkRow, Links};
pub use sessions::{SessionRow, Sessions};
pub use signing_keys::{KeyRow, SigningKeys};
