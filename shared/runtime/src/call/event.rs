//! What a listener is given, and what it says became of it.

use interface::Envelope;

/// One event, with its data as the listener's type.
#[derive(Clone, Debug)]
pub struct Received<D> {
    pub envelope: Envelope,
    pub data: D,
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Handled. The inbox row was written with the effect, or is written now.
    Done,
    /// Needs no work, for this reason; not a failure.
    Skip(&'static str),
    /// Could not be handled now; counts as an attempt.
    Retry(&'static str),
    /// Can never be handled: no further attempt.
    Permanent(&'static str),
    /// Has to wait this many seconds for something else; not an attempt.
    Wait { seconds: u32, code: &'static str },
}
