//! The OpenID Provider configuration.

use contracts::Nothing;
use contracts::auth::ProviderConfiguration;
use kernel::Error;
use runtime::{Anonymous, Ctx, Reply};
use serde_json::json;

use crate::domain::discovery::{Endpoint, Offer, document};

/// The endpoints of this release; a client is told of nothing else.
const BUILT: &[Endpoint] = &[Endpoint::Jwks];

/// Answers what this installation offers.
pub async fn handle(
    ctx: Ctx<Anonymous>,
    _: Nothing,
) -> Result<Reply<ProviderConfiguration>, Error> {
    let document = document(&Offer {
        issuer: &ctx.config().issuer,
        endpoints: BUILT,
        scopes: &[],
        id_token_algorithms: &[],
    });
    let tag = runtime::digest::hex_sha256(&[json!(document).to_string().as_bytes()]);
    Ok(Reply::new(ProviderConfiguration(document)).tagged(&tag))
}
