//! The list of all modules: the one place that imports every one of them.

use runtime::Module;

/// Every module, in alphabetical order.
pub fn modules() -> Vec<Module> {
    let modules = vec![
        auth::module(),
        gateway::module(),
        notification::module(),
        platform::module(),
        profile::module(),
    ];
    runtime::wiring::subscribe(modules)
}
