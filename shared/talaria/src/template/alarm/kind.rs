//! The kinds of alarms, as the documents describe them.

/// One kind of alarm.
pub struct Kind {
    pub name: &'static str,
    pub threshold: &'static str,
    pub meaning: &'static str,
    pub action: &'static str,
}

/// Answers of our own fault.
pub const FAULTS: Kind = Kind {
    name: "faults",
    threshold: "more than 1 % of at least 50 calls a minute",
    meaning: "Calls of the module are answered with a 5xx status.",
    action: "Search the module's log groups for `level` `error`; the lines name the cause.",
};
/// Crashes.
pub const CRASHES: Kind = Kind {
    name: "crashes",
    threshold: "any",
    meaning: "Functions ended without an answer: a crash, a timeout, or a start that was refused. \
              Handled failures are answers and never count here.",
    action: "Look for `refused to start`, `panicked` or a timeout report in the function's log group.",
};
/// Messages nobody could handle.
pub const DEAD_LETTERS: Kind = Kind {
    name: "dead-letters",
    threshold: "any visible message",
    meaning: "A listener gave up on an event. A message without attribute `cause` means a crash.",
    action: "Read the message's `error_code`, mend the cause, send the event again: \
             docs/runbooks/dead-letters.md.",
};
/// Listeners that fall behind.
pub const BEHIND: Kind = Kind {
    name: "behind",
    threshold: "oldest message older than twice the listener's whole back-off; urgent lanes 60 s",
    meaning: "A listener does not keep up, or every attempt fails.",
    action: "Compare `ListenerFailed` with `ListenerHandled`; raise the concurrency if nothing fails.",
};
/// Throttled tables.
pub const THROTTLED: Kind = Kind {
    name: "throttled",
    threshold: "any throttled request for 5 minutes",
    meaning: "A table or a partition of it takes no more requests.",
    action: "Find the hot key in CloudWatch Contributor Insights.",
};
/// Streams that fall behind.
pub const STREAM_BEHIND: Kind = Kind {
    name: "stream-behind",
    threshold: "iterator older than 60 s",
    meaning: "The reader of a stream falls behind; events arrive by the sweeper, a minute late.",
    action: "Look for errors of the reader in its log group: docs/runbooks/outbox.md.",
};

/// An archive that falls behind.
pub const ARCHIVE_BEHIND: Kind = Kind {
    name: "archive-behind",
    threshold: "iterator older than an hour",
    meaning: "The archive of published events falls behind. What the stream forgets, after 24 \
              hours, is missing in it; the events themselves are not affected.",
    action: "Look for `error` lines of the function in its log group: docs/operations.md.",
};
/// Events a topic could not hand over.
pub const DELIVERY: Kind = Kind {
    name: "delivery",
    threshold: "any failed delivery of a topic",
    meaning: "A topic could not hand an event over to a queue: its policy or its key is wrong, or the \
              queue is gone.",
    action: "Mend the queue; what was not handed over is in the listener's dead-letter queue, or can be \
             replayed: docs/operations.md.",
};
/// Invocations nobody could hand over.
pub const UNDELIVERED: Kind = Kind {
    name: "undelivered",
    threshold: "any visible message",
    meaning: "A scheduled run or a batch of a stream was given up. The next run, or the sweeper, does \
              its work; what is in queue `undelivered-dlq` says which function it was for.",
    action: "Read the message, look at the function's log, delete the message: \
             docs/runbooks/undelivered.md.",
};

/// Every kind of alarm that is generated.
pub const KINDS: &[&Kind] = &[
    &FAULTS,
    &CRASHES,
    &DEAD_LETTERS,
    &BEHIND,
    &THROTTLED,
    &STREAM_BEHIND,
    &ARCHIVE_BEHIND,
    &DELIVERY,
    &UNDELIVERED,
];
