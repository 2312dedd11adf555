//! The world outside, as listeners meet it: what goes well, fails for a while, or never works. It is
//! a thread's own, because a run is; nothing in it is part of the product.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use events::Envelope;
use kernel::Timestamp;
use runtime::Outcome;
use serde::{Deserialize, Serialize};

use super::listener;

/// How an event goes at a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum How {
    /// The first so many attempts fail.
    Fails(u32),
    /// The first so many attempts are told to wait for something else, which is no attempt.
    Waits(u32),
    /// Every attempt fails until the world is healed.
    Poison,
    /// It can never be handled, until the world is healed.
    Hopeless,
    /// There is nothing to do about it.
    Idle,
    /// Every attempt takes so many milliseconds.
    Slow(u64),
}

/// Which event at which listener; an absent part stands for any.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Fate {
    pub listener: Option<String>,
    pub number: Option<u8>,
    pub step: Option<u64>,
    pub how: How,
}

/// What the meeting means for the attempt.
pub enum Meeting {
    Well,
    Ends(Outcome),
}

/// An effect outside: nobody can take it back, so it must not happen twice at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandOff {
    pub event: String,
    pub begun: Timestamp,
    /// Missing where the function died meanwhile.
    pub ended: Option<Timestamp>,
}

#[derive(Default)]
struct Outside {
    fates: Vec<Fate>,
    healed: bool,
    met: BTreeMap<(String, String), u32>,
    hand_offs: Vec<HandOff>,
    digests: Vec<(Timestamp, Option<Timestamp>)>,
}

thread_local! {
    static OUTSIDE: RefCell<Outside> = RefCell::default();
}

/// A world that has not been met yet.
pub fn begin(fates: &[Fate]) {
    OUTSIDE.replace(Outside { fates: fates.to_vec(), ..Outside::default() });
}

/// From now on everything goes well.
pub fn heal() {
    OUTSIDE.with_borrow_mut(|outside| outside.healed = true);
}

/// What was handed over, in the order it began.
pub fn hand_offs() -> Vec<HandOff> {
    OUTSIDE.with_borrow(|outside| outside.hand_offs.clone())
}

/// A batch was handled; its oldest event is from then.
pub fn digested(at: Timestamp, oldest: Option<Timestamp>) {
    OUTSIDE.with_borrow_mut(|outside| outside.digests.push((at, oldest)));
}

/// When batches were handled, and from when the oldest event of each was.
pub fn digests() -> Vec<(Timestamp, Option<Timestamp>)> {
    OUTSIDE.with_borrow(|outside| outside.digests.clone())
}

/// How often a listener's handler met an event.
pub fn meetings(listener: &str, event: &str) -> u32 {
    OUTSIDE.with_borrow(|outside| {
        let key = (listener.to_owned(), event.to_owned());
        outside.met.get(&key).copied().unwrap_or(0)
    })
}

/// How long a hand-off takes.
const HAND_OFF: Duration = Duration::from_millis(40);

/// One attempt of a listener at an event.
pub async fn meet(listener: &str, event: &Envelope, now: Timestamp) -> Meeting {
    let (how, met) = OUTSIDE.with_borrow_mut(|outside| outside.face(listener, event));
    let ends = match how {
        Some(How::Fails(times)) if met <= times => Some(Outcome::Retry("outside_failed")),
        Some(How::Waits(times)) if met <= times => {
            Some(Outcome::Wait { seconds: 5, code: "outside_busy" })
        }
        Some(How::Poison) => Some(Outcome::Retry("outside_poison")),
        Some(How::Hopeless) => Some(Outcome::Permanent("outside_hopeless")),
        Some(How::Idle) => Some(Outcome::Skip("nothing_to_do")),
        Some(How::Slow(span_ms)) => {
            tokio::time::sleep(Duration::from_millis(span_ms)).await;
            None
        }
        Some(How::Fails(_) | How::Waits(_)) | None => None,
    };
    if let Some(outcome) = ends {
        return Meeting::Ends(outcome);
    }
    if listener == listener::HAND_OFF {
        let at = begin_hand_off(event, now);
        tokio::time::sleep(HAND_OFF).await;
        end_hand_off(at, now.plus(HAND_OFF));
    }
    Meeting::Well
}

impl Outside {
    fn face(&mut self, listener: &str, event: &Envelope) -> (Option<How>, u32) {
        let met = self.met.entry((listener.to_owned(), event.id.to_string())).or_default();
        *met += 1;
        let met = *met;
        if self.healed {
            return (None, met);
        }
        let fits = |fate: &&Fate| fate.fits(listener, event);
        (self.fates.iter().find(fits).map(|fate| fate.how), met)
    }
}

impl Fate {
    fn fits(&self, listener: &str, event: &Envelope) -> bool {
        let subject = self.number.map(|number| format!("a{number}"));
        self.listener.as_ref().is_none_or(|own| own == listener)
            && subject.is_none_or(|own| own == event.subject.id())
            && self.step.is_none_or(|own| own == event.sequence_number())
    }
}

fn begin_hand_off(event: &Envelope, now: Timestamp) -> usize {
    OUTSIDE.with_borrow_mut(|outside| {
        let (event, begun) = (event.id.to_string(), now);
        outside.hand_offs.push(HandOff { event, begun, ended: None });
        outside.hand_offs.len() - 1
    })
}

fn end_hand_off(at: usize, now: Timestamp) {
    OUTSIDE.with_borrow_mut(|outside| {
        if let Some(hand_off) = outside.hand_offs.get_mut(at) {
            hand_off.ended = Some(now);
        }
    });
}
