//! Counting wrong answers. A place is taken *before* an answer is looked at and given back when it
//! was right, so that parallel guesses cannot pass the bound.

use std::time::Duration;

use kernel::Timestamp;

/// Wrong answers that may be evaluated in one window.
pub const BOUND: u32 = 10;

/// The window, from the first place taken in it.
pub const WINDOW: Duration = Duration::from_secs(900);

/// Wrong answers in a row after which passwords are refused until a reset.
pub const CONSECUTIVE_BOUND: u32 = 100;

/// The first pause; each further one is twice as long.
const FIRST_PAUSE_S: u64 = 60;

/// The longest pause.
const LONGEST_PAUSE_S: u64 = 3600;

/// The counter of one account, device or second factor, as stored. An absent row is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// Places taken in this window.
    pub taken: u32,
    /// When the window began.
    pub window_started_at: Timestamp,
    /// Places taken since the last right answer.
    pub consecutive: u32,
    /// Pauses since the last right answer.
    pub pauses: u32,
    /// The end of the pause, if there was one.
    pub closed_until: Option<Timestamp>,
}

/// Why no place is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Too many wrong answers in a row: only a reset opens the counter.
    UntilReset,
    /// A pause.
    Paused,
    /// Every place of the window is taken by answers that are being evaluated.
    Full,
}

impl Failures {
    /// Takes a place: the counter to store before the answer is looked at, or why there is none.
    ///
    /// A refused answer takes no place, so that an attacker cannot keep a counter closed from
    /// within a pause.
    pub fn reserve(self, now: Timestamp) -> Result<Self, Closed> {
        if self.consecutive >= CONSECUTIVE_BOUND {
            return Err(Closed::UntilReset);
        }
        if self.closed_until.is_some_and(|until| now < until) {
            return Err(Closed::Paused);
        }
        let in_window = self.taken > 0 && now < self.window_started_at.plus(WINDOW);
        let (taken, window_started_at) =
            if in_window { (self.taken, self.window_started_at) } else { (0, now) };
        if taken >= BOUND {
            return Err(Closed::Full);
        }
        Ok(Self { taken: taken + 1, window_started_at, consecutive: self.consecutive + 1, ..self })
    }

    /// Gives the place back after a right answer, which also ends the row of wrong ones. A pause
    /// that others caused meanwhile stays.
    pub fn refund(self) -> Self {
        Self { taken: self.taken.saturating_sub(1), consecutive: 0, pauses: 0, ..self }
    }

    /// After a wrong answer: the counter to store if this place was the last one, so that exactly
    /// one answer closes it. `None` while places are left.
    pub fn close_if_last(self, now: Timestamp) -> Option<Self> {
        if self.taken < BOUND && self.consecutive < CONSECUTIVE_BOUND {
            return None;
        }
        let doubled = FIRST_PAUSE_S.checked_shl(self.pauses).unwrap_or(LONGEST_PAUSE_S);
        let pause = Duration::from_secs(doubled.clamp(FIRST_PAUSE_S, LONGEST_PAUSE_S));
        Some(Self {
            taken: 0,
            closed_until: Some(now.plus(pause)),
            pauses: self.pauses.saturating_add(1),
            ..self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_000_000);

    fn after(seconds: u64) -> Timestamp {
        START.plus(Duration::from_secs(seconds))
    }

    /// One wrong answer: the counter afterwards, and whether it was evaluated.
    fn fail(counter: Failures, now: Timestamp) -> (Failures, bool) {
        match counter.reserve(now) {
            Ok(reserved) => (reserved.close_if_last(now).unwrap_or(reserved), true),
            Err(_) => (counter, false),
        }
    }

    #[test]
    fn of_200_parallel_guesses_at_most_ten_are_evaluated() {
        let mut counter = Failures::default();
        let evaluated: Vec<Failures> = (0..200)
            .filter_map(|_| counter.reserve(START).ok().inspect(|reserved| counter = *reserved))
            .collect();
        assert_eq!(evaluated.len(), 10);
        let closings = evaluated.iter().filter(|place| place.close_if_last(START).is_some());
        assert_eq!(closings.count(), 1);
        assert_eq!(counter.reserve(after(899)), Err(Closed::Full));
        assert!(counter.reserve(after(900)).is_ok());
    }

    #[test]
    fn ten_wrong_answers_close_for_a_minute_then_twice_as_long_up_to_an_hour() {
        let mut counter = Failures::default();
        let mut now = START;
        for expected_pause_s in [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600] {
            for _ in 0..10 {
                let (next, evaluated) = fail(counter, now);
                assert!(evaluated);
                counter = next;
            }
            let pause = Duration::from_secs(expected_pause_s);
            assert_eq!(counter.closed_until, Some(now.plus(pause)));
            let last_moment = now.plus(pause).minus(Duration::from_millis(1));
            assert_eq!(counter.reserve(last_moment), Err(Closed::Paused));
            now = now.plus(pause);
        }
    }

    #[test]
    fn a_hundred_wrong_answers_in_a_row_close_until_a_reset() {
        let mut counter = Failures::default();
        let mut now = START;
        let mut evaluated = 0;
        for _ in 0..100_000 {
            let (next, was_evaluated) = fail(counter, now);
            evaluated += u32::from(was_evaluated);
            counter = next;
            now = now.plus(Duration::from_secs(60));
        }
        assert_eq!(evaluated, CONSECUTIVE_BOUND);
        assert_eq!(counter.reserve(now), Err(Closed::UntilReset));
    }

    #[test]
    fn a_window_ends_900_seconds_after_its_first_place() {
        let mut counter = Failures::default();
        for second in 0..9 {
            counter = fail(counter, after(second)).0;
        }
        assert_eq!(counter.taken, 9);
        assert_eq!(fail(counter, after(899)).0.closed_until, Some(after(959)));
        assert_eq!(fail(counter, after(900)).0.taken, 1);
    }

    #[test]
    fn a_right_answer_gives_its_own_place_back_and_ends_the_row() {
        let mut counter = Failures { pauses: 3, ..Failures::default() };
        for _ in 0..9 {
            counter = fail(counter, START).0;
        }
        let right = counter.reserve(START).unwrap();
        let refunded = right.refund();
        assert_eq!((refunded.taken, refunded.consecutive, refunded.pauses), (9, 0, 0));
        assert!(fail(refunded, START).1);
    }

    #[test]
    fn a_right_answer_does_not_end_a_pause_caused_by_others() {
        let mut counter = Failures::default();
        for _ in 0..10 {
            counter = fail(counter, START).0;
        }
        assert_eq!(counter.refund().reserve(after(59)), Err(Closed::Paused));
        assert!(counter.refund().reserve(after(60)).is_ok());
    }

    #[test]
    fn answers_during_a_pause_do_not_prolong_it() {
        let mut counter = Failures::default();
        for _ in 0..10 {
            counter = fail(counter, START).0;
        }
        let closed = counter;
        for second in 0..60 {
            let (next, evaluated) = fail(counter, after(second));
            assert!(!evaluated);
            counter = next;
        }
        assert_eq!(counter, closed);
    }
}
