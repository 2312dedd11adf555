//! The list of all modules: the one place that imports every one of them.

use runtime::Module;

macro_rules! modules {
    ($($module:ident)+) => {
        fn listed() -> Vec<Module> {
            vec![$($module::module()),+]
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

/// Every module, in alphabetical order.
pub fn modules() -> Vec<Module> {
    runtime::wiring::subscribe(listed())
}
