//! Makes the first secrets and keys, and turns the signing keys over every 90 days.
//!
//! Safe to run twice, and to die between any two steps: secrets are made once, and the rows of the
//! key directory follow the secret.

use std::time::Duration;

use events::auth::{KEY_PROMOTED, KeyPromoted};
use kernel::{Error, Secret};
use runtime::secrets::SecretName;
use runtime::{Commit, Ctx, System};
use store::lease;

use crate::domain::access_token::Keys;
use crate::domain::key_rotation::{self, Known, Step};
use crate::domain::pepper::Peppers;
use crate::domain::signing_key::{KeyState, SigningKey, SigningSecret};
use crate::secrets::{self, EMAIL_PEPPER, SIGNING_ES256, TOKEN_PEPPER};
use crate::store::{KeyRow, SigningKeys};

/// The id of the first pepper.
const FIRST_PEPPER: u8 = 1;
/// How long one run may hold the lease.
const LEASE: Duration = Duration::from_secs(60);
/// Rounds until nothing is left to do, at most: a run that was cut off and a rotation take two.
const ROUNDS: u32 = 4;

/// Makes what is missing, then rotates if it is time. Only one run at a time changes what is there.
pub async fn handle(ctx: Ctx<System>) -> Result<(), Error> {
    make_pepper(&ctx, TOKEN_PEPPER).await?;
    make_pepper(&ctx, EMAIL_PEPPER).await?;
    let secret = first_signing(&ctx).await?;
    for step in steps(&ctx, &secret).await? {
        if let Step::Publish { .. } = step {
            carry_out(&ctx, &secret, &step).await?;
        }
    }
    let (store, holder) = (ctx.store(), ctx.request_id().to_string());
    let lease = lease::acquire(store, "auth.rotate_signing", &holder, LEASE, ctx.now()).await?;
    let Some(lease) = lease else { return Ok(()) };
    let outcome = rotate(&ctx).await;
    lease.release(store).await?;
    outcome
}

async fn make_pepper(ctx: &Ctx<System>, name: SecretName) -> Result<(), Error> {
    if ctx.secrets().get(name).await?.is_none() {
        let pepper = Peppers::first(FIRST_PEPPER, ctx.random());
        // Whoever was first has made it; both are good.
        ctx.secrets().create(name, &pepper.document()).await?;
    }
    Ok(())
}

/// The signing secret, made if there is none. Of two runs that make it the first one's stands.
async fn first_signing(ctx: &Ctx<System>) -> Result<SigningSecret, Error> {
    if ctx.secrets().get(SIGNING_ES256).await?.is_none() {
        let fresh = SigningSecret { current: fresh_key()?, next: fresh_key()? };
        ctx.secrets().create(SIGNING_ES256, &fresh.document()).await?;
    }
    signing_now(ctx).await
}

/// The signing secret as it is, not as it was.
async fn signing_now(ctx: &Ctx<System>) -> Result<SigningSecret, Error> {
    ctx.secrets().forget(SIGNING_ES256);
    secrets::signing(ctx).await
}

fn fresh_key() -> Result<SigningKey, Error> {
    SigningKey::generate().map_err(|fault| Error::internal(format!("a signing key: {fault:?}")))
}

/// Finishes what an earlier run began, turns the keys over if it is time, and finishes that.
async fn rotate(ctx: &Ctx<System>) -> Result<(), Error> {
    let mut secret = signing_now(ctx).await?;
    follow(ctx, &secret).await?;
    let rows = rows(ctx).await?;
    let known: Vec<Known> = rows.iter().map(KeyRow::known).collect();
    let (current, next) = (secret.current.kid(), secret.next.kid());
    if !key_rotation::is_due(&known, current, next, ctx.now()) {
        return Ok(());
    }
    let published: Vec<_> = rows.iter().filter_map(KeyRow::public).collect();
    if !key_rotation::verifies(&secret.next, &Keys::of(&published), ctx.now()) {
        return Err(Error::internal(
            "the next signing key does not verify with its published half",
        ));
    }
    let turned = SigningSecret { current: secret.next, next: fresh_key()? };
    let document: Secret<String> = turned.document();
    ctx.secrets().replace(SIGNING_ES256, &document).await?;
    secret = signing_now(ctx).await?;
    follow(ctx, &secret).await
}

/// Brings the rows to where the secret is.
async fn follow(ctx: &Ctx<System>, secret: &SigningSecret) -> Result<(), Error> {
    for _ in 0..ROUNDS {
        let due = steps(ctx, secret).await?;
        if due.is_empty() {
            return Ok(());
        }
        for step in &due {
            carry_out(ctx, secret, step).await?;
        }
    }
    Err(Error::internal("the key directory does not settle"))
}

async fn steps(ctx: &Ctx<System>, secret: &SigningSecret) -> Result<Vec<Step>, Error> {
    let known: Vec<Known> = rows(ctx).await?.iter().map(KeyRow::known).collect();
    Ok(key_rotation::steps(&known, secret.current.kid(), secret.next.kid(), ctx.now()))
}

async fn rows(ctx: &Ctx<System>) -> Result<Vec<KeyRow>, Error> {
    SigningKeys::of(ctx.store()).all().await
}

async fn carry_out(ctx: &Ctx<System>, secret: &SigningSecret, step: &Step) -> Result<(), Error> {
    let (keys, now) = (SigningKeys::of(ctx.store()), ctx.now());
    match step {
        Step::Publish { kid, state } => {
            let both = [&secret.current, &secret.next];
            match both.into_iter().find(|key| key.kid() == kid) {
                Some(key) => keys.publish(key, *state, now).await,
                None => Ok(()),
            }
        }
        Step::Promote { retiring, kid } => {
            let data = KeyPromoted { kid: kid.clone() };
            let commit = Commit::of(keys.promote(retiring, kid, now));
            ctx.enter_platform().apply(commit.announcing_of(kid, &KEY_PROMOTED, &data)).await
        }
        Step::Retire { kid } => keys.close(kid, KeyState::Retiring, KeyState::Gone, now).await,
        Step::Withdraw { kid } => keys.close(kid, KeyState::Next, KeyState::Revoked, now).await,
    }
}
