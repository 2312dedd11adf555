//! The module's secrets as values: peppers and signing keys, read from the process's secret store.

use std::time::Duration;

use kernel::Error;
use kernel::problem::DEPENDENCY_UNAVAILABLE;
use runtime::Ctx;
use runtime::log::Line;
use runtime::secrets::SecretName;

use crate::domain::pepper::Peppers;
use crate::domain::signing_key::SigningSecret;

/// Keys of sealed tokens.
pub const TOKEN_PEPPER: SecretName = SecretName::new("auth/pepper/token");
/// Keys of look-ups by e-mail address.
pub const EMAIL_PEPPER: SecretName = SecretName::new("auth/pepper/email");
/// The keys that sign access tokens.
pub const SIGNING_ES256: SecretName = SecretName::new("auth/signing/es256");

/// How old the signing secret may be in a process.
const SIGNING_FRESH: Duration = Duration::from_secs(60);

/// The peppers of sealed tokens.
pub async fn token_peppers<Who>(ctx: &Ctx<Who>) -> Result<Peppers, Error> {
    peppers(ctx, TOKEN_PEPPER).await
}

/// The peppers of look-ups by address.
pub async fn email_peppers<Who>(ctx: &Ctx<Who>) -> Result<Peppers, Error> {
    peppers(ctx, EMAIL_PEPPER).await
}

async fn peppers<Who>(ctx: &Ctx<Who>, name: SecretName) -> Result<Peppers, Error> {
    let document = ctx.secrets().get(name).await?.ok_or_else(|| missing(ctx, name))?;
    Peppers::parse(&document).map_err(|_| malformed(name))
}

/// The keys that sign, at most a minute old.
pub async fn signing<Who>(ctx: &Ctx<Who>) -> Result<SigningSecret, Error> {
    let document = ctx.secrets().get_within(SIGNING_ES256, SIGNING_FRESH).await?;
    let document = document.ok_or_else(|| missing(ctx, SIGNING_ES256))?;
    SigningSecret::parse(&document).map_err(|_| malformed(SIGNING_ES256))
}

fn missing<Who>(ctx: &Ctx<Who>, name: SecretName) -> Error {
    ctx.log(
        Line::error("a secret was never made: run auth.rotate_signing")
            .with("secret", name.as_str()),
    );
    DEPENDENCY_UNAVAILABLE.because("sign-in is not set up yet; try again")
}

fn malformed(name: SecretName) -> Error {
    Error::internal(format!("secret {name} has not the form this program reads"))
}
