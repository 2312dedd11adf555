//! What modules say to each other and to clients, as values: the words that contracts and events are
//! declared with, and the envelope an event travels in. What is declared stands in `contracts` and
//! `events`; nothing here knows a single endpoint or event of a module.

pub mod access;
pub mod book;
pub mod call;
pub mod catalogue;
pub mod endpoint;
pub mod envelope;
pub mod event;
pub mod largest;
pub mod operation;
pub mod ops;
pub mod rules;

#[cfg(test)]
mod fixture;

pub use access::Access;
pub use book::Book;
pub use call::Call;
pub use catalogue::Catalogue;
pub use endpoint::{
    Audit, Endpoint, Granted, Idempotency, Media, Method, Open, Own, Precondition, Public, Rate,
    Spec, Success,
};
pub use envelope::{Envelope, EnvelopeError};
pub use event::{Event, EventSpec, Fact, Ordering, Priority};
pub use operation::Operation;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A request without parameters.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// An answer without a body.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct Empty {}

/// Declares the endpoints of a module: constants, and `describe`, which shows them all to the [`Book`].
///
/// A macro, because only a macro can hand a doc comment to the program: the comment is the public
/// documentation.
#[macro_export]
macro_rules! endpoints {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:ty = $endpoint:expr;)+) => {
        $($(#[doc = $doc])+
        pub const $name: $kind = $endpoint.documented(concat!($($doc, "\n"),+));)+

        /// Every endpoint of this module, without its types.
        pub const SPECS: &[$crate::Spec] = &[$($name.spec),+];

        /// Shows every endpoint of this module to the book.
        pub fn describe(book: &mut $crate::Book) {
            $(book.add(&$name);)+
        }
    };
}

/// Declares the typed calls a module answers.
#[macro_export]
macro_rules! calls {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:ty = $call:expr;)+) => {
        $($(#[doc = $doc])+
        pub const $name: $kind = $call.documented(concat!($($doc, "\n"),+));)+

        /// Shows every typed call of this module to the book.
        pub fn describe_calls(book: &mut $crate::Book) {
            $(book.add_call(&$name);)+
        }
    };
}

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
