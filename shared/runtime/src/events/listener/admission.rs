//! What the rows say of an event before its handler runs: whether it was settled, whose turn it is,
//! whether it is to be passed over.

use std::time::Duration;

use interface::{Envelope, Ordering};
use kernel::{EventId, RequestId, Timestamp};
use store::cursor::{self, Cursor, ParkedRow, Turn};
use store::inbox::{self, InboxKey, InboxRow, Meaning};
use store::outbox;
use store::planted::{self, Bug};
use store::redelivery::{self, Addressee, Redelivery};
use store::{
    Change, Condition, Consistency, INBOX, Item as Stored, Key, PLATFORM, Store, StoreError,
};

use super::conclusion::buried;
use super::gap;
use super::item::{Fate, Item};
use crate::call::delivery::{Delivery, PUT_OFF_LABEL, Repeat, Step};
use crate::module::function::Meta;
use crate::module::listening::Debounce;
use crate::ports::clock;
use crate::ports::log::Metric;

/// Receives from which on a claim is taken before the handler: crashes are counted from here.
const CLAIM_FROM_RECEIVE: u32 = 3;
/// Seconds to wait for an earlier event, and how often.
const GAP_WAIT_S: u32 = 5;
const GAP_WAITS_MAX: u32 = 60;
/// The part under which a debounced event is handled in the end.
const DEBOUNCED: &str = "debounced";

/// What is to be done about an event.
pub(super) enum Admission {
    /// To be handled.
    Run(Box<Delivery>),
    /// Settled before.
    Settled,
    /// Given up before: what is left to do.
    GivenUp(Fate),
    /// Not now; no attempt.
    Wait { seconds: u32 },
    /// Settled, put off or parked by these rows, without its handler.
    Aside(Change),
    /// Its attempts are used up without an answer.
    Exhausted(Box<Delivery>, &'static str),
}

/// The rows found for an event; what was not asked for is as if it were not there.
#[derive(Default)]
struct Known {
    inbox: Option<InboxRow>,
    cursor: Option<Cursor>,
    repeat: Option<Repeat>,
    put_off: Option<Redelivery>,
}

impl Item<'_> {
    /// Looks the event up, in one request at most before its turn is known, and claims it where that is
    /// asked for.
    pub async fn admit(
        &self,
        store: &Store,
        event: &Envelope,
        meta: &Meta,
    ) -> Result<Admission, StoreError> {
        let now = self.now();
        let key = InboxKey::new(&self.scope(event), self.function.row.id, event.id, self.part());
        let known = self.look_up(store, event, &key).await?;
        let (attempts, waits) = match inbox::meaning(known.inbox.as_ref(), now) {
            Meaning::Duplicate => return Ok(Admission::Settled),
            Meaning::GivenUp => return Ok(Admission::GivenUp(buried(known.inbox))),
            Meaning::HeldUntil(until) => return Ok(wait_until(now, until)),
            Meaning::Free { attempts, waits } => (attempts, waits),
        };
        if let Some(debounce) = self.listening.debounce.filter(|_| self.part().is_none()) {
            let put_off = self.put_off(event, debounce, known.put_off.as_ref(), now);
            let skipped = inbox::skipped(&key, attempts, None, DEBOUNCED, now);
            return Ok(Admission::Aside(skipped.append(put_off)));
        }
        let passed_over = self.passed_over(event, known.repeat.as_ref(), now);
        let mut delivery = Delivery {
            repeat: self.repeat(event, now),
            inbox: key,
            attempts: attempts + 1,
            claim: None,
            step: None,
        };
        if let Some(cursor) = known.cursor {
            match self.turn(store, event, &delivery.inbox, cursor, waits).await? {
                Ok(step) => delivery.step = Some(step),
                Err(Admission::Exhausted(..)) => {
                    return Ok(Admission::Exhausted(Box::new(delivery), "sequence_gap"));
                }
                Err(other) => return Ok(other),
            }
        }
        if let Some(reason) = passed_over {
            return Ok(Admission::Aside(delivery.settle(Some(reason), now)));
        }
        let claims = self.listening.claims || self.receives() >= CLAIM_FROM_RECEIVE;
        if !claims {
            return Ok(Admission::Run(Box::new(delivery)));
        }
        self.claim(store, delivery, meta).await
    }

    /// One request for all rows that can matter; none at the first receive of a plain event, because
    /// its inbox row is found by the transaction of its effect.
    async fn look_up(
        &self,
        store: &Store,
        event: &Envelope,
        inbox: &InboxKey,
    ) -> Result<Known, StoreError> {
        let scope = self.scope(event);
        let listener = self.function.row.id;
        let ordered = self.listening.ordering == Ordering::Aggregate && !self.is_forced();
        let first = self.part().is_none();
        let cursor = ordered.then(|| cursor::key_of(&scope, listener, &event.subject));
        let repeat = self.listening.unique_for_s.map(|_| self.repeat_key(event));
        let put_off = self.listening.debounce.filter(|_| first).map(|_| self.put_off_key(event));
        let again = self.is_again() || !first || ordered;
        let inbox = again.then(|| inbox.key().clone());
        let wanted =
            [(INBOX, inbox), (INBOX, cursor.clone()), (INBOX, repeat), (PLATFORM, put_off)];
        let keys: Vec<_> =
            wanted.iter().filter_map(|(table, key)| Some((*table, key.clone()?))).collect();
        if keys.is_empty() {
            return Ok(Known::default());
        }
        let found = match keys.as_slice() {
            [(table, key)] => vec![store.get_item(table, key, Consistency::Strong).await?],
            keys => store.get_batch(keys, Consistency::Strong).await?,
        };
        let mut found = found.into_iter();
        let mut next = |key: &Option<Key>| key.as_ref().and_then(|_| found.next().flatten());
        let [inbox, at, repeat, put_off] = wanted.each_ref().map(|(_, key)| next(key));
        Ok(Known {
            inbox: read(inbox)?,
            cursor: match cursor {
                Some(key) => Some(Cursor::of(key, read(at)?)),
                None => None,
            },
            repeat: read(repeat)?,
            put_off: read(put_off)?,
        })
    }

    /// Why the event needs no work, where it needs none.
    fn passed_over(
        &self,
        event: &Envelope,
        repeat: Option<&Repeat>,
        now: Timestamp,
    ) -> Option<&'static str> {
        let age = now.since(event.time);
        let too_old = |span_s: u32| age > Duration::from_secs(span_s.into());
        if self.listening.expire_after_s.is_some_and(too_old) {
            return Some("expired");
        }
        let other = |one: &Repeat| one.event_id != event.id && one.until_ms > now.ms();
        repeat.is_some_and(other).then_some("repeated")
    }

    /// Puts the event off until its subject has been quiet; the later event stands for both.
    fn put_off(
        &self,
        event: &Envelope,
        debounce: Debounce,
        earlier: Option<&Redelivery>,
        now: Timestamp,
    ) -> Change {
        let seconds = |span_s: u32| Duration::from_secs(span_s.into());
        let latest = earlier.and_then(|one| one.max_due_at);
        let latest = latest.unwrap_or_else(|| now.plus(seconds(debounce.max_s)));
        let scope = self.scope(event);
        let source = outbox::key_of(&scope, &event.subject, event.sequence_number());
        let is_older = |one: &&Redelivery| {
            one.outbox.sk.text().unwrap_or_default() > source.sk.text().unwrap_or_default()
        };
        let kept = earlier.filter(is_older).map(|one| (one.outbox.clone(), one.envelope.clone()));
        let due = now.plus(seconds(debounce.wait_s)).min(latest);
        let queue = self.queue();
        let (source, carried) = kept.unwrap_or_else(|| (source, self.carried(event.id)));
        let to = Addressee { part: Some(DEBOUNCED), ..self.addressee(&queue, event.id) };
        let mut row = Redelivery::of(&scope, to, source, due)
            .instead_of(&scope, &quiet_subject(event))
            .carrying(carried);
        row.max_due_at = Some(latest);
        let unchanged = match earlier {
            Some(earlier) => Condition::equal("due_at_ms", earlier.due_at.ms()),
            None => Condition::no_item(),
        };
        let mut change = Change::new();
        change.put_when(&row, unchanged).named(PUT_OFF_LABEL);
        change
    }

    /// This listener, for the first delivery of an event.
    pub fn addressee<'q>(&self, queue: &'q str, event: EventId) -> Addressee<'q> {
        Addressee { listener: self.function.row.id, queue, event, part: None }
    }

    fn put_off_key(&self, event: &Envelope) -> Key {
        redelivery::key_of(&self.scope(event), self.function.row.id, &quiet_subject(event))
    }

    fn repeat(&self, event: &Envelope, now: Timestamp) -> Option<Repeat> {
        let span = Duration::from_secs(self.listening.unique_for_s?.into());
        let until = now.plus(span);
        let (event_id, until_ms, expires_at) = (event.id, until.ms(), until.seconds());
        Some(Repeat { key: self.repeat_key(event), event_id, until_ms, expires_at })
    }

    fn repeat_key(&self, event: &Envelope) -> Key {
        let parts = (self.function.row.id, quiet_subject(event));
        Key::alone(self.scope(event).partition("UNQ", parts))
    }

    /// The step of the cursor, where it is the event's turn.
    async fn turn(
        &self,
        store: &Store,
        event: &Envelope,
        inbox: &InboxKey,
        cursor: Cursor,
        waits: u32,
    ) -> Result<Result<Step, Admission>, StoreError> {
        let sequence = event.sequence_number();
        let ignored = planted::is(Bug::BlockIgnored) && cursor.blocked_by().is_some();
        match cursor.turn(sequence) {
            Turn::Over => {
                let row = inbox::skipped(inbox, 0, None, "behind", self.now());
                return Ok(Err(Admission::Aside(row)));
            }
            Turn::Later if !ignored => {
                let parked =
                    inbox::parked(inbox, self.now()).append(cursor.park(sequence, event.id));
                return Ok(Err(Admission::Aside(parked)));
            }
            Turn::Now { after } if !ignored => {
                let scope = self.scope(event);
                let who = (self.function.row.id, self.listening);
                if gap::is_open(store, &scope, who, after, event).await? {
                    return Ok(Err(self.wait_for_earlier(store, inbox, waits).await?));
                }
            }
            Turn::Now { .. } | Turn::Later => {}
        }
        let next: Option<ParkedRow> = match cursor.is_barrier(sequence) {
            true => store.query(&cursor.parked_after(sequence)).await?.items.into_iter().next(),
            false => None,
        };
        let hand_out = next.as_ref().map(|next| {
            let scope = self.scope(event);
            let source = outbox::key_of(&scope, &event.subject, next.sequence);
            let queue = self.queue();
            Redelivery::of(&scope, self.addressee(&queue, next.event_id), source, self.now())
        });
        Ok(Ok(Step { cursor, sequence, next, hand_out }))
    }

    async fn wait_for_earlier(
        &self,
        store: &Store,
        inbox: &InboxKey,
        waits: u32,
    ) -> Result<Admission, StoreError> {
        let ports = &self.function.ports;
        let dimension = ("Listener", self.function.row.id);
        let metric = Metric { name: "SequenceGap", unit: "Count", dimension, value: 1 };
        ports.log.metric(&ports.config, self.now(), &metric);
        if waits >= GAP_WAITS_MAX {
            let delivery = Delivery {
                inbox: inbox.clone(),
                attempts: 0,
                claim: None,
                step: None,
                repeat: None,
            };
            return Ok(Admission::Exhausted(Box::new(delivery), "sequence_gap"));
        }
        // A lost count only lengthens the wait.
        let _ = store.update(inbox::waiting(inbox, self.now())).await?;
        Ok(Admission::Wait { seconds: GAP_WAIT_S })
    }

    /// Claims the event until the invocation ends. A claim counts as an attempt: who dies with it has
    /// used it up.
    async fn claim(
        &self,
        store: &Store,
        mut delivery: Delivery,
        meta: &Meta,
    ) -> Result<Admission, StoreError> {
        let (ports, now) = (&self.function.ports, self.now());
        let token: RequestId = clock::new_id(&*ports.clock, &*ports.entropy);
        let token = token.to_string();
        let claim = inbox::claim(&delivery.inbox, &token, now, meta.deadline);
        match store.update(claim).await? {
            store::Written::Done(item) => {
                let attempts = item.number("attempts").and_then(|count| u32::try_from(count).ok());
                delivery.attempts = attempts.unwrap_or(1);
                delivery.claim = Some(token);
                let spent = delivery.attempts > self.listening.tries;
                Ok(match spent {
                    true => Admission::Exhausted(Box::new(delivery), "crashed"),
                    false => Admission::Run(Box::new(delivery)),
                })
            }
            store::Written::Refused(old) => {
                let row = read(old)?;
                Ok(match inbox::meaning(row.as_ref(), now) {
                    Meaning::Duplicate => Admission::Settled,
                    Meaning::GivenUp => Admission::GivenUp(buried(row)),
                    Meaning::HeldUntil(until) => wait_until(now, until),
                    Meaning::Free { .. } => Admission::Wait { seconds: 1 },
                })
            }
        }
    }
}

/// What debounced and unique listeners tell events apart by: subject and type.
fn quiet_subject(event: &Envelope) -> String {
    store::escaped(&format!("{}/{}", event.subject, event.kind))
}

fn read<T: serde::de::DeserializeOwned>(item: Option<Stored>) -> Result<Option<T>, StoreError> {
    let corrupt = |fault: store::ItemError| StoreError::Corrupt {
        table: INBOX.name(),
        reason: fault.to_string(),
    };
    item.map(|item| item.decode().map_err(corrupt)).transpose()
}

fn wait_until(now: Timestamp, until: Timestamp) -> Admission {
    Admission::Wait { seconds: u32::try_from(until.since(now).as_secs() + 1).unwrap_or(u32::MAX) }
}
