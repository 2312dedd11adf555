//! From the topics to what listeners did: E3, E4 and E6.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use runtime::backbone::{Backbone, Hearing};
use store::inbox::{InboxRow, State};
use store::outbox::{OutboxRow, Status};

use super::publication::named;
use super::{Invariant, Verdict};
use crate::simulation::drive::Life;
use crate::simulation::world::{self, outside};

/// Who hears what in the simulated world.
pub fn backbone() -> &'static Backbone {
    static BACKBONE: OnceLock<Backbone> = OnceLock::new();
    BACKBONE.get_or_init(|| Backbone::of(&world::modules()).expect("every listener can be subscribed"))
}

pub fn judge(life: &Life, verdict: &mut Verdict) {
    let notes = notes(life);
    for hearing in &backbone().listeners {
        let mut heard: BTreeMap<&str, Vec<&OutboxRow>> = BTreeMap::new();
        for row in life.rows.outbox.iter().filter(|row| hearing.types.contains(&row.kind)) {
            heard.entry(&row.partitionkey).or_default().push(row);
        }
        for (aggregate, rows) in heard {
            let noted = notes.get(&(hearing.listener.clone(), aggregate.to_owned()));
            let listening = Listening { life, hearing, rows, noted: noted.map_or(&[], Vec::as_slice) };
            listening.judge(verdict);
        }
    }
    hand_offs(verdict);
}

/// By listener and aggregate.
fn notes(life: &Life) -> BTreeMap<(String, String), Vec<u64>> {
    let notes = life.rows.notes.iter().map(|notes| {
        let pk = notes.key.pk.text().unwrap_or_default();
        let owner: Vec<&str> = pk.split('#').skip(1).take(2).collect();
        let aggregate = format!("{}/{}", owner.join("/"), notes.subject);
        ((notes.listener.clone(), aggregate), notes.noted.clone())
    });
    notes.collect()
}

/// What one listener did about one aggregate.
struct Listening<'a> {
    life: &'a Life,
    hearing: &'a Hearing,
    /// The events it hears, in sequence.
    rows: Vec<&'a OutboxRow>,
    /// The numbers it noted, in the order of its transactions.
    noted: &'a [u64],
}

impl Listening<'_> {
    fn judge(&self, verdict: &mut Verdict) {
        for row in &self.rows {
            self.ended(row, verdict);
            self.once(row, verdict);
        }
        if self.hearing.ordered {
            self.in_sequence(verdict);
        }
    }

    fn inbox(&self, row: &OutboxRow) -> Option<&InboxRow> {
        let key = (self.hearing.listener.clone(), row.event_id.to_string());
        self.life.rows.inbox.get(&key)
    }

    /// Done, passed over for a reason, or failed with a cause and in a place it can be repeated from.
    fn ended(&self, row: &OutboxRow, verdict: &mut Verdict) {
        if row.status != Status::Sent {
            return;
        }
        let told = || format!("{} at {}", named(row), self.hearing.listener);
        let Some(inbox) = self.inbox(row) else {
            return verdict.must(Invariant::E6, false, || format!("{} left no trace", told()));
        };
        match inbox.state {
            State::Done => {}
            State::InProgress | State::Retry => {
                for invariant in [Invariant::E2, Invariant::E6] {
                    verdict.must(invariant, false, || {
                        format!("{} is {:?} after {} attempts", told(), inbox.state, inbox.attempts)
                    });
                }
            }
            State::Failed => {
                let kept = inbox.last_error_code.is_some() && inbox.failed_pk.is_some();
                verdict.must(Invariant::E6, kept, || format!("{} failed without a cause", told()));
                let early = inbox.attempts < self.hearing.tries
                    && inbox.last_error_code.as_deref() != Some("outside_hopeless");
                verdict.must(Invariant::E2, !early, || {
                    format!("{} failed after {} attempts", told(), inbox.attempts)
                });
            }
            State::Parked => {
                verdict.must(Invariant::E6, self.is_blocked_before(row), || {
                    format!("{} is parked behind nothing", told())
                });
            }
            State::Skipped => {
                let kept = inbox.skip_reason.is_some() || inbox.last_error_code.is_some();
                verdict.must(Invariant::E6, kept, || format!("{} skipped without a reason", told()));
            }
        }
    }

    fn is_blocked_before(&self, row: &OutboxRow) -> bool {
        let before = self.rows.iter().filter(|other| other.sequence < row.sequence);
        self.hearing.on_exhausted == "block"
            && before.filter_map(|other| self.inbox(other)).any(|inbox| inbox.state == State::Failed)
    }

    /// Noted once where it is done, and not at all elsewhere.
    fn once(&self, row: &OutboxRow, verdict: &mut Verdict) {
        let times = self.noted.iter().filter(|number| **number == row.sequence).count();
        let inbox = self.inbox(row);
        let done = inbox.is_some_and(|inbox| {
            inbox.state == State::Done && inbox.skip_reason.is_none()
        });
        verdict.must(Invariant::E4, times == usize::from(done), || {
            format!(
                "{} had {times} effects at {}, whose inbox says {:?}",
                named(row),
                self.hearing.listener,
                inbox.map(|inbox| inbox.state)
            )
        });
    }

    /// In sequence, and past a failed event only where the listener says so.
    fn in_sequence(&self, verdict: &mut Verdict) {
        let told = || format!("{} noted {:?}", self.hearing.listener, self.noted);
        let rising = self.noted.windows(2).all(|pair| pair[0] < pair[1]);
        verdict.must(Invariant::E3, rising, told);
        let mut stopped = None;
        for row in &self.rows {
            let inbox = self.inbox(row);
            let failed = inbox.is_some_and(|inbox| inbox.state == State::Failed);
            let gap = inbox.and_then(|inbox| inbox.last_error_code.as_deref()) == Some("sequence_gap");
            verdict.must(Invariant::E3, !(failed && gap), || {
                format!("{} never came to follow its predecessor: {}", named(row), told())
            });
            if failed && self.hearing.on_exhausted == "block" {
                stopped = stopped.or(Some(row.sequence));
            }
            let passed = stopped.is_some_and(|at| at < row.sequence);
            verdict.must(Invariant::E3, !(passed && self.noted.contains(&row.sequence)), || {
                format!("{} was handled past a failed one: {}", named(row), told())
            });
        }
    }
}

/// Nothing is handed over twice at the same time; where a function died over it, its successor waited
/// until it had to be dead.
fn hand_offs(verdict: &mut Verdict) {
    let all = outside::hand_offs();
    for (at, one) in all.iter().enumerate() {
        let Some(ended) = one.ended else { continue };
        let beside = all[at + 1..].iter().any(|other| other.event == one.event && other.begun < ended);
        verdict.must(Invariant::E4, !beside, || {
            format!("{} was handed over twice at once", one.event)
        });
    }
}
