//! From the topics to what listeners did: E3, E4 and E6.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use local::connector::Call;
use runtime::backbone::{Backbone, Hearing};
use runtime::module::COLLECTOR;
use store::inbox::{InboxRow, State};
use store::outbox::{OutboxRow, Status};

use super::publication::named;
use super::{Invariant, Sight, Verdict};
use crate::simulation::drive::Life;
use crate::simulation::harm::Harm;
use crate::simulation::plan::Step;
use crate::simulation::world::{self, listener, outside};

/// Who hears what in the simulated world.
pub fn backbone() -> &'static Backbone {
    static BACKBONE: OnceLock<Backbone> = OnceLock::new();
    BACKBONE
        .get_or_init(|| Backbone::of(&world::modules()).expect("every listener can be subscribed"))
}

/// What a queue hides a message for: six times the timeout of a listener.
const VISIBILITY: Duration = Duration::from_secs(180);

pub fn judge(sight: &Sight<'_>, verdict: &mut Verdict) {
    let notes = notes(sight);
    for hearing in &backbone().listeners {
        let mut heard: BTreeMap<&str, Vec<&OutboxRow>> = BTreeMap::new();
        for row in sight.rows.outbox.iter().filter(|row| hearing.types.contains(&row.kind)) {
            heard.entry(&row.partitionkey).or_default().push(row);
        }
        for (aggregate, rows) in heard {
            let noted = notes.get(&(hearing.listener.clone(), aggregate.to_owned()));
            let listening =
                Listening { sight, hearing, rows, noted: noted.map_or(&[], Vec::as_slice) };
            listening.judge(verdict);
        }
    }
}

/// By listener and aggregate.
fn notes(sight: &Sight<'_>) -> BTreeMap<(String, String), Vec<u64>> {
    let notes = sight.rows.notes.iter().map(|notes| {
        let pk = notes.key.pk.text().unwrap_or_default();
        let owner: Vec<&str> = pk.split('#').skip(1).take(2).collect();
        let aggregate = format!("{}/{}", owner.join("/"), notes.subject);
        ((notes.listener.clone(), aggregate), notes.noted.clone())
    });
    notes.collect()
}

/// What one listener did about one aggregate.
struct Listening<'a> {
    sight: &'a Sight<'a>,
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
            if self.hearing.listener != COLLECTOR {
                self.once(row, verdict);
            }
        }
        if self.hearing.ordered {
            self.in_sequence(verdict);
        }
        self.undelayed(verdict);
    }

    /// Where nothing but the world outside fails, an aggregate none of whose events fails here is
    /// handled within one visibility period, whatever happens to others.
    fn undelayed(&self, verdict: &mut Verdict) {
        let plan = &self.sight.life.plan;
        let waits = [listener::LAST, COLLECTOR].contains(&self.hearing.listener.as_str());
        if self.sight.repaired || !plan.harms.is_empty() || waits {
            return;
        }
        let well = self.rows.iter().all(|row| {
            self.inbox(row).is_some_and(|inbox| inbox.state == State::Done && inbox.attempts <= 1)
        });
        for row in self.rows.iter().filter(|row| well && !self.is_forced(row)) {
            let done = self.inbox(row).and_then(|inbox| inbox.consumed_at);
            let late = done.is_none_or(|done| done.since(row.created_at) > VISIBILITY);
            verdict.must(Invariant::E5, !late, || {
                format!("{} waited at {} until {done:?}", named(row), self.hearing.listener)
            });
        }
    }

    /// The row of the first delivery, or of one of its parts.
    fn inbox(&self, row: &OutboxRow) -> Option<&InboxRow> {
        self.parts(row).next()
    }

    /// The rows of the first delivery and of those that were ordered apart from it.
    fn parts(&self, row: &OutboxRow) -> impl Iterator<Item = &InboxRow> {
        let (listener, event) = (self.hearing.listener.clone(), row.event_id.to_string());
        let first = (listener.clone(), event.clone(), String::new());
        let parts = self.sight.rows.inbox.range(first..);
        parts
            .take_while(move |((other, id, _), _)| *other == listener && *id == event)
            .map(|(_, row)| row)
    }

    fn is_forced(&self, row: &OutboxRow) -> bool {
        let (listener, event) = (&self.hearing.listener, row.event_id.to_string());
        let own = |(other, id, part): &&(String, String, String)| {
            other == listener && *id == event && !part.is_empty()
        };
        self.sight.rows.inbox.keys().any(|key| own(&key))
    }

    /// Done, passed over for a reason, or failed with a cause and in a place it can be repeated from.
    fn ended(&self, row: &OutboxRow, verdict: &mut Verdict) {
        if row.status != Status::Sent {
            return;
        }
        let told = || format!("{} at {}", named(row), self.hearing.listener);
        for invariant in [Invariant::E2, Invariant::E6] {
            verdict
                .must(invariant, self.inbox(row).is_some(), || format!("{} left no trace", told()));
        }
        for inbox in self.parts(row) {
            self.part_ended(row, inbox, verdict);
        }
    }

    fn part_ended(&self, row: &OutboxRow, inbox: &InboxRow, verdict: &mut Verdict) {
        let told = || format!("{} at {}", named(row), self.hearing.listener);
        let code = inbox.last_error_code.as_deref().unwrap_or_default();
        match inbox.state {
            State::Done => {
                let reason = inbox.skip_reason.as_deref();
                verdict.must(Invariant::E6, self.may_skip(reason), || {
                    format!("{} was passed over for {reason:?}", told())
                });
            }
            State::InProgress | State::Retry => {
                for invariant in [Invariant::E2, Invariant::E6] {
                    verdict.must(invariant, false, || {
                        format!("{} is {:?} after {} attempts", told(), inbox.state, inbox.attempts)
                    });
                }
            }
            State::Failed => {
                let kept = !code.is_empty() && inbox.failed_pk.is_some();
                verdict.must(Invariant::E6, kept, || format!("{} failed without a cause", told()));
                verdict.must(Invariant::E6, !self.sight.repaired, || {
                    format!("{} is given up ({code}) though everything works again", told())
                });
                let early = inbox.attempts < self.hearing.tries;
                let early = early && code.starts_with("outside_") && code != "outside_hopeless";
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
                let kept = inbox.skip_reason.is_some() || !code.is_empty();
                verdict
                    .must(Invariant::E6, kept, || format!("{} skipped without a reason", told()));
            }
        }
    }

    /// Reasons this listener can have for doing nothing.
    fn may_skip(&self, reason: Option<&str>) -> bool {
        match reason {
            None | Some("nothing_to_do") => true,
            Some("repeated") => self.hearing.listener == listener::ONCE,
            Some("debounced") => self.hearing.listener == listener::LAST,
            Some("expired") => self.hearing.listener == listener::FRESH,
            Some(_) => false,
        }
    }

    fn is_blocked_before(&self, row: &OutboxRow) -> bool {
        let mut before = self.rows.iter().filter(|other| other.sequence < row.sequence);
        self.hearing.on_exhausted == "block"
            && before.any(|other| self.parts(other).any(|inbox| inbox.state == State::Failed))
    }

    /// Noted once for every delivery that is done, and not at all elsewhere.
    fn once(&self, row: &OutboxRow, verdict: &mut Verdict) {
        let times = self.noted.iter().filter(|number| **number == row.sequence).count();
        let done = |inbox: &&InboxRow| inbox.state == State::Done && inbox.skip_reason.is_none();
        let deliveries = self.parts(row).filter(done).count();
        verdict.must(Invariant::E4, times == deliveries, || {
            let states: Vec<_> = self.parts(row).map(|inbox| inbox.state).collect();
            format!(
                "{} had {times} effects at {}, whose inbox says {states:?}",
                named(row),
                self.hearing.listener,
            )
        });
    }

    /// First effects in sequence, and past a failed event only where the listener says so.
    fn in_sequence(&self, verdict: &mut Verdict) {
        let told = || format!("{} noted {:?}", self.hearing.listener, self.noted);
        // What an operator forced ignores the order, as it should.
        let forced = |row: &&&OutboxRow| self.is_forced(row);
        let forced: Vec<u64> = self.rows.iter().filter(forced).map(|row| row.sequence).collect();
        let mut first: Vec<u64> = Vec::new();
        for number in self.noted.iter().filter(|number| !forced.contains(number)) {
            if !first.contains(number) {
                first.push(*number);
            }
        }
        // Where it goes on past failed events, those are handled late.
        let late = self.hearing.on_exhausted == "skip" && self.sight.repaired;
        let rising = late || first.windows(2).all(|pair| pair[0] < pair[1]);
        verdict.must(Invariant::E3, rising, told);
        let mut stopped = None;
        for row in &self.rows {
            let inbox = self.inbox(row);
            let failed = inbox.is_some_and(|inbox| inbox.state == State::Failed);
            let gap =
                inbox.and_then(|inbox| inbox.last_error_code.as_deref()) == Some("sequence_gap");
            verdict.must(Invariant::E3, !(failed && gap), || {
                format!("{} never came to follow its predecessor: {}", named(row), told())
            });
            let passed = stopped.is_some_and(|at| at < row.sequence);
            verdict.must(Invariant::E3, !(passed && first.contains(&row.sequence)), || {
                format!("{} was handled past a failed one: {}", named(row), told())
            });
            if failed && self.hearing.on_exhausted == "block" {
                stopped = stopped.or(Some(row.sequence));
            }
        }
    }
}

/// An event that is delivered after its predecessor was settled leaves no gap to look into. Where a batch
/// is handed over twice, or an operator sends events again, some may come before their time.
pub fn delivered(life: &Life, verdict: &mut Verdict) {
    let twice = |harm: &Harm| matches!(harm, Harm::Delivery(..) | Harm::DeliveryOf(..));
    let again = |step: &Step| matches!(step, Step::Replay { .. } | Step::Range { .. });
    if life.plan.harms.iter().any(twice) || life.plan.steps.iter().any(again) {
        return;
    }
    let looks = |call: &&Call| {
        call.function == listener::FOLLOW
            && call.operation == "Query"
            && call.targets.iter().any(|table| table.ends_with("outbox"))
    };
    let looked = life.calls[..life.played].iter().filter(looks).count();
    verdict.must(Invariant::E3, looked == 0, || {
        format!("{} was given events before their predecessors {looked} times", listener::FOLLOW)
    });
}

/// Nothing is handed over twice at the same time; where a function died over it, its successor waited
/// until it had to be dead. What an operator forced is handed over beside the first delivery, as asked.
pub fn hand_offs(life: &Life, verdict: &mut Verdict) {
    let parts = life
        .rows
        .inbox
        .keys()
        .filter(|(listener, _, part)| listener == listener::HAND_OFF && !part.is_empty());
    let forced: Vec<&String> = parts.map(|(_, event, _)| event).collect();
    let all = outside::hand_offs().into_iter().filter(|one| !forced.contains(&&one.event));
    let all: Vec<_> = all.collect();
    for (at, one) in all.iter().enumerate() {
        let Some(ended) = one.ended else { continue };
        let beside =
            all[at + 1..].iter().any(|other| other.event == one.event && other.begun < ended);
        verdict.must(Invariant::E4, !beside, || {
            format!("{} was handed over twice at once", one.event)
        });
    }
}
