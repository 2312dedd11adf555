//! The counters of an inbox: a log numbered 1, 2, 3 … without holes, two marks, and the exceptions
//! to them. Nothing is counted up or down; every figure is computed from the marks.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

/// Items an inbox holds; older ones leave.
pub const WINDOW: u64 = 1_000;
/// Whole days an item is kept after the day it came.
const KEPT_DAYS: i64 = 90;
const DAY_S: i64 = 24 * 3600;

/// The state of one inbox. Numbers below `oldest_seq` are gone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Inbox {
    last_seq: u64,
    oldest_seq: u64,
    seen_upto: u64,
    read_upto: u64,
    /// Read, though above `b` (see [`Inbox::counters`]); never holds others.
    read_set: BTreeSet<u64>,
    /// Unread, though from `oldest_seq` to `b`; never holds others.
    unread_set: BTreeSet<u64>,
    archived_set: BTreeSet<u64>,
    /// When the items of each day leave, oldest day first.
    days: Vec<Day>,
}

/// The items that came on one UTC day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct Day {
    first_seq: u64,
    /// Unix seconds.
    expires_at: i64,
}

/// The figures people see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters {
    pub last_seq: u64,
    pub unseen: u64,
    pub unread: u64,
    pub seen_upto: u64,
    pub read_upto: u64,
}

/// An item that was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added {
    pub seq: u64,
    /// When it leaves, in Unix seconds.
    pub expires_at: i64,
}

/// Which items are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// All that are not archived.
    Current,
    Unread,
    Archived,
}

/// Why an item cannot be changed so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no such item, or it left.
    Unknown,
    /// Archived items are read: ask for one of both.
    UnreadInArchive,
}

impl Inbox {
    /// The inbox before its first item.
    pub fn empty() -> Self {
        Self {
            last_seq: 0,
            oldest_seq: 1,
            seen_upto: 0,
            read_upto: 0,
            read_set: BTreeSet::new(),
            unread_set: BTreeSet::new(),
            archived_set: BTreeSet::new(),
            days: Vec::new(),
        }
    }

    /// The inbox as of now: items whose time is over are gone.
    pub fn aged(mut self, now: Timestamp) -> Self {
        let over = self.days.iter().take_while(|day| day.expires_at <= now.seconds()).count();
        if over > 0 {
            self.days.drain(..over);
            let oldest = self.days.first().map_or(self.last_seq + 1, |day| day.first_seq);
            self.forget_below(oldest);
        }
        self
    }

    /// Adds an item; the oldest leaves where the window is full.
    pub fn add(&mut self, now: Timestamp) -> Added {
        let seq = self.last_seq + 1;
        self.last_seq = seq;
        let expires_at = (now.seconds().div_euclid(DAY_S) + 1 + KEPT_DAYS) * DAY_S;
        let expires_at = match self.days.last() {
            // A clock that ran back must not let a later item leave earlier.
            Some(day) if day.expires_at >= expires_at => day.expires_at,
            _ => {
                self.days.push(Day { first_seq: seq, expires_at });
                expires_at
            }
        };
        self.forget_below((seq + 1).saturating_sub(WINDOW));
        Added { seq, expires_at }
    }

    /// Every item up to this one was seen. A number below the mark changes nothing.
    pub fn see_upto(&mut self, seq: u64) {
        self.seen_upto = self.seen_upto.max(seq.min(self.last_seq));
    }

    /// Every item up to this one was read, also those marked unread. A number below the mark
    /// changes nothing.
    pub fn read_upto(&mut self, seq: u64) {
        let seq = seq.min(self.last_seq);
        if seq >= self.read_upto {
            self.read_upto = seq;
            self.read_set = self.read_set.split_off(&(seq + 1));
            self.unread_set = self.unread_set.split_off(&(seq + 1));
        }
    }

    /// Reads or unreads an item, archives it or brings it back; what is not named stays.
    pub fn change(
        &mut self,
        seq: u64,
        read: Option<bool>,
        archived: Option<bool>,
    ) -> Result<(), Refused> {
        if !self.numbers().contains(&seq) {
            return Err(Refused::Unknown);
        }
        match (read, archived) {
            (Some(false), Some(true)) => return Err(Refused::UnreadInArchive),
            (_, Some(true)) => {
                self.archived_set.insert(seq);
                self.set_read(seq, true);
            }
            (Some(false), _) => {
                self.archived_set.remove(&seq);
                self.set_read(seq, false);
            }
            (read, archived) => {
                if archived == Some(false) {
                    self.archived_set.remove(&seq);
                }
                if read == Some(true) {
                    self.set_read(seq, true);
                }
            }
        }
        Ok(())
    }

    /// The counters:
    /// `unseen = last − max(seen_upto, oldest − 1)`,
    /// `unread = last − b − |{x ∈ read_set, x > b}| + |{x ∈ unread_set, oldest ≤ x ≤ b}|`
    /// with `b = max(read_upto, oldest − 1)`.
    pub fn counters(&self) -> Counters {
        let (last_seq, gone) = (self.last_seq, self.oldest_seq - 1);
        let read = self.base() + count(&self.read_set);
        Counters {
            last_seq,
            unseen: last_seq.saturating_sub(self.seen_upto.max(gone)),
            unread: (last_seq + count(&self.unread_set)).saturating_sub(read),
            seen_upto: self.seen_upto,
            read_upto: self.read_upto,
        }
    }

    /// Whether the item was read.
    pub fn is_read(&self, seq: u64) -> bool {
        if seq <= self.base() {
            !self.unread_set.contains(&seq)
        } else {
            self.read_set.contains(&seq)
        }
    }

    /// Whether the item was archived.
    pub fn is_archived(&self, seq: u64) -> bool {
        self.archived_set.contains(&seq)
    }

    /// The numbers of one page, newest first, and whether older ones fit the filter too.
    pub fn page(&self, filter: Filter, before: Option<u64>, limit: usize) -> (Vec<u64>, bool) {
        let fits = |seq: &u64| match filter {
            Filter::Current => !self.is_archived(*seq),
            Filter::Unread => !self.is_read(*seq),
            Filter::Archived => self.is_archived(*seq),
        };
        let numbers = self.numbers().rev().filter(|seq| before.is_none_or(|before| *seq < before));
        let mut found: Vec<u64> = numbers.filter(fits).take(limit + 1).collect();
        let more = found.len() > limit;
        found.truncate(limit);
        (found, more)
    }

    /// The items that are there.
    fn numbers(&self) -> RangeInclusive<u64> {
        self.oldest_seq..=self.last_seq
    }

    /// Up to here everything is read, except what the unread set names.
    fn base(&self) -> u64 {
        self.read_upto.max(self.oldest_seq - 1)
    }

    fn set_read(&mut self, seq: u64, read: bool) {
        match (seq <= self.base(), read) {
            (true, true) => self.unread_set.remove(&seq),
            (true, false) => self.unread_set.insert(seq),
            (false, true) => self.read_set.insert(seq),
            (false, false) => self.read_set.remove(&seq),
        };
    }

    fn forget_below(&mut self, oldest: u64) {
        if oldest <= self.oldest_seq {
            return;
        }
        self.oldest_seq = oldest;
        for set in [&mut self.read_set, &mut self.unread_set, &mut self.archived_set] {
            *set = set.split_off(&oldest);
        }
        // A day is over when the next one starts at or below the oldest item.
        while self.days.get(1).is_some_and(|next| next.first_seq <= oldest) {
            self.days.remove(0);
        }
    }
}

fn count(set: &BTreeSet<u64>) -> u64 {
    u64::try_from(set.len()).unwrap_or(u64::MAX)
}
