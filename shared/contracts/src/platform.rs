//! Module `platform`: what operators see of the event backbone, and how they repeat, skip and
//! cancel.
//!
//! Whatever changes something is a dry run until it is confirmed, needs a reason, and is announced
//! as `ops.action.performed`.

mod address;
mod dead_letters;
mod event;
mod outbox;
mod replay;
mod schedule;

pub use address::{EventAddress, NotASchedule, NotAnAddress, Place, ScheduleAddress};
pub use dead_letters::{
    DeadLetter, DeadLetterRetry, DeadLetterSkip, DeadLettersOf, ListenerLine, ListenerList,
};
pub use event::{CausedEvent, EventReplay, EventShow, EventStory, HeardBy};
pub use outbox::{OutboxChoice, OutboxLine, OutboxPart, Unpublished};
pub use replay::{Only, ReplayGet, ReplayStart, ReplayState, ReplayView};
pub use schedule::{ScheduleChoice, ScheduleLine};

use kernel::problem::{NOT_FOUND, STATE_CONFLICT};
use kernel::{List, Page, ReplayId};
use serde::{Deserialize, Serialize};

use crate::{Nothing, Operation};

/// The most ids one order names.
pub const IDS_MAX: usize = 100;

crate::operations! {
    /// Tells the story of one event: its row, its publication, what every listener did with it, and
    /// what it caused.
    EVENT_SHOW: Operation<EventShow, EventStory> =
        Operation::new("platform.event_show").refuses(&[&NOT_FOUND]);

    /// Publishes an event again for everybody, or sends it to one listener again.
    EVENT_REPLAY: Operation<EventReplay, Plan> =
        Operation::new("platform.event_replay")
            .changing()
            .refuses(&[&NOT_FOUND, &STATE_CONFLICT, &NO_RECORD]);

    /// Starts to send a range of a tenant's events to one listener again.
    REPLAY_START: Operation<ReplayStart, Plan> =
        Operation::new("platform.replay_start")
            .changing()
            .refuses(&[&NOT_FOUND, &RANGE_TOO_WIDE, &NO_RECORD, &NO_ARCHIVE, &REPLAY_RUNNING]);

    /// Tells how far a replay is.
    REPLAY_GET: Operation<ReplayGet, ReplayView> =
        Operation::new("platform.replay_get").refuses(&[&NOT_FOUND]);

    /// Ends a replay before its end; what was sent stays sent.
    REPLAY_CANCEL: Operation<ReplayGet, Plan> =
        Operation::new("platform.replay_cancel")
            .changing()
            .refuses(&[&NOT_FOUND]);

    /// Lists events that were given up, or that wait too long to be published.
    OUTBOX_LIST: Operation<List<OutboxPart>, Page<OutboxLine>> =
        Operation::list("platform.outbox_list");

    /// Publishes events that were given up.
    OUTBOX_RETRY: Operation<OutboxChoice, Plan> =
        Operation::new("platform.outbox_retry")
            .changing()
            .refuses(&[&NOT_FAILED, &TOO_MANY_IDS]);

    /// Passes over events that were given up: their aggregates go on without them.
    OUTBOX_SKIP: Operation<OutboxChoice, Plan> =
        Operation::new("platform.outbox_skip")
            .changing()
            .refuses(&[&NOT_FAILED, &TOO_MANY_IDS]);

    /// Lists the listeners with what they gave up and the depth of their queues.
    LISTENER_LIST: Operation<ListenerList, Page<ListenerLine>> =
        Operation::new("platform.listener_list").refuses(&[&NOT_FOUND]);

    /// Lists the events a listener gave up, with their causes, oldest first.
    DLQ_LIST: Operation<List<DeadLettersOf>, Page<DeadLetter>> =
        Operation::list("platform.dlq_list").refuses(&[&NOT_FOUND]);

    /// Gives events a listener gave up to it again.
    DLQ_RETRY: Operation<DeadLetterRetry, Plan> =
        Operation::new("platform.dlq_retry")
            .changing()
            .refuses(&[&NOT_FOUND, &NOT_FAILED, &TOO_MANY_IDS]);

    /// Passes over an event a listener gave up; where it held up its aggregate, later ones go on.
    DLQ_SKIP: Operation<DeadLetterSkip, Plan> =
        Operation::new("platform.dlq_skip")
            .changing()
            .refuses(&[&NOT_FOUND, &NOT_FAILED]);

    /// Lists what is planned for a later time, earliest first.
    SCHEDULE_LIST: Operation<List<Nothing>, Page<ScheduleLine>> =
        Operation::list("platform.schedule_list");

    /// Fires a scheduled event now.
    SCHEDULE_RUN: Operation<ScheduleChoice, Plan> =
        Operation::new("platform.schedule_run")
            .changing()
            .refuses(&[&NOT_FOUND]);

    /// Cancels a scheduled event.
    SCHEDULE_CANCEL: Operation<ScheduleChoice, Plan> =
        Operation::new("platform.schedule_cancel")
            .changing()
            .refuses(&[&NOT_FOUND]);
}

crate::problems! {
    /// The range is too wide.
    RANGE_TOO_WIDE: Validation = "range_too_wide",
        "a range spans at most 31 days: start several replays";
    /// Too many ids at once.
    TOO_MANY_IDS: Validation = "too_many_ids", "name at most 100 events";
    /// It was not given up.
    NOT_FAILED: Conflict = "not_failed",
        "the listener did not give it up, or it was decided before";
    /// A replay of this listener is running.
    REPLAY_RUNNING: Conflict = "replay_running",
        "the listener has a replay of this tenant: wait for its end or cancel it";
    /// Events of this age are kept nowhere.
    NO_ARCHIVE: Conflict = "no_archive", "start the range later, or configure an archive";
    /// What was handled is on record no more.
    NO_RECORD: Conflict = "no_record", "start the range later, or replay all or failed";
}

/// What an order does, or would do.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Plan {
    /// Whether it was done; a dry run only says what would be.
    pub done: bool,
    pub steps: Vec<Step>,
    /// What was asked for and is left alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<PassedOver>,
    /// The replay it starts, or whose inbox row the event is handled under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay_id: Option<ReplayId>,
}

impl Plan {
    /// A plan without steps: done, or to be done.
    pub const fn new(done: bool) -> Self {
        Self { done, steps: Vec::new(), passed_over: Vec::new(), replay_id: None }
    }

    /// Changes this target, in words.
    pub fn step(&mut self, target: impl ToString, change: impl Into<String>) {
        self.steps.push(Step { target: target.to_string(), change: change.into() });
    }

    /// Leaves this target alone, for a reason.
    pub fn leave(&mut self, target: impl ToString, why: impl Into<String>) {
        self.passed_over.push(PassedOver { target: target.to_string(), why: why.into() });
    }

    /// What is changed.
    pub fn targets(&self) -> Vec<String> {
        self.steps.iter().map(|step| step.target.clone()).collect()
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Step {
    /// What is changed.
    pub target: String,
    /// How, in words.
    pub change: String,
}

/// One thing that is left alone.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct PassedOver {
    pub target: String,
    pub why: String,
}
