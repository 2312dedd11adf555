//! Carries every committed fact to every declared listener.
//!
//! The inline doorbell rings in the committing function itself (`runtime::relay`); here are the two
//! that follow it up, the archive of what was published, the timers (what is announced later, handed
//! out in batches, sent again), and what operators use to see, repeat and skip.

mod archive;
mod domain;
mod job;
mod on;
mod operator;
mod recalling;
mod replaying;
mod resending;
mod schedule;
mod settling;
mod store;
mod stream;
#[cfg(test)]
mod tests;
mod timing;
mod view;

use ::store::{IDEMPOTENCY, INBOX, OUTBOX, PLATFORM};
use contracts::platform as api;
use events::ops::{ACTION_PERFORMED, OUTBOX_STALLED};
use runtime::module::{collector, every, job as works_on, operate, stream as reads_stream};
use runtime::page::CURSOR_SEAL;
use runtime::stream::Births;
use runtime::{Group, Module};

/// Rows one order changes in one transaction: what a transaction takes, less the record of the
/// order and of the action.
const MOST_WRITES: usize = 88;

/// A batch of the archive is up to 6 MB of JSON, held once as it came and once as it is written. Who
/// reads it holds a file compressed and the events of a chunk, and is the sooner done.
const ARCHIVE_MEMORY_MB: u32 = 512;

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
            .publishes()
            .canary(),
            reads_stream(
                "platform.archive_stream",
                OUTBOX,
                Births::Sent,
                stream::archive_stream::handle,
            )
            .archives()
            .memory(ARCHIVE_MEMORY_MB),
            every("platform.relay_sweep", "rate(1 minute)", schedule::relay_sweep::handle)
                .writes([OUTBOX, PLATFORM])
                .emits([OUTBOX_STALLED.spec])
                .publishes(),
            every("platform.on_due", "rate(1 minute)", schedule::on_due::handle)
                .writes([INBOX, OUTBOX, PLATFORM])
                .publishes()
                .sends(),
            every("platform.keep_seal", "cron(5 3 * * ? *)", schedule::keep_seal::handle)
                .keeps([CURSOR_SEAL]),
            works_on("platform.schedule_fire", job::schedule_fire::handle)
                .writes([OUTBOX, PLATFORM])
                .publishes()
                .enqueues(["platform.schedule_fire"]),
            collector(on::scheduled_event::handle),
            works_on("platform.replay_run", job::replay_run::handle)
                .reads([OUTBOX])
                .writes([INBOX, PLATFORM])
                .sends()
                .reads_archive()
                .memory(ARCHIVE_MEMORY_MB)
                .one_at_a_time(),
            operate(&api::EVENT_SHOW, operator::event_show::handle).reads([OUTBOX, INBOX]),
            operate(&api::EVENT_REPLAY, operator::event_replay::handle)
                .writes([INBOX, OUTBOX, PLATFORM, IDEMPOTENCY])
                .emits([ACTION_PERFORMED.spec])
                .sends()
                .clears_dead_letters(),
            operate(&api::REPLAY_START, operator::replay_start::handle)
                .writes([PLATFORM, IDEMPOTENCY])
                .emits([ACTION_PERFORMED.spec])
                .enqueues([replaying::JOB])
                .names_archive(),
            operate(&api::REPLAY_GET, operator::replay_get::handle).reads([PLATFORM]),
            operate(&api::REPLAY_CANCEL, operator::replay_cancel::handle)
                .writes([PLATFORM, IDEMPOTENCY])
                .emits([ACTION_PERFORMED.spec]),
            operate(&api::OUTBOX_LIST, operator::outbox_list::handle).reads([OUTBOX]),
            operate(&api::OUTBOX_RETRY, operator::outbox_retry::handle)
                .writes([OUTBOX, IDEMPOTENCY])
                .emits([ACTION_PERFORMED.spec])
                .max_writes(MOST_WRITES),
            operate(&api::OUTBOX_SKIP, operator::outbox_skip::handle)
                .writes([OUTBOX, IDEMPOTENCY])
                .emits([ACTION_PERFORMED.spec])
                .max_writes(MOST_WRITES),
            operate(&api::LISTENER_LIST, operator::listener_list::handle)
                .reads([INBOX])
                .watches_queues(),
            operate(&api::DLQ_LIST, operator::dlq_list::handle)
                .reads([INBOX])
                .clears_dead_letters(),
            operate(&api::DLQ_RETRY, operator::dlq_retry::handle)
                .reads([OUTBOX])
                .writes([INBOX, PLATFORM, IDEMPOTENCY])
                .emits([ACTION_PERFORMED.spec])
                .sends()
                .clears_dead_letters()
                .max_writes(MOST_WRITES),
            operate(&api::DLQ_SKIP, operator::dlq_skip::handle)
                .reads([OUTBOX])
                .writes([INBOX, PLATFORM, IDEMPOTENCY])
                .emits([ACTION_PERFORMED.spec])
                .sends()
                .clears_dead_letters(),
            operate(&api::SCHEDULE_LIST, operator::schedule_list::handle).reads([PLATFORM]),
            operate(&api::SCHEDULE_RUN, operator::schedule_run::handle)
                .writes([PLATFORM, IDEMPOTENCY])
                .emits([ACTION_PERFORMED.spec]),
            operate(&api::SCHEDULE_CANCEL, operator::schedule_cancel::handle)
                .writes([PLATFORM, IDEMPOTENCY])
                .emits([ACTION_PERFORMED.spec]),
        ],
    )
}
