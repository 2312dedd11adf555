//! A small module for the tests of the generators.

use contracts::profile as api;
use events::EventSpec;
use kernel::Error;
use runtime::module::{answer, authorize, every, listen_all, serve, stream};
use runtime::secrets::SecretName;
use runtime::stream::Births;
use runtime::{Ctx, Group, Module, Outcome, Principal, Received, Reply, Row, System, User, Worker};
use store::{OUTBOX, Table};

use crate::platform::Platform;

/// The table of the module.
pub const DEMO: Table = Table::new("profile").guarded();

const PEPPER: SecretName = SecretName::new("auth/pepper/email");
const SIGNING: SecretName = SecretName::new("auth/signing/es256");

/// A module with one entry of every kind.
pub fn module() -> Module {
    module_of([
        serve(&api::GET, get).reads([DEMO]),
        serve(&api::UPDATE, update).writes([DEMO]).emits([events::profile::UPDATED.spec]),
        serve(&api::VIEW, view).reads([DEMO]),
        hears("demo.on_updated", events::profile::UPDATED.spec)
            .calls(&contracts::auth::ACCOUNT_GET),
        answers(&contracts::auth::ACCOUNT_GET).opens([PEPPER]),
        every("demo.tidy", "rate(1 minute)", tidy).writes([DEMO]).keeps([SIGNING]),
        stream("demo.relay", OUTBOX, Births::Outbox, relay).writes([OUTBOX]).publishes(),
        authorize("demo.authorizer", gather).reads([DEMO]),
    ])
}

/// A module of these rows.
pub fn module_of<const N: usize>(rows: [Row; N]) -> Module {
    Module::new("demo", Group::Identity, "Shows how.", rows).owns([DEMO])
}

/// The platform of the one module.
pub fn platform() -> Platform {
    Platform::of(vec![module()])
}

/// A listener of one event.
pub fn hears(id: &'static str, event: EventSpec) -> Row {
    hears_all(id, [event])
}

/// A listener of several events.
pub fn hears_all<const N: usize>(id: &'static str, events: [EventSpec; N]) -> Row {
    listen_all(id, events, hear)
}

/// A job.
pub fn works(id: &'static str) -> Row {
    runtime::module::job(id, work)
}

/// A route of the socket.
pub fn speaks(id: &'static str, route: &'static str) -> Row {
    runtime::module::socket(id, route, frame)
}

/// An answer to a typed call about an account.
pub fn answers(
    call: &contracts::Call<contracts::auth::AccountGet, contracts::auth::Account>,
) -> Row {
    answer(call, account)
}

async fn get(_: Ctx<User>, _: contracts::Nothing) -> Result<Reply<api::Profile>, Error> {
    Err(Error::not_found())
}

async fn update(_: Ctx<User>, _: api::UpdateProfile) -> Result<Reply<api::Profile>, Error> {
    Err(Error::not_found())
}

async fn view(_: Ctx<Principal>, _: api::ViewProfile) -> Result<Reply<api::PublicProfile>, Error> {
    Err(Error::not_found())
}

async fn hear(_: Ctx<Worker>, _: Received<serde_json::Value>) -> Result<Outcome, Error> {
    Ok(Outcome::Done)
}

async fn account(
    _: Ctx<Worker>,
    _: contracts::auth::AccountGet,
) -> Result<contracts::auth::Account, Error> {
    Err(Error::not_found())
}

async fn frame(
    _: Ctx<System>,
    _: runtime::socket::Frame,
) -> Result<runtime::socket::FrameReply, Error> {
    Ok(runtime::socket::FrameReply::default())
}

async fn work(_: Ctx<System>, _: serde_json::Value) -> Result<(), Error> {
    Ok(())
}

async fn tidy(_: Ctx<System>) -> Result<(), Error> {
    Ok(())
}

async fn relay(_: Ctx<System>, _: Vec<runtime::stream::Record>) -> Vec<String> {
    Vec::new()
}

async fn gather(_: Ctx<System>, _: runtime::authorizer::Inquiry) -> runtime::authorizer::Evidence {
    use runtime::authorizer::{Evidence, Standing};
    Evidence::without(Standing::None, "none")
}
