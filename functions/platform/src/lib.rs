//! Carries every committed fact to every declared listener.
//!
//! The inline doorbell rings in the committing function itself (`runtime::relay`); here are the two
//! that follow it up.

mod schedule;
mod stream;

use ::store::{OUTBOX, PLATFORM};
use runtime::module::{every, stream as reads_stream};
use runtime::stream::Births;
use runtime::{Group, Module};

/// The module's table.
pub fn module() -> Module {
    Module::new(
        "platform",
        Group::Engagement,
        "Carries every committed fact to every declared listener.",
        [
            reads_stream(
                "platform.relay_stream",
                OUTBOX,
                Births::Outbox,
                stream::relay_stream::handle,
            )
            .writes([OUTBOX])
            .publishes(),
            every("platform.relay_sweep", "rate(1 minute)", schedule::relay_sweep::handle)
                .writes([OUTBOX, PLATFORM])
                .publishes(),
        ],
    )
}
