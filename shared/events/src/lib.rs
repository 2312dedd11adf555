//! Every domain event: name, version, fields and ordering.
//!
//! A module's events are one [`events!`] table. An entry's doc comment is written for the tenant who
//! may receive it; its data type gives the JSON Schema, and `sample` its golden sample.

pub mod alias;
pub mod auth;
pub mod catalogue;
pub mod envelope;
pub mod event;
pub mod gateway;
pub mod largest;
pub mod notification;
pub mod ops;
pub mod profile;
pub mod rules;

#[cfg(test)]
mod fixture;

pub use catalogue::Catalogue;
pub use envelope::{Envelope, EnvelopeError};
pub use event::{Event, EventSpec, Fact, Ordering, Priority};

/// Declares the events of a module: constants, and `describe`, which shows them all to the
/// [`Catalogue`].
///
/// A macro, because only a macro can hand a doc comment to the program: the comment is what tenants
/// read about the event.
#[macro_export]
macro_rules! events {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:ty = $event:expr;)+) => {
        $($(#[doc = $doc])+
        pub const $name: $kind = $event.documented(concat!($($doc, "\n"),+));)+

        /// Shows every event of this module to the catalogue.
        pub fn describe(catalogue: &mut $crate::Catalogue) {
            $(catalogue.add(&$name);)+
        }
    };
}

fn describe(catalogue: &mut Catalogue) {
    auth::describe(catalogue);
    gateway::describe(catalogue);
    notification::describe(catalogue);
    ops::describe(catalogue);
    profile::describe(catalogue);
}
