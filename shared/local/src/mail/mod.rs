//! Every mail the platform sends lands here: a mailbox that is browsed, never delivered.

mod page;
pub(crate) mod smtp;

#[cfg(test)]
mod tests;

pub use page::{PATH, answer};

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use runtime::mail::{MailError, Mailer, Message};
use serde::{Deserialize, Serialize};

use crate::Cloud;
use crate::clock::VirtualClock;
use crate::state::{Change, Store};

/// Row kind of the state file.
const MAIL: &str = "mail.message";

/// Mails kept; older ones are forgotten.
pub const KEPT_MAX: usize = 1_000;

/// One mail as it was handed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// Number of the mail, as text; sorts by time.
    pub id: String,
    /// When it came, Unix milliseconds.
    pub received_at_ms: i64,
    /// The `Message-ID`; the same for every copy of one message.
    pub message_id: String,
    pub from: String,
    pub to: Vec<String>,
    pub subject: String,
    pub text: String,
    /// Empty where the mail has no HTML part.
    pub html: String,
}

/// The mailbox of one cloud. Clones share it; it is kept in the data folder.
#[derive(Clone)]
pub struct Mailbox {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    clock: VirtualClock,
    sender: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Oldest first.
    mails: VecDeque<Mail>,
    last: u64,
    refusals: VecDeque<MailError>,
}

/// Why the stored mails cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the mailbox cannot be read: {0}")]
pub struct MailboxError(String);

impl Mailbox {
    /// The mailbox of this cloud; `sender` is who mails of functions come from.
    pub fn open(cloud: &Cloud, sender: &str) -> Result<Self, MailboxError> {
        let stored = cloud.store().load::<Mail>(MAIL);
        let stored = stored.map_err(|error| MailboxError(error.to_string()))?;
        let mails: VecDeque<Mail> = stored.into_iter().map(|(_, _, mail)| mail).collect();
        let last = mails.back().and_then(|mail| mail.id.parse().ok()).unwrap_or(0);
        let state = State { mails, last, refusals: VecDeque::new() };
        let inner = Inner {
            store: cloud.store().clone(),
            clock: cloud.clock().clone(),
            sender: sender.to_owned(),
            state: Mutex::new(state),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// All mails, newest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.state().mails.iter().rev().cloned().collect()
    }

    /// Mails to this address (letter case counts not), newest first.
    pub fn to(&self, address: &str) -> Vec<Mail> {
        let addressed = |mail: &Mail| mail.to.iter().any(|to| to.eq_ignore_ascii_case(address));
        self.mails().into_iter().filter(addressed).collect()
    }

    /// The mail of this id.
    pub fn get(&self, id: &str) -> Option<Mail> {
        self.state().mails.iter().find(|mail| mail.id == id).cloned()
    }

    /// Forgets every mail.
    pub fn clear(&self) {
        let mut state = self.state();
        // What cannot be deleted from the file comes back at the next start.
        let _ = self.inner.store.apply(&[Change::clear(MAIL, "")]);
        state.mails.clear();
    }

    /// The next hand-over of a function is refused with this error; several are taken in order.
    pub fn refuse_next(&self, error: MailError) {
        self.state().refusals.push_back(error);
    }

    /// Takes a mail in; its id and time are set here. Fails when it cannot be written down.
    pub fn take(&self, mut mail: Mail) -> Result<(), MailError> {
        let mut state = self.state();
        state.last += 1;
        mail.id = format!("{:012}", state.last);
        mail.received_at_ms = self.inner.clock.now_ms();
        let mut changes = vec![Change::put(MAIL, "", &mail.id, &mail)];
        let surplus = (state.mails.len() + 1).saturating_sub(KEPT_MAX);
        changes
            .extend(state.mails.iter().take(surplus).map(|old| Change::delete(MAIL, "", &old.id)));
        self.inner.store.apply(&changes).map_err(|_| MailError::Transient)?;
        state.mails.drain(..surplus);
        state.mails.push_back(mail);
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mailer for Mailbox {
    fn name(&self) -> &'static str {
        "mailbox"
    }

    fn send(&self, message: Message) -> BoxFuture<'_, Result<(), MailError>> {
        let refusal = self.state().refusals.pop_front();
        let taken = match refusal {
            Some(error) => Err(error),
            None => self.take(Mail {
                id: String::new(),
                received_at_ms: 0,
                message_id: message.message_id,
                from: self.inner.sender.clone(),
                to: vec![message.to],
                subject: message.subject,
                text: message.text,
                html: message.html,
            }),
        };
        Box::pin(std::future::ready(taken))
    }
}
