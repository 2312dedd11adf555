//! Every HTTP endpoint: method, path, access, types and the documentation customers read.
//!
//! A module's contracts are one [`endpoints!`] table. The doc comment of an entry is the public API
//! text; the types of an entry give its JSON Schemas and are what the handler must take and return.

pub mod access;
pub mod auth;
pub mod book;
pub mod call;
pub mod endpoint;
pub mod gateway;
pub mod notification;
pub mod operation;
pub mod platform;
pub mod profile;

pub use access::Access;
pub use book::Book;
pub use call::Call;
pub use endpoint::{
    Endpoint, Granted, Idempotency, Media, Method, Open, Own, Precondition, Public, Rate, Spec,
    Success,
};
pub use operation::Operation;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A request without parameters.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// An answer without a body.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
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

/// The endpoint behind a route of the gateway, such as `GET /v1/profile`; `None` for a route that no
/// contract declares.
pub fn route(route_key: &str) -> Option<&'static Spec> {
    let modules = [auth::SPECS, gateway::SPECS, notification::SPECS, profile::SPECS];
    modules.into_iter().flatten().find(|spec| spec.serves(route_key))
}

fn describe(book: &mut Book) {
    auth::describe(book);
    auth::describe_calls(book);
    gateway::describe(book);
    notification::describe(book);
    profile::describe(book);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_leads_to_its_own_contract() {
        for page in Book::read().pages {
            let spec = page.spec;
            for path in [spec.path].iter().chain(spec.aliases) {
                let key = match spec.path {
                    "$default" => (*path).to_owned(),
                    _ => format!("{} {path}", spec.method.as_str()),
                };
                assert_eq!(route(&key).map(|found| found.id), Some(spec.id), "{key}");
            }
        }
    }

    #[test]
    fn what_no_contract_declares_is_no_route() {
        for key in ["", "GET", "GET /v1/unheard/of", "PUT /v1/auth/login", "GET $default"] {
            assert!(route(key).is_none(), "{key}");
        }
    }
}
