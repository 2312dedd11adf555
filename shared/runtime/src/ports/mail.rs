//! The mail port: hands one message to a mail system.

pub mod smtp;

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::config::Config;

/// Makes the adapter a module hands mail over through.
pub type Connect = fn(&Config) -> Result<Arc<dyn Mailer>, crate::ports::config::ConfigError>;

/// One message, ready to send. Debug output hides everything a person wrote or owns.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Derived from the row it belongs to, so that a second copy carries the same `Message-ID`.
    pub message_id: String,
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("message_id", &self.message_id).finish_non_exhaustive()
    }
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    #[error("the mail system failed for now")]
    Transient,
    #[error("the mail system limits us; wait {retry_after_s} s")]
    Limited { retry_after_s: u32 },
    #[error("the address is refused for good")]
    Address,
    #[error("the content is refused for good")]
    Content,
    #[error("our own credential is refused")]
    Auth,
    #[error("the answer was lost after the message left: the outcome is unknown")]
    Unknown,
}

/// A mail system. The message is taken at most once per call; a repeat carries the same `Message-ID`.
pub trait Mailer: Send + Sync {
    /// A short name for rows and logs, such as `smtp`.
    fn name(&self) -> &'static str;

    /// Hands the message over.
    fn send(&self, message: Message) -> BoxFuture<'_, Result<(), MailError>>;
}
