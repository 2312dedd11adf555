//! Every HTTP endpoint: method, path, access, types and the documentation customers read.
//!
//! A module's contracts are one [`endpoints!`] table. The doc comment of an entry is the public API
//! text; the types of an entry give its JSON Schemas and are what the handler must take and return.
//! What an endpoint is stands in [`interface`], whose words are used from here.

pub mod auth;
pub mod gateway;
pub mod notification;
pub mod platform;
pub mod profile;

pub use interface::{
    Access, Audit, Book, Call, Empty, Endpoint, Granted, Idempotency, Media, Method, Nothing, Open,
    Operation, Own, Precondition, Public, Rate, Spec, Success, access, call, calls, endpoints,
    operation, operations,
};

/// The endpoint behind a route of the gateway, such as `GET /v1/profile`; `None` for a route that no
/// contract declares.
pub fn route(route_key: &str) -> Option<&'static Spec> {
    let modules = [auth::SPECS, gateway::SPECS, notification::SPECS, profile::SPECS];
    modules.into_iter().flatten().find(|spec| spec.serves(route_key))
}

/// Every contract of every module.
pub fn book() -> Book {
    Book::of(describe)
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
        for page in book().pages {
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
