//! From a message to the bytes on the wire: MIME (RFC 2045), headers (RFC 5322), limits.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kernel::Timestamp;
use lettre::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};

use super::super::{MailError, Message};
use crate::ports::digest::hex_sha256;

/// Largest message with all its headers and encodings: 256 KiB.
pub(super) const MESSAGE_LIMIT_BYTES: usize = 256 * 1024;

/// A message ready to be handed over.
pub(super) struct Letter {
    pub from: Address,
    pub to: Address,
    pub bytes: Vec<u8>,
}

/// Writes the message: `multipart/alternative`, text first, and the headers of an automatic mail
/// (RFC 3834 section 5). The same message at the same time is the same bytes.
///
/// # Errors `Address` where the recipient is no ASCII address; `Content` where a header value holds
/// a control character or the message is too large.
pub(super) fn compose(
    message: &Message,
    from: &Mailbox,
    at: Timestamp,
) -> Result<Letter, MailError> {
    if !message.to.is_ascii() || has_control(&message.to) {
        return Err(MailError::Address);
    }
    let to: Address = message.to.parse().map_err(|_| MailError::Address)?;
    if has_control(&message.subject) || has_control(&message.message_id) {
        return Err(MailError::Content);
    }
    let automatic = HeaderValue::new(
        HeaderName::new_from_ascii_str("Auto-Submitted"),
        "auto-generated".to_owned(),
    );
    let parts = MultiPart::alternative()
        .boundary(boundary(&message.message_id))
        .singlepart(SinglePart::plain(message.text.clone()))
        .singlepart(SinglePart::html(message.html.clone()));
    let written = lettre::Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to.clone()))
        .subject(message.subject.clone())
        .date(instant(at))
        .message_id(Some(message_id(&message.message_id, from)))
        .raw_header(automatic)
        .multipart(parts)
        .map_err(|_| MailError::Content)?;
    let bytes = written.formatted();
    if bytes.len() > MESSAGE_LIMIT_BYTES || !bytes.is_ascii() {
        return Err(MailError::Content);
    }
    Ok(Letter { from: from.email.clone(), to, bytes })
}

/// Line breaks above all: they would start a header of their own.
fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// `<id@domain>`; an id without a domain gets the sender's.
fn message_id(id: &str, from: &Mailbox) -> String {
    let id = id.trim_start_matches('<').trim_end_matches('>');
    if id.contains('@') { format!("<{id}>") } else { format!("<{id}@{}>", from.email.domain()) }
}

/// No line of a quoted-printable or base64 body starts with `--=_` (RFC 2045 section 6.7).
fn boundary(id: &str) -> String {
    let hash: String = hex_sha256(&[id.as_bytes()]).chars().take(32).collect();
    format!("=_{hash}")
}

fn instant(at: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(at.ms()).unwrap_or(0))
}
