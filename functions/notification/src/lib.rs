//! Turns facts into messages on the channels a person wants.

mod dispatch;
mod domain;
mod http;
mod on;
mod schedule;
mod store;
#[cfg(test)]
mod tests;
mod view;

use ::store::PLATFORM;
use contracts::auth::ACCOUNT_GET;
use contracts::notification as api;
use events::auth::{EMAIL_VERIFIED, USER_REGISTERED};
use events::notification::{FAILED, INBOX_CHANGED, QUEUED, SENT, SKIPPED};
use runtime::module::{every, listen, listen_all, serve};
use runtime::{Group, Module};

use crate::domain::hand_off::{BACKOFF_S, TRIES};
use crate::store::keys::NOTIFICATION;

/// Twice this long a claim of a dispatcher holds (`domain::hand_off::LEASE`).
const DISPATCH_TIMEOUT_S: u32 = 60;

/// The module's table.
pub fn module() -> Module {
    Module::new(
        "notification",
        Group::Engagement,
        "Turns facts into messages on the channels a person wants.",
        [
            serve(&api::INBOX_LIST, http::inbox_list::handle).reads([NOTIFICATION]).canary(),
            serve(&api::INBOX_HEAD, http::inbox_head::handle).reads([NOTIFICATION]),
            serve(&api::INBOX_MARK, http::inbox_mark::handle)
                .writes([NOTIFICATION])
                .emits([INBOX_CHANGED.spec]),
            serve(&api::INBOX_UPDATE, http::inbox_update::handle)
                .writes([NOTIFICATION])
                .emits([INBOX_CHANGED.spec]),
            listen_all("notification.on_event", [USER_REGISTERED.spec], on::event::handle)
                .tries(8, [5, 30, 120, 600])
                .calls(&ACCOUNT_GET)
                .writes([NOTIFICATION])
                .emits([QUEUED.spec, SKIPPED.spec]),
            listen_all(
                "notification.on_contact_changed",
                [USER_REGISTERED.spec, EMAIL_VERIFIED.spec],
                on::contact_changed::handle,
            )
            .tries(10, [5, 30, 300])
            .calls(&ACCOUNT_GET)
            .writes([NOTIFICATION]),
            listen("notification.dispatch_inbox", &QUEUED, on::dispatch_inbox::handle)
                .facets(["database"])
                .tries(TRIES, BACKOFF_S)
                .writes([NOTIFICATION])
                .emits([SENT.spec, FAILED.spec, SKIPPED.spec, INBOX_CHANGED.spec]),
            listen("notification.dispatch_mail", &QUEUED, on::dispatch_mail::handle)
                .facets(["mail"])
                .claims()
                .tries(TRIES, BACKOFF_S)
                .timeout(DISPATCH_TIMEOUT_S)
                .calls(&ACCOUNT_GET)
                .mails()
                .writes([NOTIFICATION])
                .emits([SENT.spec, FAILED.spec, SKIPPED.spec]),
            every("notification.on_due", "rate(1 minute)", schedule::on_due::handle)
                .timeout(DISPATCH_TIMEOUT_S)
                .calls(&ACCOUNT_GET)
                .mails()
                .writes([NOTIFICATION, PLATFORM])
                .emits([SENT.spec, FAILED.spec, SKIPPED.spec, INBOX_CHANGED.spec]),
        ],
    )
    .owns([NOTIFICATION])
    .mails_through(runtime::mail::smtp::connect)
}
