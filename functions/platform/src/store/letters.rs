//! Dead letters: events a listener gave up, kept in its inbox as `failed`, and those its queue moved
//! aside because the function crashed over them.

use contracts::platform::EventAddress;
use kernel::{Error, EventId, Timestamp};
use runtime::backbone::Hearing;
use runtime::dead_letters::DeadMessage;
use runtime::{Ctx, Operator};
use store::inbox::{self, InboxKey, InboxRow, Meaning, State};
use store::{BATCH_GET_MAX, Consistency, Key, Query};

use super::outbox::scope_of;
use crate::domain::letter::Letter;

/// Pages of the index that are looked through for a named letter.
const PAGES: usize = 10;

/// A dead letter as it is now.
#[derive(Clone, Debug)]
pub struct Dead {
    pub letter: Letter,
    /// Nothing where a crash left no trace.
    pub row: Option<InboxRow>,
}

/// What one listener gave up.
pub struct Letters<'a> {
    ctx: &'a Ctx<Operator>,
    hearing: &'a Hearing,
}

impl<'a> Letters<'a> {
    pub fn of(ctx: &'a Ctx<Operator>, hearing: &'a Hearing) -> Self {
        Self { ctx, hearing }
    }

    /// All that were given up, oldest first; the index holds keys only and may be some moments
    /// behind.
    pub fn query(&self) -> Query {
        inbox::dead_of(&self.hearing.listener)
    }

    /// Those of a page that are given up still.
    pub async fn opened(&self, page: &[Key]) -> Result<Vec<Dead>, Error> {
        let letters = page.iter().filter_map(|key| Letter::parse(key.pk.text().ok()?));
        self.dead(letters.collect(), Dead::is_given_up).await
    }

    /// Those of these events that are dead letters: given up in the first delivery or else in a part, or
    /// moved aside by the queue.
    pub async fn named(&self, events: &[(EventAddress, EventId)]) -> Result<Vec<Dead>, Error> {
        let letters = events.iter().map(|(address, event)| Letter {
            tenant_id: address.tenant_id,
            livemode: address.livemode,
            listener: self.hearing.listener.clone(),
            event: *event,
            part: None,
        });
        let mut dead = self.dead(letters.collect(), Dead::is_given_up).await?;
        if dead.len() < events.len() {
            complete(&mut dead, events, self.parts().await?);
        }
        if dead.len() < events.len() {
            complete(&mut dead, events, self.crashed(&self.messages().await?).await?);
        }
        Ok(dead)
    }

    /// What was given up in replays and other parts, as far as it is among the oldest thousand.
    async fn parts(&self) -> Result<Vec<Dead>, Error> {
        let mut query = self.query().limit(BATCH_GET_MAX);
        let mut parts = Vec::new();
        for _ in 0..PAGES {
            let page = self.ctx.store().query::<Key>(&query).await?;
            let opened = self.opened(&page.items).await?.into_iter();
            parts.extend(opened.filter(|one| one.letter.part.is_some()));
            if page.next.is_none() {
                break;
            }
            query = query.after(page.next);
        }
        Ok(parts)
    }

    /// The messages of its dead-letter queue.
    pub async fn messages(&self) -> Result<Vec<DeadMessage>, Error> {
        self.ctx.dead_messages(&self.hearing.dead_letter_queue).await
    }

    /// What the queue moved aside and nobody has settled since.
    pub async fn crashed(&self, messages: &[DeadMessage]) -> Result<Vec<Dead>, Error> {
        let mut letters: Vec<Letter> = Vec::new();
        for message in messages.iter().filter(|message| message.cause.is_none()) {
            let Some(envelope) = &message.envelope else { continue };
            let letter = Letter {
                tenant_id: envelope.tenantid,
                livemode: envelope.livemode,
                listener: self.hearing.listener.clone(),
                event: envelope.id,
                part: message.part.clone(),
            };
            if !letters.contains(&letter) {
                letters.push(letter);
            }
        }
        let now = self.ctx.now();
        self.dead(letters, |one| one.is_open(now) && !one.is_given_up()).await
    }

    /// How many were given up, at most so many counted.
    pub async fn count(&self, most: usize) -> Result<u64, Error> {
        let page = self.ctx.store().query_items(&self.query().limit(most)).await?;
        Ok(u64::try_from(page.items.len()).unwrap_or(u64::MAX))
    }

    /// Takes the copies of these out of the dead-letter queue. Those that stay behind harm nobody.
    pub async fn clear(&self, settled: &[&Letter]) {
        let is_settled = |message: &DeadMessage| {
            let of = |letter: &&Letter, event: EventId| {
                letter.event == event && letter.part == message.part
            };
            let event = message.envelope.as_ref().map(|envelope| envelope.id);
            event.is_some_and(|event| settled.iter().any(|letter| of(letter, event)))
        };
        let _ = self.ctx.clear_dead_letters(&self.hearing.dead_letter_queue, is_settled).await;
    }

    /// Those of the letters of which this is so, with their rows.
    async fn dead(
        &self,
        letters: Vec<Letter>,
        is_dead: impl Fn(&Dead) -> bool,
    ) -> Result<Vec<Dead>, Error> {
        let mut dead = Vec::new();
        for letters in letters.chunks(BATCH_GET_MAX) {
            let keys: Vec<Key> = letters.iter().map(|one| key_of(one).key().clone()).collect();
            let rows = self.ctx.store().get_many::<InboxRow>(&keys, Consistency::Strong).await?;
            let found = letters.iter().cloned().zip(rows);
            dead.extend(found.map(|(letter, row)| Dead { letter, row }).filter(&is_dead));
        }
        Ok(dead)
    }
}

impl Dead {
    /// Whether the listener gave it up and nothing has settled it since, whoever tries it again;
    /// otherwise its queue moved it aside.
    pub fn is_given_up(&self) -> bool {
        self.row.as_ref().is_some_and(|row| row.failed_pk.is_some())
    }

    /// Whether nobody has it tried again yet.
    pub fn waits(&self) -> bool {
        self.row.as_ref().is_none_or(|row| row.state != State::Retry)
    }

    fn is_open(&self, now: Timestamp) -> bool {
        matches!(inbox::meaning(self.row.as_ref(), now), Meaning::Free { .. })
    }

    /// The key of its row, for its transitions.
    pub fn key(&self) -> InboxKey {
        key_of(&self.letter)
    }
}

/// Adds those of the found letters that are named and not there yet.
fn complete(dead: &mut Vec<Dead>, named: &[(EventAddress, EventId)], found: Vec<Dead>) {
    let there: Vec<EventId> = dead.iter().map(|one| one.letter.event).collect();
    let missing = named.iter().map(|(_, event)| *event).filter(|event| !there.contains(event));
    let missing: Vec<EventId> = missing.collect();
    dead.extend(found.into_iter().filter(|one| missing.contains(&one.letter.event)));
}

fn key_of(letter: &Letter) -> InboxKey {
    let Letter { tenant_id, livemode, listener, event, part } = letter;
    InboxKey::new(&scope_of(*tenant_id, *livemode), listener, *event, part.as_deref())
}
