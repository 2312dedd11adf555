//! The public keys that verify our tokens.

use contracts::Nothing;
use contracts::auth::KeySet;
use kernel::Error;
use runtime::{Anonymous, Ctx, Reply};
use serde_json::json;

use crate::domain::signing_key::key_set;
use crate::store::SigningKeys;

/// Answers every key a live token may have been signed with, and the next one.
pub async fn handle(ctx: Ctx<Anonymous>, _: Nothing) -> Result<Reply<KeySet>, Error> {
    let keys = key_set(&SigningKeys::of(ctx.store()).public().await?);
    let tag = runtime::digest::hex_sha256(&[json!(keys).to_string().as_bytes()]);
    Ok(Reply::new(KeySet { keys }).tagged(&tag))
}
