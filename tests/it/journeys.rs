//! What the users of each module do, from the first request to the last.
//!
//! A journey is plain code that uses its module through the front door, on the whole platform with
//! everybody's real module. Each is performed once in a run of the tests, and everything it sets off is
//! recorded: from that, [`derived`](crate::derived) tests every endpoint, listener, typed call, order, schedule
//! and job by itself. So a journey brings each entry of its module to a success at least once, and
//! leaves a story that a reader can follow.

use std::pin::Pin;

use crate::talaria::Talaria;

/// What a journey is: it ends well or panics.
pub type Journey = for<'a> fn(&'a Talaria) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

macro_rules! journeys {
    ($($module:ident),+ $(,)?) => {
        $(mod $module;)+

        /// Every journey by the module it is about.
        pub const ALL: &[(&str, Journey)] =
            &[$((stringify!($module), |talaria| Box::pin($module::journey(talaria)))),+];

        mod told {
            $(#[test]
            fn $module() {
                crate::derived::recording::performed(stringify!($module));
            })+
        }
    };
}

journeys! {
    auth,
    gateway,
    notification,
    platform,
    profile,
}

#[test]
fn every_module_has_its_journey() {
    let modules: Vec<&str> = catalog::modules().iter().map(|module| module.name).collect();
    let journeys: Vec<&str> = ALL.iter().map(|(module, _)| *module).collect();
    let cure = "list it in tests/it/journeys.rs and write tests/it/journeys/<module>.rs";
    assert_eq!(journeys, modules, "{cure}");
}
