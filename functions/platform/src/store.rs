//! Where operators look and act: the outbox, what listeners gave up, replays.

pub mod cursors;
pub mod day_index;
pub mod due;
pub mod keys;
pub mod letters;
pub mod outbox;
pub mod replay_row;
pub mod replays;
pub mod timers;
pub mod unpublished;
