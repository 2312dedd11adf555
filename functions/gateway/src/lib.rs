//! The platform about itself: status, health, the module registry, the API document, and the routes
//! nobody else has.

mod domain;
mod http;
mod schedule;
mod store;

use ::store::{OUTBOX, PLATFORM};
use contracts::gateway as api;
use events::gateway::{DEGRADED, RECOVERED};
use runtime::module::{every, serve};
use runtime::rate::CELLS;
use runtime::{Group, Module};

/// The module's table.
pub fn module() -> Module {
    Module::new(
        "gateway",
        Group::Identity,
        "Status, health, the module registry and the API document.",
        [
            serve(&api::STATUS, http::status::handle),
            serve(&api::HEALTH, http::health::handle).reads([CELLS]).canary(),
            serve(&api::MODULES, http::modules::handle).reads([CELLS]),
            serve(&api::MODULE, http::module::handle).reads([CELLS]),
            serve(&api::OPENAPI, http::openapi::handle),
            serve(&api::PREFLIGHT, http::preflight::handle),
            serve(&api::FALLBACK, http::fallback::handle),
            every("gateway.health_probe", "rate(1 minute)", schedule::health_probe::handle)
                .reads([OUTBOX])
                .writes([CELLS, PLATFORM])
                .emits([DEGRADED.spec, RECOVERED.spec])
                .watches_queues(),
        ],
    )
    .owns([CELLS])
}
