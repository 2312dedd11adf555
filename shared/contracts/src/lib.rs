//! Every HTTP endpoint: method, path, access, types and the documentation customers read.
//!
//! A module's contracts are one [`endpoints!`] table. The doc comment of an entry is the public API
//! text; the types of an entry give its JSON Schemas and are what the handler must take and return.
//! What it refuses with is its [`problems!`] table; the typed calls it answers and the operations it
//! serves are [`calls!`] and [`operations!`]. It has those it needs. What an endpoint is stands in
//! [`interface`], whose words are used from here.

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
pub use kernel::problems;

use interface::operation::OperationSpec;
use kernel::Problem;

/// Gathers what each of these modules declares. Names of the module's own tables come before those
/// declared here, so that a module is not asked for a table it does not have.
macro_rules! modules {
    ($($module:ident)+) => {
        const ENDPOINTS: &[&[Spec]] = &[$({
            #[allow(unused_imports, reason = "a module need not have every table")]
            use self::$module::*;
            SPECS
        }),+];

        fn describe_all(book: &mut Book) {
            $({
                #[allow(unused_imports, reason = "a module need not have every table")]
                use self::$module::*;
                describe(book);
                describe_calls(book);
                book.operations.extend(OPERATIONS);
                book.problems.extend(PROBLEMS);
            })+
        }
    };
}

modules! {
    auth
    gateway
    notification
    platform
    profile
}

// What a module has where it declares nothing.
const SPECS: &[Spec] = &[];
const OPERATIONS: &[OperationSpec] = &[];
const PROBLEMS: &[&Problem] = &[];
fn describe(_: &mut Book) {}
fn describe_calls(_: &mut Book) {}

/// The endpoint behind a route of the gateway, such as `GET /v1/profile`; `None` for a route that no
/// contract declares.
pub fn route(route_key: &str) -> Option<&'static Spec> {
    ENDPOINTS.iter().copied().flatten().find(|spec| spec.serves(route_key))
}

/// Every contract of every module.
pub fn book() -> Book {
    Book::of(describe_all)
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
    fn a_code_is_the_name_of_one_problem() {
        let book = book();
        let mut codes: Vec<&str> = book.problems.iter().map(|one| one.code()).collect();
        codes.sort_unstable();
        assert!(codes.contains(&"not_found") && codes.contains(&"email_not_verified"));
        assert!(codes.windows(2).all(|pair| pair[0] != pair[1]), "{codes:?}");
    }

    #[test]
    fn what_no_contract_declares_is_no_route() {
        for key in ["", "GET", "GET /v1/unheard/of", "PUT /v1/auth/login", "GET $default"] {
            assert!(route(key).is_none(), "{key}");
        }
    }
}
