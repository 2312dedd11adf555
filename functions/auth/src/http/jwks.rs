//! The public keys that verify our tokens.

use contracts::Nothing;
use kernel::Error;
use runtime::{Anonymous, Ctx, Reply};
use serde_json::Value;

use crate::domain::signing_key::jwks;
use crate::store::SigningKeys;

/// Answers every key a live token may have been signed with, and the next one.
pub async fn handle(ctx: Ctx<Anonymous>, _: Nothing) -> Result<Reply<Value>, Error> {
    let keys = SigningKeys::of(ctx.store()).public().await?;
    let document = jwks(&keys);
    let tag = runtime::digest::hex_sha256(&[document.to_string().as_bytes()]);
    Ok(Reply::new(document).tagged(&tag))
}
