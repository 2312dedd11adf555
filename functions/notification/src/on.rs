//! What is heard from other modules, one file per listener.

pub mod contact_changed;
pub mod dispatch_inbox;
pub mod dispatch_mail;
pub mod event;

use events::envelope::UNREADABLE_EVENT;
use kernel::{Error, UserId};
use serde::Deserialize;
use serde_json::Value;

/// What every event about a person says.
#[derive(Deserialize)]
struct AboutPerson {
    user_id: UserId,
}

/// The person an event is about; an event about nobody can never be handled.
fn person(data: &Value) -> Result<UserId, Error> {
    let about = AboutPerson::deserialize(data)
        .map_err(|fault| UNREADABLE_EVENT.because(format!("no person: {fault}")))?;
    Ok(about.user_id)
}
