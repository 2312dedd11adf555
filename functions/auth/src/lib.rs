//! Proves who is calling, issues and revokes tokens.

mod authorizer;
mod call;
mod device;
pub mod domain;
mod hashing;
mod http;
mod letter;
mod mailing;
mod on;
mod page;
mod schedule;
mod secrets;
mod settings;
mod sign_in;
mod store;
mod tokens;
mod visit;

use std::sync::Arc;

use ::store::PLATFORM;
use contracts::auth as api;
use events::auth::{
    EMAIL_VERIFIED, KEY_PROMOTED, LINK_REQUESTED, LOGIN_LOCKED, SESSION_CREATED,
    SESSION_REUSE_DETECTED, SESSION_REVOKED, USER_REGISTERED,
};
use runtime::access::{CLIENT, ROLE};
use runtime::module::{answer, authorize, every, listen, serve};
use runtime::rate::CELLS;
use runtime::{Group, Module, mail};

use crate::authorizer::KeyCache;
use crate::secrets::{EMAIL_PEPPER, SIGNING_ES256, TOKEN_PEPPER};
use crate::settings::SETTINGS;
use crate::store::keys::AUTH;

/// The module's table.
pub fn module() -> Module {
    let keys = Arc::new(KeyCache::default());
    Module::new(
        "auth",
        Group::Identity,
        "Proves who is calling, issues and revokes tokens.",
        [
            authorize("auth.authorizer", move |ctx, inquiry| {
                let keys = keys.clone();
                async move { authorizer::handle(&keys, ctx, inquiry).await }
            })
            .reads([AUTH, ROLE, CLIENT])
            .writes([CELLS]),
            serve(&api::REGISTER, http::register::handle)
                .reads([CLIENT])
                .writes([AUTH])
                .emits([USER_REGISTERED.spec, LINK_REQUESTED.spec])
                .opens([EMAIL_PEPPER])
                .hashes(),
            serve(&api::EMAIL_VERIFY, http::email_verify::handle)
                .writes([AUTH])
                .emits([EMAIL_VERIFIED.spec])
                .opens([TOKEN_PEPPER]),
            serve(&api::EMAIL_VERIFY_RESEND, http::email_verify_resend::handle)
                .reads([CLIENT])
                .writes([AUTH])
                .emits([LINK_REQUESTED.spec])
                .opens([EMAIL_PEPPER]),
            serve(&api::LINK_PAGE, http::link_page::handle),
            serve(&api::LOGIN, http::login::handle)
                .reads([CLIENT])
                .writes([AUTH])
                .emits([
                    SESSION_CREATED.spec,
                    SESSION_REVOKED.spec,
                    LOGIN_LOCKED.spec,
                    LINK_REQUESTED.spec,
                ])
                .opens([EMAIL_PEPPER, TOKEN_PEPPER, SIGNING_ES256])
                .hashes(),
            serve(&api::TOKEN_REFRESH, http::token_refresh::handle)
                .writes([AUTH])
                .emits([SESSION_REUSE_DETECTED.spec])
                .opens([TOKEN_PEPPER, SIGNING_ES256])
                .canary(),
            serve(&api::LOGOUT, http::logout::handle).writes([AUTH]).emits([SESSION_REVOKED.spec]),
            serve(&api::ME, http::me::handle),
            serve(&api::JWKS, http::jwks::handle).reads([AUTH]),
            serve(&api::OIDC_CONFIGURATION, http::oidc_configuration::handle),
            answer(&api::ACCOUNT_GET, call::account_get::handle).reads([AUTH]),
            answer(&api::ACCOUNT_CREATE, call::account_create::handle)
                .writes([AUTH])
                .emits([USER_REGISTERED.spec, EMAIL_VERIFIED.spec])
                .opens([EMAIL_PEPPER])
                .hashes(),
            listen("auth.send_link", &LINK_REQUESTED, on::send_link::handle)
                .tries(5, [5, 30, 120, 600])
                .urgent()
                .claims()
                .mails()
                .reads([AUTH])
                .opens([TOKEN_PEPPER]),
            every("auth.rotate_signing", "cron(10 3 * * ? *)", schedule::rotate_signing::handle)
                .writes([AUTH, PLATFORM])
                .emits([KEY_PROMOTED.spec])
                .keeps([TOKEN_PEPPER, EMAIL_PEPPER, SIGNING_ES256]),
        ],
    )
    .owns([AUTH])
    .settings(SETTINGS)
    .mails_through(mail::smtp::connect)
}

#[cfg(test)]
mod tests;
