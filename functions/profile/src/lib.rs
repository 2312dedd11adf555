//! A person's profile, read fast and never stale where it matters.

mod domain;
mod http;
mod store;

use contracts::profile as api;
use events::profile::UPDATED;
use runtime::module::serve;
use runtime::{Group, Module};

use crate::store::keys::PROFILE;

/// The module's table.
pub fn module() -> Module {
    Module::new(
        "profile",
        Group::Identity,
        "A person's profile, read fast and never stale where it matters.",
        [
            serve(&api::GET, http::get::handle).reads([PROFILE]).canary(),
            serve(&api::UPDATE, http::update::handle).writes([PROFILE]).emits([UPDATED.spec]),
            serve(&api::VIEW, http::view::handle).reads([PROFILE]),
        ],
    )
    .owns([PROFILE])
}
