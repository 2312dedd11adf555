//! A small module with an entry of every kind, for the tests of this crate.

use interface::{Call, Empty, Endpoint, Event, Fact, Granted, Nothing, Public};
use kernel::problem::NOT_FOUND;
use kernel::{EntityKind, Error, TenantId, UserId};
use runtime::authorizer::{Evidence, Inquiry, Standing};
use runtime::mail::Message;
use runtime::module::{answer, authorize, every, listen, serve, stream};
use runtime::stream::Births;
use runtime::{
    Anonymous, Commit, Ctx, Group, Module, Outcome, Principal, Received, Reply, System, Worker,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Change, Key, OUTBOX, Scope, Stored, Table};

use crate::harness;

pub(crate) const ECHOES: Table = Table::new("echoes").expires("expires_at");

static POST: Granted<Word, Echoed> = Endpoint::post("echo.post", "/v1/echo/{word}").any_principal();
static STRAY: Granted<Nothing, Echoed> = Endpoint::post("echo.stray", "/v1/stray").any_principal();
static FALLBACK: Public<Nothing, Empty> =
    Endpoint::fallback("echo.fallback").public("a test").refuses(&[&NOT_FOUND]);
pub(crate) static TWICE: Call<Word, Echoed> = Call::new("echo.twice");
static SLOW: Call<Nothing, Empty> = Call::new("echo.slow");

pub(crate) const UPDATED: Event<Updated> =
    Event::new("echo.word.updated", EntityKind::Profile).nth(1);

/// Data of [`UPDATED`].
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub(crate) struct Updated {
    pub word: String,
}

impl Fact for Updated {
    fn sample() -> Self {
        Self { word: "sample".to_owned() }
    }
}

/// The module.
pub(crate) fn module() -> Module {
    Module::new(
        "echo",
        Group::Identity,
        "A test.",
        [
            serve(&POST, post).writes([ECHOES]).emits([UPDATED.spec]),
            serve(&STRAY, stray).writes([ECHOES]),
            serve(&FALLBACK, fallback),
            authorize("echo.authorizer", gather),
            listen("echo.on_updated", &UPDATED, on_updated).calls(&TWICE).mails(),
            stream("echo.relay", OUTBOX, Births::Outbox, harness::relay)
                .writes([OUTBOX])
                .publishes(),
            every("echo.tick", "rate(1 minute)", tick).mails(),
            answer(&TWICE, twice),
            answer(&SLOW, slow).timeout(3),
        ],
    )
    .owns([ECHOES])
    .mails_through(runtime::mail::smtp::connect)
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub(crate) struct Word {
    pub word: String,
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub(crate) struct Echoed {
    pub word: String,
    pub tenant: String,
}

#[derive(Debug, Deserialize, Serialize)]
struct Echo {
    tenant: TenantId,
    word: String,
    expires_at: i64,
}

impl Stored for Echo {
    const TABLE: Table = ECHOES;

    fn key(&self) -> Key {
        Key::new(Scope::tenant(self.tenant).partition("ECHO", self.word.as_str()), "-")
    }
}

async fn post(ctx: Ctx<Principal>, request: Word) -> Result<Reply<Echoed>, Error> {
    let tenant = ctx.tenant();
    let mut change = Change::new();
    let expires_at = ctx.now().seconds() + 600;
    change.create(&Echo { tenant, word: request.word.clone(), expires_at });
    let user_id: UserId = ctx.new_id();
    let data = Updated { word: request.word.clone() };
    let commit = Commit::of(change).announcing_of(user_id, &UPDATED, &data);
    let answer = Echoed { word: request.word, tenant: tenant.to_string() };
    ctx.commit(commit, Reply::new(answer)).await
}

/// Writes a row of another tenant.
async fn stray(ctx: Ctx<Principal>, _: Nothing) -> Result<Reply<Echoed>, Error> {
    let tenant = TenantId::from_bytes([9; 16]);
    let mut change = Change::new();
    change.create(&Echo { tenant, word: "stray".to_owned(), expires_at: 0 });
    let answer = Echoed { word: "stray".to_owned(), tenant: tenant.to_string() };
    ctx.commit(Commit::of(change), Reply::new(answer)).await
}

async fn fallback(_: Ctx<Anonymous>, _: Nothing) -> Result<Reply<Empty>, Error> {
    Err(Error::not_found())
}

/// As the stand-in, and `Bearer blocked` comes from a blocked network.
async fn gather(ctx: Ctx<System>, inquiry: Inquiry) -> Evidence {
    if inquiry.authorization == ["Bearer blocked"] {
        return Evidence { blocked: true, ..Evidence::without(Standing::None, "blocked") };
    }
    harness::gather(ctx, inquiry).await
}

async fn on_updated(ctx: Ctx<Worker>, event: Received<Updated>) -> Result<Outcome, Error> {
    let told = ctx.call(&TWICE, &Word { word: event.data.word }).await?;
    mail(&ctx, &told.word).await
}

async fn tick(ctx: Ctx<System>) -> Result<(), Error> {
    mail(&ctx, "tick").await.map(|_| ())
}

async fn mail<Who>(ctx: &Ctx<Who>, subject: &str) -> Result<Outcome, Error> {
    let message = Message {
        message_id: format!("<{subject}@example>"),
        to: "somebody@example".to_owned(),
        subject: subject.to_owned(),
        text: String::new(),
        html: String::new(),
    };
    match ctx.mailer()?.send(message).await {
        Ok(()) => Ok(Outcome::Done),
        Err(_) => Ok(Outcome::Retry("mail_refused")),
    }
}

async fn twice(ctx: Ctx<Worker>, request: Word) -> Result<Echoed, Error> {
    if request.word == "panic" {
        panic!("as told");
    }
    let word = format!("{0}{0}", request.word);
    Ok(Echoed { word, tenant: ctx.tenant().to_string() })
}

async fn slow(_: Ctx<Worker>, _: Nothing) -> Result<Empty, Error> {
    std::future::pending().await
}
